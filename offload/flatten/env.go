package flatten

import (
	"math/bits"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// environment is how a packet enters a segment: what each field is, in terms of the
// packet's own headers as they are there. Header fields of an ingress are
// themselves and registers 0; behind a jump, registers are what was carried over
// and headers may be rewritten in thought only (see Rewrite).
type environment struct {
	bindings
	extras
	ethType uint16 // what the packet is known to be; 0: anything
	zone    uint16 // the connection tracking zone that the packet comes from, when it has the state of a connection
	ported  bool   // in_port is not where the packet came from
}

// extras are what is not a run of bits.
type extras struct {
	ttl   uint8 // decrements of the IP TTL, when that is not bound to anything
	tags  *tags
	queue uint32
	stack *stacked
	// circled is the datapath that the packet came back to from its own egress pipeline, last; 0: none.
	circled uint32
}

// tags is what happened to the VLAN headers.
type tags struct {
	popped uint8 // headers that the packet came with and has no more
	pushed []tag // innermost first
}

// tag is a VLAN header that was put on. VLANTCI is bound to that of the outermost.
type tag struct {
	tpid  uint16
	below symbol // what VLANTCI was before
}

// stacked is an entry of the packet's stack.
type stacked struct {
	value symbol
	under *stacked
}

// reads are the parts of an environment that an evaluation depended on: another
// environment that has the same there leads to the same paths.
type reads struct {
	bits                    [words]uint64
	ttl, tags, queue, stack bool
	circled, zone           bool
	ports                   []uint32 // in_port was compared with these; sorted
}

// tracking tells whether it matters what is known of a connection.
func (r *reads) tracking() bool {
	for w, m := range fields.tracking {
		if r.bits[w]&m != 0 {
			return true
		}
	}
	return false
}

func (r *reads) port(n uint32) {
	if i, has := slices.BinarySearch(r.ports, n); !has {
		r.ports = slices.Insert(r.ports, i, n)
	}
}

// ingress is the environment of packets that come in by a port: no packet has a
// datapath, registers or connection-tracking state there.
func ingress(port uint32) *environment {
	e := &environment{}
	for w := range e.known {
		e.known[w] = fields.pipeline[w] | fields.tracking[w]
	}
	e.set(fields.at[ir.InPort], 32, ir.V(uint64(port)))
	return e
}

// tracked tells whether packets have the state of a connection.
func (e *environment) tracked() bool { return !e.runAt(fields.at[ir.CTState], 1).fixed }

// datapath is where packets are; anyDatapath when it is not known.
func (e *environment) datapath() uint64 {
	if w := fields.at[ir.Datapath].word(); e.known[w] == ^uint64(0) {
		return e.val[w]
	}
	return anyDatapath
}

// inPort is the value of in_port; ok is false when it is no constant.
func (e *environment) inPort() (port uint32, ok bool) {
	r := e.runAt(fields.at[ir.InPort], 32)
	return uint32(r.val), r.fixed && r.n == 32
}

// agrees tells whether e is o in all that r says. Equal bits may be written as
// pieces of other lengths.
func (e *environment) agrees(o *environment, r *reads) bool {
	for w := range r.bits {
		m := r.bits[w]
		if m == 0 {
			continue
		}
		if (e.known[w]^o.known[w])&m != 0 || (e.val[w]^o.val[w])&e.known[w]&m != 0 {
			return false
		}
		if (e.movedIn|o.movedIn)>>w&1 != 0 && !sameOrigin(&e.bindings, &o.bindings, w, m&^e.known[w]) {
			return false
		}
	}
	if e.ethType != o.ethType || r.zone && e.zone != o.zone || e.ported != o.ported || r.ttl && e.ttl != o.ttl || r.queue && e.queue != o.queue ||
		r.tags && !e.tags.equal(o.tags) || r.stack && !e.stack.equal(o.stack) {
		return false
	}
	if r.circled && e.circled != o.circled {
		return false
	}
	return samePort(e, o, r.ports)
}

func sameOrigin(a, b *bindings, w int, m uint64) bool {
	for ; m != 0; m &= m - 1 {
		p := position(w*64 + bits.TrailingZeros64(m))
		if a.runAt(p, 1).src != b.runAt(p, 1).src {
			return false
		}
	}
	return true
}

// samePort tells whether comparing in_port with each of ports has the same results.
func samePort(a, b *environment, ports []uint32) bool {
	if len(ports) == 0 {
		return true
	}
	x, okX := a.inPort()
	y, okY := b.inPort()
	if !okX || !okY || x == y {
		return okX == okY
	}
	_, hasX := slices.BinarySearch(ports, x)
	_, hasY := slices.BinarySearch(ports, y)
	return !hasX && !hasY
}

// key is a hash of what r says of e: equal for environments that agree, in every process.
func (e *environment) key(r *reads) uint64 {
	h := newHash(uint64(e.ethType))
	if r.zone {
		h = h.add(6).add(uint64(e.zone))
	}
	if e.ported {
		h = h.add(7)
	}
	for w := range r.bits {
		m := r.bits[w]
		if m == 0 {
			continue
		}
		k := e.known[w] & m
		h = h.add(uint64(w)).add(m).add(k).add(e.val[w] & k)
		if e.movedIn>>w&1 != 0 {
			for m &^= k; m != 0; m &= m - 1 {
				p := position(w*64 + bits.TrailingZeros64(m))
				if src := e.runAt(p, 1).src; src != p {
					h = h.add(uint64(p)).add(uint64(src))
				}
			}
		}
	}
	if r.ttl {
		h = h.add(1).add(uint64(e.ttl))
	}
	if r.queue {
		h = h.add(2).add(uint64(e.queue))
	}
	if r.tags {
		h = e.tags.hash(h.add(3))
	}
	if r.stack {
		h = e.stack.hash(h.add(4))
	}
	if r.circled {
		h = h.add(8).add(uint64(e.circled))
	}
	if len(r.ports) > 0 {
		port, _ := e.inPort()
		if _, has := slices.BinarySearch(r.ports, port); has {
			h = h.add(5).add(uint64(port))
		} else {
			h = h.add(6)
		}
	}
	return uint64(h)
}

func (t *tags) equal(o *tags) bool {
	if t == nil || o == nil {
		return t == o
	}
	return t.popped == o.popped && slices.EqualFunc(t.pushed, o.pushed, func(a, b tag) bool {
		return a.tpid == b.tpid && slices.Equal(a.below, b.below)
	})
}

func (t *tags) hash(h hash) hash {
	if t == nil {
		return h.add(0)
	}
	h = h.add(uint64(t.popped)).add(uint64(len(t.pushed)))
	for _, x := range t.pushed {
		h = x.below.hash(h.add(uint64(x.tpid)))
	}
	return h
}

func (s *stacked) equal(o *stacked) bool {
	for s != nil && o != nil {
		if !slices.Equal(s.value, o.value) {
			return false
		}
		s, o = s.under, o.under
	}
	return s == o
}

func (s *stacked) hash(h hash) hash {
	for ; s != nil; s = s.under {
		h = s.value.hash(h.add(1))
	}
	return h.add(0)
}

func (s symbol) hash(h hash) hash {
	for _, r := range s {
		if h = h.add(uint64(r.n)); r.fixed {
			h = h.add(1).add(r.val)
		} else {
			h = h.add(2).add(uint64(r.src))
		}
	}
	return h
}
