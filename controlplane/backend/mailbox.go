package backend

import (
	"sync"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Mailbox carries deltas from the engine goroutine to one target. It holds one
// delta: what is put into a full mailbox is merged, the latest word on each rule
// wins. So load makes batches larger, and neither side ever waits for the other.
type Mailbox struct {
	ready chan struct{}

	mu      sync.Mutex
	waiting bool
	d       Delta
	put     map[ir.RuleID]int  // index in d.Put
	del     map[ir.RuleID]bool // in d.Del
	meters  map[string]int     // index in d.Meters
}

// NewMailbox makes an empty mailbox.
func NewMailbox() *Mailbox { return &Mailbox{ready: make(chan struct{}, 1)} }

// Ready has a value when Take has something to give.
func (m *Mailbox) Ready() <-chan struct{} { return m.ready }

// Send merges d into the mailbox. It keeps d's slices.
func (m *Mailbox) Send(d Delta) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.waiting || d.Reset {
		if m.waiting { // what was said before is void, but for this
			d.FlushZones = append(m.d.FlushZones, d.FlushZones...)
			d.FlushConnections = append(m.d.FlushConnections, d.FlushConnections...)
			d.Complete = d.Complete || m.d.Complete
			d.Handover = d.Handover || m.d.Handover
		}
		m.d, m.waiting = d, true
		m.put, m.del, m.meters = nil, nil, nil
	} else {
		m.merge(d)
	}
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// Waiting tells whether the target has still to take something.
func (m *Mailbox) Waiting() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.waiting
}

// Take empties the mailbox.
func (m *Mailbox) Take() (Delta, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.waiting {
		return Delta{}, false
	}
	d := m.d
	m.d, m.waiting, m.put, m.del, m.meters = Delta{}, false, nil, nil, nil
	if n := len(d.Put); n > 0 {
		kept := d.Put[:0]
		for _, r := range d.Put {
			if r.Program != nil { // withdrawn by merge
				kept = append(kept, r)
			}
		}
		d.Put = kept
	}
	return d, true
}

func (m *Mailbox) index() {
	if m.put != nil {
		return
	}
	m.put = make(map[ir.RuleID]int, len(m.d.Put))
	for i, r := range m.d.Put {
		m.put[r.ID] = i
	}
	m.del = make(map[ir.RuleID]bool, len(m.d.Del))
	for _, id := range m.d.Del {
		m.del[id] = true
	}
	m.meters = make(map[string]int, len(m.d.Meters))
	for i, x := range m.d.Meters {
		m.meters[x.Name] = i
	}
}

func (m *Mailbox) merge(d Delta) {
	m.index()
	for _, id := range d.Del {
		if i, ok := m.put[id]; ok {
			m.d.Put[i] = ir.Rule{ID: id}
			delete(m.put, id)
		}
		if !m.del[id] {
			m.del[id] = true
			m.d.Del = append(m.d.Del, id)
		}
	}
	for _, r := range d.Put {
		if i, ok := m.put[r.ID]; ok {
			m.d.Put[i] = r
			continue
		}
		m.put[r.ID] = len(m.d.Put)
		m.d.Put = append(m.d.Put, r)
	}
	m.dropMeters(d.DelMeters)
	for _, x := range d.Meters {
		if i, ok := m.meters[x.Name]; ok {
			m.d.Meters[i] = x
			continue
		}
		m.meters[x.Name] = len(m.d.Meters)
		m.d.Meters = append(m.d.Meters, x)
	}
	m.d.FlushZones = append(m.d.FlushZones, d.FlushZones...)
	m.d.FlushConnections = append(m.d.FlushConnections, d.FlushConnections...)
	m.d.Revision = d.Revision
	m.d.Complete = m.d.Complete || d.Complete
	m.d.Handover = m.d.Handover || d.Handover
}

func (m *Mailbox) dropMeters(names []string) {
	if len(names) == 0 {
		return
	}
	gone := make(map[string]bool, len(names))
	for _, n := range names {
		gone[n] = true
	}
	kept := m.d.Meters[:0]
	for _, x := range m.d.Meters {
		if !gone[x.Name] {
			kept = append(kept, x)
		}
	}
	m.d.Meters = kept
	m.d.DelMeters = append(m.d.DelMeters, names...)
	m.meters = make(map[string]int, len(kept))
	for i, x := range kept {
		m.meters[x.Name] = i
	}
}
