package flatten

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// visit is a stage in a datapath that packets of a segment came to; datapath is
// anyDatapath when it was not known.
type visit struct {
	stage    ir.Stage
	datapath uint64
}

const anyDatapath = ^uint64(0)

// callers are the packets that came to a stage.
type callers struct {
	visitors
	// cut says that the segment ended there, for so many rules there were.
	cut bool
}

// visitors are the ports of the packets that came there, as far as they were known:
// a new rule concerns the segment when it could match one of them.
type visitors []visitor

// visitor is what was known of a packet: in_port, inport and outport, unknownPort for what was not.
type visitor struct {
	port [3]uint64
	// carried are the ports (by bit) that the segment got the packet with. They are
	// known of all its packets only if the segment depends on them.
	carried uint8
}

const (
	unknownPort = ^uint64(0)
	maxVisitors = 8 // beyond, any packet may have come
)

var (
	visitorFields = [3]ir.Field{ir.InPort, ir.Inport, ir.Outport}
	anyVisitor    = visitor{port: [3]uint64{unknownPort, unknownPort, unknownPort}}
)

// visitedBy notes that packets of st came to s, or ended in front of it.
func (e *evaluation) visitedBy(st *state, s ir.Stage, cut bool) {
	v := visit{s, e.datapath(st)}
	var who visitor
	for i, f := range visitorFields {
		p := fields.at[f]
		m := low(32) << p.bit()
		if known, val := e.known(st, p.word(), m); known == m {
			who.port[i] = val >> p.bit()
		} else {
			who.port[i] = unknownPort
		}
		if st.known[p.word()]&m != m {
			who.carried |= 1 << i
		}
	}
	c := e.visited[v]
	if c == nil {
		c = &callers{}
		e.visited[v] = c
	}
	c.visitors = c.with(who)
	c.cut = c.cut || cut
}

// datapath is where the packets of st are; anyDatapath when it is not known.
func (e *evaluation) datapath(st *state) uint64 {
	w := fields.at[ir.Datapath].word()
	if known, dp := e.known(st, w, ^uint64(0)); known == ^uint64(0) {
		return dp
	}
	return anyDatapath
}

// settleVisitors forgets what is not known of all packets of the segment.
func (e *evaluation) settleVisitors() {
	if e.root {
		return
	}
	for _, c := range e.visited {
		var all visitors
		for _, who := range c.visitors {
			for i, f := range visitorFields {
				p := fields.at[f]
				m := low(32) << p.bit()
				if who.carried>>i&1 != 0 && e.reads.bits[p.word()]&m != m {
					who.port[i] = unknownPort
				}
			}
			who.carried = 0
			all = all.with(who)
		}
		c.visitors = all
	}
}

func (vs visitors) with(who visitor) visitors {
	if slices.Contains(vs, who) {
		return vs
	}
	if len(vs) == 1 && vs[0] == anyVisitor {
		return vs
	}
	if len(vs) == maxVisitors {
		return visitors{anyVisitor}
	}
	return append(vs, who)
}

// meet tells whether r could match a packet of vs.
func (vs visitors) meet(r *rule) bool {
	return slices.ContainsFunc(vs, func(who visitor) bool {
		for i, f := range visitorFields {
			if who.port[i] == unknownPort {
				continue
			}
			if t, ok := r.Match.Term(f); ok && (who.port[i]^t.Value.Lo)&t.Mask.Lo != 0 {
				return false
			}
		}
		return true
	})
}
