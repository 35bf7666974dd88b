package trace

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// backends are the destinations of a lowered load balancer action of p's family.
func backends(ops []ir.Op, p *ir.Packet) []*ir.NAT {
	var all []*ir.NAT
	for _, op := range ops {
		switch o := op.(type) {
		case ir.CT:
			if o.NAT != nil && o.NAT.AddrMin.IsValid() && (o.NAT.AddrMin.Is4() && p.Has(ir.IP4Dst) || o.NAT.AddrMin.Is6() && p.Has(ir.IP6Dst)) {
				all = append(all, o.NAT)
			}
		case ir.Select:
			for _, k := range o.Buckets {
				all = append(all, backends(k.Ops, p)...)
			}
		}
	}
	return all
}

func (t *tracer) ctLB(s statement, f *frame, node *Node) {
	q := f.p.Copy()
	text := s.name
	if q.IsIP() {
		to, ok := t.backend(s, f, node)
		Tracked(q, f.p, q.Get(ir.CTState).Lo)
		state := q.Get(ir.CTState).Lo
		if ok {
			t.translate(q, to.Addr(), "dst")
			for _, dst := range []ir.Field{ir.TCPDst, ir.UDPDst, ir.SCTPDst} {
				if to.Port() != 0 {
					q.Set(ir.All(dst), ir.V(uint64(to.Port()))) // of the one header that q has
				}
			}
			state |= ir.CTDNAT
		}
		found, remark := t.nextState()
		q.Put(ir.CTState, ir.V(state|found))
		text += remark
	}
	t.visit(f.dp, q, f.next(), node.add(Transformation, "%s", text))
}

// backend chooses the destination: that of Options.LBDst, else one by hash.
func (t *tracer) backend(s statement, f *frame, node *Node) (netip.AddrPort, bool) {
	wanted := !t.lbUsed && t.LBDst.IsValid() && (t.LBDst.Addr().Is4() && f.p.Has(ir.IP4Dst) || t.LBDst.Addr().Is6() && f.p.Has(ir.IP6Dst))
	if s.args == "" {
		return t.LBDst, wanted
	}
	all := backends(t.lower(s, f.dp, f.at), f.p)
	if len(all) == 0 {
		node.add(Error, "*** no load balancing destination (use --lb-dst)")
		return netip.AddrPort{}, false
	}
	choice := all[hash(f.p)%uint64(len(all))]
	for _, k := range all {
		if wanted && k.AddrMin == t.LBDst.Addr() && (t.LBDst.Port() == 0 || t.LBDst.Port() == k.PortMin) {
			choice, t.lbUsed = k, true
			break
		}
	}
	return netip.AddrPortFrom(choice.AddrMin, choice.PortMin), true
}

// hash is the same for all packets of a microflow.
func hash(p *ir.Packet) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	src, dst := portFields(p)
	for _, f := range []ir.Field{ir.IPProto, ir.IP4Src, ir.IP4Dst, ir.IP6Src, ir.IP6Dst, src, dst} {
		for _, b := range p.Get(f).AppendBytes(nil, 16) {
			h = (h ^ uint64(b)) * 1099511628211
		}
	}
	return h
}

// selectOne is "R = select(...)", weighted by nothing: the choice is told.
func (t *tracer) selectOne(s statement, f *frame, node *Node) {
	q := f.p.Copy()
	for _, op := range t.lower(s, f.dp, f.at) {
		sel, ok := op.(ir.Select)
		if !ok || len(sel.Buckets) == 0 {
			continue
		}
		choice, told := sel.Buckets[hash(f.p)%uint64(len(sel.Buckets))], false
		for _, k := range sel.Buckets {
			if id := bucketID(k); t.SelectID != 0 && id == ir.V(uint64(t.SelectID)) {
				choice, told = k, true
			}
		}
		id := bucketID(choice)
		q.Set(s.dst.Sub(), id)
		remark := ""
		if !told {
			remark = " /* Randomly selected. Use --select-id to specify. */"
		}
		sub := node.add(Transformation, "select: %s = %s%s", s.dst, id, remark)
		t.visit(f.dp, q, f.next(), sub)
	}
}

// bucketID is the value that a bucket of a select action loads.
func bucketID(k ir.Bucket) ir.Value {
	for _, op := range k.Ops {
		if set, ok := op.(ir.Set); ok {
			return set.Value
		}
	}
	return ir.Value{}
}

// vip finds the virtual address that the connection of p was made to. Of several
// on one address that on its port is preferred.
func (n *Network) vip(p *ir.Packet) (vip, bool) {
	var found vip
	port := p.Get(ir.CTTPDst)
	for _, v := range n.vips {
		dst := ip4Of(p.Get(ir.CTIP4Dst))
		if v.Addr().Is6() {
			dst = ip6Of(p.Get(ir.CTIP6Dst))
		}
		if v.Addr() != dst {
			continue
		}
		if !found.IsValid() || ir.V(uint64(v.Port())) == port {
			found = v
		}
	}
	return found, found.IsValid()
}

// hairpin tells whether a backend talks to itself through a virtual address.
func (t *tracer) hairpin(s statement, p *ir.Packet, node *Node) {
	yes := false
	if v, ok := t.vip(p); ok && p.IsIP() && p.Get(ir.CTState).Lo&ir.CTDNAT != 0 {
		yes = p.Get(ir.IP4Src) == p.Get(ir.IP4Dst) && p.Get(ir.IP6Src) == p.Get(ir.IP6Dst)
		port := p.Get(ir.CTTPDst)
		if s.name == "chk_lb_hairpin_reply" {
			_, dst := portFields(p)
			port = p.Get(dst)
		}
		yes = yes && ir.V(uint64(v.Port())) == port
	}
	result(s, p, yes)
	node.add(Modify, "%s = %s", s.dst, p.GetSub(s.dst.Sub()))
}

func (t *tracer) snatToVIP(p *ir.Packet, node *Node) {
	if v, ok := t.vip(p); ok && ir.V(uint64(v.Port())) == p.Get(ir.CTTPDst) {
		node.add(Action, "/* nat(src=%s) */", v.snat)
		t.translate(p, v.snat, "src")
	}
}
