package punt

import (
	"net/netip"
	"sync"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

// Bounds of what waits for neighbors: OVN's.
const (
	holdNeighbors   = 1000 // unresolved neighbors of one shard
	holdPerDatapath = 500  // of them on one datapath
	holdDepth       = 4    // packets for each; the oldest goes
	holdTime        = 10 * time.Second
)

// held are the packets that wait for one neighbor.
type held struct {
	key     NeighborKey // Port is the port that the packets were to leave by
	packets []PacketIn
	expires time.Time // holdTime behind the newest packet
}

// holdings is a shard's table of neighbors and of the packets that wait for them.
// Neighbors come from the engine goroutine; packets belong to the shard's goroutine.
type holdings struct {
	ready chan struct{} // has a token when a waiting packet's neighbor may be known

	mu          sync.Mutex // guards what follows
	neighbors   map[NeighborKey]wire.MAC
	waiting     map[NeighborKey]*held
	perDatapath map[uint32]int // of waiting
	redirect    map[Key]Key    // View.Redirect
}

func newHoldings() *holdings {
	return &holdings{ready: make(chan struct{}, 1), neighbors: map[NeighborKey]wire.MAC{},
		waiting: map[NeighborKey]*held{}, perDatapath: map[uint32]int{}}
}

// add lets in wait for ip. reason is not "" when a packet was dropped.
func (h *holdings) add(in PacketIn, ip netip.Addr, now time.Time) (reason Reason) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := NeighborKey{in.outport(), ip}
	w := h.waiting[k]
	if w == nil {
		if len(h.waiting) >= holdNeighbors || h.perDatapath[k.Port.Datapath] >= holdPerDatapath {
			return ReasonHoldFull
		}
		w = &held{key: k}
		h.waiting[k] = w
		h.perDatapath[k.Port.Datapath]++
	}
	w.expires = now.Add(holdTime)
	if len(w.packets) == holdDepth {
		w.packets = append(w.packets[:0], w.packets[1:]...)
		reason = ReasonHoldDepth
	}
	w.packets = append(w.packets, in)
	// The neighbor may be known by now: the rule that would have spared the packet
	// the way here was not there yet.
	if _, known := h.lookup(k); known {
		h.wake()
	}
	return reason
}

// lookup finds a neighbor by the port that packets leave by: bindings are those of the
// distributed port, packets leave by its redirect port.
func (h *holdings) lookup(k NeighborKey) (wire.MAC, bool) {
	if mac, ok := h.neighbors[k]; ok {
		return mac, true
	}
	if p, ok := h.redirect[k.Port]; ok {
		mac, ok := h.neighbors[NeighborKey{p, k.IP}]
		return mac, ok
	}
	return wire.MAC{}, false
}

// known tells whether the neighbor is in the database as it is.
func (h *holdings) known(n Neighbor) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.neighbors[n.NeighborKey] == n.MAC
}

// update takes changes of the neighbor table; a zero MAC forgets.
func (h *holdings) update(changes []Neighbor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range changes {
		if n.MAC.IsZero() {
			delete(h.neighbors, n.NeighborKey)
		} else {
			h.neighbors[n.NeighborKey] = n.MAC
		}
	}
	if len(h.waiting) > 0 {
		h.wake()
	}
}

func (h *holdings) setRedirect(r map[Key]Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.redirect = r
	if len(h.waiting) > 0 {
		h.wake()
	}
}

func (h *holdings) wake() {
	select {
	case h.ready <- struct{}{}:
	default:
	}
}

// released is a packet whose neighbor is known.
type released struct {
	PacketIn
	mac wire.MAC
}

// release takes the packets whose neighbor is known, those of extra included: a
// neighbor that was just heard of and is not in the table yet.
func (h *holdings) release(extra *Neighbor) []released {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []released
	for k, w := range h.waiting {
		mac, ok := h.lookup(k)
		if extra != nil && k.IP == extra.IP && (k.Port == extra.Port || h.redirect[k.Port] == extra.Port) {
			mac, ok = extra.MAC, true
		}
		if !ok {
			continue
		}
		for _, p := range w.packets {
			out = append(out, released{p, mac})
		}
		h.forget(w)
	}
	return out
}

// expire takes the packets that waited too long, and tells when to call again; zero for
// never.
func (h *holdings) expire(now time.Time) (dropped []PacketIn, next time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.waiting {
		if !w.expires.After(now) {
			dropped = append(dropped, w.packets...)
			h.forget(w)
		} else {
			next = earlier(next, w.expires)
		}
	}
	return dropped, next
}

func (h *holdings) forget(w *held) {
	delete(h.waiting, w.key)
	if dp := w.key.Port.Datapath; h.perDatapath[dp] == 1 {
		delete(h.perDatapath, dp)
	} else {
		h.perDatapath[dp]--
	}
}

func (h *holdings) counts() (packets, waiting, known int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.waiting {
		packets += len(w.packets)
	}
	return packets, len(h.waiting), len(h.neighbors)
}

// deliver sends a released packet on its way to mac: a paused one goes on where it
// waits, any other goes out as if "output" came next.
func (r released) deliver(s Switch) {
	if e, err := wire.ParseEthernet(r.Packet); err == nil {
		e.SetDst(r.mac)
	}
	if r.Paused {
		s.Resume(r.PacketIn, Verdict{Packet: r.Packet})
		return
	}
	out := PacketOut{Meta: reloadable(r.Meta, true), Packet: r.Packet, Ops: []ir.Op{ir.Call{Stage: ir.Output}}}
	s.PacketOut(out)
}
