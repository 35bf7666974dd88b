package trace

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// nextState is the state that the next trip through connection tracking finds, with
// a remark when nobody said so.
func (t *tracer) nextState() (state uint64, remark string) {
	if len(t.CT) > 0 {
		state, t.CT = t.CT[0]|ir.CTTrk, t.CT[1:]
		return state, ""
	}
	return ir.CTEst | ir.CTTrk, " /* default (use --ct to customize) */"
}

// Tracked sets ct_state and, as far as the packet tells, the original direction of
// its connection.
func Tracked(q *ir.Packet, p *ir.Packet, state uint64) {
	q.Put(ir.CTState, ir.V(state))
	q.Put(ir.CTProto, p.Get(ir.IPProto))
	q.Put(ir.CTIP4Src, p.Get(ir.IP4Src))
	q.Put(ir.CTIP4Dst, p.Get(ir.IP4Dst))
	q.Put(ir.CTIP6Src, p.Get(ir.IP6Src))
	q.Put(ir.CTIP6Dst, p.Get(ir.IP6Dst))
	src, dst := portFields(p)
	q.Put(ir.CTTPSrc, p.Get(src))
	q.Put(ir.CTTPDst, p.Get(dst))
}

// clearCT is "ct_clear".
func clearCT(p *ir.Packet) {
	for f := ir.CTState; f <= ir.CTTPDst; f++ {
		p.Put(f, ir.Value{})
	}
}

// portFields are the fields of the transport ports, or type and code of ICMP.
func portFields(p *ir.Packet) (src, dst ir.Field) {
	for _, pair := range [][2]ir.Field{{ir.TCPSrc, ir.TCPDst}, {ir.UDPSrc, ir.UDPDst}, {ir.SCTPSrc, ir.SCTPDst},
		{ir.ICMP4Type, ir.ICMP4Code}, {ir.ICMP6Type, ir.ICMP6Code}} {
		if p.Has(pair[0]) {
			return pair[0], pair[1]
		}
	}
	return ir.FieldNone, ir.FieldNone
}

func (t *tracer) ctNext(f *frame, node *Node) {
	state, remark := t.nextState()
	q := f.p.Copy()
	Tracked(q, f.p, state)
	t.visit(f.dp, q, f.next(), node.add(Transformation, "ct_next(ct_state=%s%s)", ir.CTStateString(state), remark))
}

// natOf finds what a lowered NAT action translates to.
func natOf(ops []ir.Op) *ir.NAT {
	for _, op := range ops {
		if ct, ok := op.(ir.CT); ok && ct.NAT != nil {
			return ct.NAT
		}
	}
	return &ir.NAT{}
}

func (t *tracer) ctNAT(s statement, f *frame, node *Node) {
	to := natOf(t.lower(s, f.dp, f.at)).AddrMin
	dnat := s.name == "ct_dnat" || s.name == "ct_dnat_in_czone"
	direction, kind, bit := "src", "snat", uint64(ir.CTSNAT)
	if dnat {
		direction, kind, bit = "dst", "dnat", ir.CTDNAT
	}
	q := f.p.Copy()
	state := q.Get(ir.CTState).Lo
	text := s.name
	if to.IsValid() {
		text += "(" + t.translate(q, to, direction) + ")"
		state |= bit
	} else {
		text += " /* assuming no un-" + kind + " entry, so no change */"
	}
	t.afterCT(text, state, q, f, node)
}

// translate rewrites an address of q; the text says which.
func (t *tracer) translate(q *ir.Packet, to netip.Addr, direction string) string {
	fields := map[string][2]ir.Field{"src": {ir.IP4Src, ir.IP6Src}, "dst": {ir.IP4Dst, ir.IP6Dst}}[direction]
	f, family := fields[0], "ip4."
	if to.Is6() {
		f, family = fields[1], "ip6."
	}
	q.Set(ir.All(f), ipValue(to))
	return family + direction + "=" + to.String()
}

// ctThrough is a trip through connection tracking that changes no address.
func (t *tracer) ctThrough(text string, f *frame, node *Node) {
	q := f.p.Copy()
	t.afterCT(text, q.Get(ir.CTState).Lo, q, f, node)
}

// afterCT goes on with q, which was tracked if it was not before.
func (t *tracer) afterCT(text string, state uint64, q *ir.Packet, f *frame, node *Node) {
	if state&ir.CTTrk == 0 {
		s, remark := t.nextState()
		state |= s
		text += remark
	}
	Tracked(q, f.p, state)
	t.visit(f.dp, q, f.next(), node.add(Transformation, "%s", text))
}

// ctAnswer is what connection tracking knows of the packet.
func (t *tracer) ctAnswer(s statement, p *ir.Packet, node *Node) {
	if s.name == "ct_state_save" {
		state := p.Get(ir.CTState).Lo
		if state&ir.CTTrk == 0 {
			state = 0
		}
		p.Set(s.dst.Sub(), ir.V(state))
		node.add(Action, "/* %s = %d; */", s.dst, state)
		return
	}
	v := p.Get(ir.IPProto)
	if s.name == "ct_tp_dst" {
		_, dst := portFields(p)
		v = p.Get(dst)
	}
	p.Set(s.dst.Sub(), v)
	node.add(Modify, "%s = %s", s.dst, v)
}
