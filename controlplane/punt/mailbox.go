package punt

import (
	"sync"

	"github.com/sluice-gw/sluice/internal/wire"
)

// Pending is what a Mailbox has gathered. Each key occurs once.
type Pending struct {
	Neighbors []Neighbor
	Stations  []Station
	Virtual   []VirtualParent
	Activated []Key
	Empty     []EmptyBackends
}

// mailboxLimit is how many keys of one kind a mailbox holds; what comes on top is
// dropped, and seen again when the next packet of its kind is punted.
const mailboxLimit = 4096

// latest holds the newest value of each key.
type latest[K comparable, V any] map[K]V

// put is false when there is no room for another key.
func (l *latest[K, V]) put(k K, v V) bool {
	if *l == nil {
		*l = latest[K, V]{}
	}
	if _, known := (*l)[k]; !known && len(*l) >= mailboxLimit {
		return false
	}
	(*l)[k] = v
	return true
}

type stationKey struct {
	datapath uint32
	mac      wire.MAC
}

// Mailbox is a Store that one goroutine empties when it has time: the newest value of
// each key is kept, so that a slow reader gets larger batches and not old news.
type Mailbox struct {
	ready chan struct{}

	mu        sync.Mutex // guards what follows
	neighbors latest[NeighborKey, wire.MAC]
	stations  latest[stationKey, uint32]
	virtual   latest[Key, uint32]
	activated latest[Key, struct{}]
	empty     latest[EmptyBackends, struct{}]
	dropped   uint64
}

// NewMailbox makes an empty mailbox.
func NewMailbox() *Mailbox { return &Mailbox{ready: make(chan struct{}, 1)} }

// Ready has a token when something has come in since the last Take.
func (m *Mailbox) Ready() <-chan struct{} { return m.ready }

// Take empties the mailbox.
func (m *Mailbox) Take() Pending {
	m.mu.Lock()
	defer m.mu.Unlock()
	var p Pending
	for k, v := range m.neighbors {
		p.Neighbors = append(p.Neighbors, Neighbor{k, v})
	}
	for k, v := range m.stations {
		p.Stations = append(p.Stations, Station{Key{k.datapath, v}, k.mac})
	}
	for k, v := range m.virtual {
		p.Virtual = append(p.Virtual, VirtualParent{k, v})
	}
	for k := range m.activated {
		p.Activated = append(p.Activated, k)
	}
	for k := range m.empty {
		p.Empty = append(p.Empty, k)
	}
	m.neighbors, m.stations, m.virtual, m.activated, m.empty = nil, nil, nil, nil, nil
	select {
	case <-m.ready:
	default:
	}
	return p
}

// Dropped counts what did not fit.
func (m *Mailbox) Dropped() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dropped
}

// LearnNeighbor keeps n.
func (m *Mailbox) LearnNeighbor(n Neighbor) {
	m.keep(func() bool { return m.neighbors.put(n.NeighborKey, n.MAC) })
}

// LearnStation keeps s.
func (m *Mailbox) LearnStation(s Station) {
	m.keep(func() bool { return m.stations.put(stationKey{s.Port.Datapath, s.MAC}, s.Port.Port) })
}

// BindVirtual keeps v.
func (m *Mailbox) BindVirtual(v VirtualParent) {
	m.keep(func() bool { return m.virtual.put(v.Virtual, v.Parent) })
}

// ActivatePort keeps k.
func (m *Mailbox) ActivatePort(k Key) {
	m.keep(func() bool { return m.activated.put(k, struct{}{}) })
}

// ReportEmptyBackends keeps e.
func (m *Mailbox) ReportEmptyBackends(e EmptyBackends) {
	m.keep(func() bool { return m.empty.put(e, struct{}{}) })
}

func (m *Mailbox) keep(put func() bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !put() {
		m.dropped++
		return
	}
	select {
	case m.ready <- struct{}{}:
	default:
	}
}
