// Package hairpin makes the side rules of load balancers: how a packet is
// recognised that was balanced back to its own sender, and what its source
// becomes (chk_lb_hairpin, chk_lb_hairpin_reply, ct_snat_to_vip). It knows their
// backends, so it also tells which connections end with a backend.
package hairpin

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/node/rules"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// ctNatted is the bit of ct_mark (of ct_label before OVN 22.03.1) that ovn-northd's
// flows set on balanced connections.
const ctNatted = 2

// optCTMark is the option of SB_Global that says that the "natted" bit is in ct_mark.
const optCTMark = "lb_hairpin_use_ct_mark"

// Hairpin is the node.
type Hairpin struct {
	w     *node.World
	local *datapath.Local
	set   *rules.Set
	byDP  map[ovsdb.UUID]map[ovsdb.UUID]bool // datapath or group -> load balancers

	forget    forgetter
	canForget bool // flushes at the last Recompute
	ctMark    bool // useCTMark at the last Recompute
	newRegs   bool // node.World.NewRegisters at the last Recompute
}

// New makes the node; its rules go into set.
func New(w *node.World, local *datapath.Local, set *rules.Set) *Hairpin {
	return &Hairpin{w: w, local: local, set: set, byDP: map[ovsdb.UUID]map[ovsdb.UUID]bool{}, forget: newForgetter()}
}

// Stale says why all rules must be made anew; "" when they need not.
func (h *Hairpin) Stale() string {
	switch {
	case h.ctMark != h.useCTMark():
		return "SB_Global options:" + optCTMark + " changed"
	case h.newRegs != h.w.NewRegisters():
		return "ovn-northd uses other registers for load balancers"
	case h.canForget != h.flushes():
		return "capability ct_flush of the datapath changed"
	}
	return ""
}

// OnRows follows changes of Load_Balancer and of the datapath groups they use.
func (h *Hairpin) OnRows() bool {
	changed := false
	for _, c := range h.w.SBChanges.LoadBalancer {
		h.file(c.ID, c.Old, c.New)
		changed = h.put(c.ID) || changed
	}
	for _, c := range h.w.SBChanges.LogicalDPGroup {
		for id := range h.byDP[c.ID] {
			changed = h.put(id) || changed
		}
	}
	if len(h.w.SBChanges.ChassisTemplateVar) > 0 {
		for lb := range h.w.SB.LoadBalancer.All() {
			if lb.Options["template"] == "true" {
				changed = h.put(lb.UUID) || changed
			}
		}
	}
	return changed
}

// OnDatapaths follows changes of the local datapaths.
func (h *Hairpin) OnDatapaths() bool {
	if len(h.local.Added)+len(h.local.Removed) == 0 {
		return false
	}
	todo := map[ovsdb.UUID]bool{}
	for _, dps := range []map[ovsdb.UUID]bool{h.local.Added, h.local.Removed} {
		for dp := range dps {
			for id := range h.byDP[dp] {
				todo[id] = true
			}
		}
	}
	for ref, ids := range h.byDP {
		if h.w.SB.LogicalDPGroup.Get(ref) == nil {
			continue
		}
		for id := range ids {
			todo[id] = true
		}
	}
	changed := false
	for id := range todo {
		changed = h.put(id) || changed
	}
	return changed
}

// Recompute makes all rules anew.
func (h *Hairpin) Recompute() bool {
	changed := false
	var gone []rules.Key
	h.set.Keys(func(k rules.Key) {
		if k.Owner.Kind == ir.OwnerLoadBalancer && h.w.SB.LoadBalancer.Get(k.Owner.UUID) == nil {
			gone = append(gone, k)
		}
	})
	for _, k := range gone {
		changed = h.set.Put(k, nil) || changed
	}
	for id := range h.forget.of {
		if h.w.SB.LoadBalancer.Get(id) == nil {
			h.follow(id, nil, nil, 0)
		}
	}
	h.canForget, h.ctMark, h.newRegs = h.flushes(), h.useCTMark(), h.w.NewRegisters()
	clear(h.byDP)
	for lb := range h.w.SB.LoadBalancer.All() {
		h.file(lb.UUID, nil, lb)
		changed = h.put(lb.UUID) || changed
	}
	return changed
}

func refs(lb *sb.LoadBalancer) []ovsdb.UUID {
	out := append([]ovsdb.UUID{}, lb.Datapaths...)
	for _, g := range []ovsdb.UUID{lb.DatapathGroup, lb.LSDatapathGroup, lb.LRDatapathGroup} {
		if !g.IsZero() {
			out = append(out, g)
		}
	}
	return out
}

func (h *Hairpin) file(id ovsdb.UUID, old, row *sb.LoadBalancer) {
	if old != nil {
		for _, r := range refs(old) {
			if delete(h.byDP[r], id); len(h.byDP[r]) == 0 {
				delete(h.byDP, r)
			}
		}
	}
	if row == nil {
		return
	}
	for _, r := range refs(row) {
		if h.byDP[r] == nil {
			h.byDP[r] = map[ovsdb.UUID]bool{}
		}
		h.byDP[r][id] = true
	}
}

// datapaths are the local datapaths of a load balancer, by tunnel key.
func (h *Hairpin) datapaths(lb *sb.LoadBalancer) []uint32 {
	var keys []uint32
	seen := map[uint32]bool{}
	add := func(dp ovsdb.UUID) {
		if key, ok := h.local.Key(dp); ok && !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	for _, r := range refs(lb) {
		add(r)
		if g := h.w.SB.LogicalDPGroup.Get(r); g != nil {
			for _, dp := range g.Datapaths {
				add(dp)
			}
		}
	}
	return keys
}

func (h *Hairpin) put(id ovsdb.UUID) bool {
	owner := ir.Owner{Kind: ir.OwnerLoadBalancer, UUID: id}
	lb := h.w.SB.LoadBalancer.Get(id)
	if lb == nil {
		h.refuse(id, nil)
		h.follow(id, nil, nil, 0)
		return h.set.Put(rules.Key{Owner: owner}, nil)
	}
	dps := h.datapaths(lb)
	if len(dps) == 0 {
		h.refuse(id, nil)
		h.follow(id, nil, nil, 0)
		return h.set.Put(rules.Key{Owner: owner}, nil)
	}
	b := &balancer{lb: lb, owner: owner, dps: dps, origTuple: lb.Options["hairpin_orig_tuple"] == "true", ctMark: h.ctMark, newRegs: h.newRegs}
	switch lb.Protocol.Or("tcp") {
	case "udp":
		b.proto, b.src, b.dst = 17, ir.UDPSrc, ir.UDPDst
	case "sctp":
		b.proto, b.src, b.dst = 132, ir.SCTPSrc, ir.SCTPDst
	default:
		b.proto, b.src, b.dst = 6, ir.TCPSrc, ir.TCPDst
	}
	b.snat4, b.snat6 = snatIPs(lb)
	list, bad := vips(h.vipsOf(lb))
	for i, s := range bad {
		bad[i] = "load balancer " + lb.Name + ": bad address \"" + s + "\" is left out of hairpin handling"
	}
	h.refuse(id, bad)
	h.follow(id, lb, list, uint8(b.proto))
	for _, v := range list {
		for _, be := range v.backends {
			b.backend(v, be)
		}
		b.snat(v)
	}
	return h.set.Put(rules.Key{Owner: owner}, b.rules)
}

// refuse names the addresses of a load balancer that are left out.
func (h *Hairpin) refuse(id ovsdb.UUID, texts []string) {
	h.w.Refuse(node.RefusalKey{Table: "Load_Balancer", Row: id, Part: "hairpin"}, texts...)
}

// useCTMark tells whether ovn-northd keeps the "natted" bit in ct_mark.
func (h *Hairpin) useCTMark() bool {
	for g := range h.w.SB.SBGlobal.All() {
		if v, ok := g.Options[optCTMark]; ok {
			return v == "true"
		}
	}
	return true
}

type balancer struct {
	lb                *sb.LoadBalancer
	owner             ir.Owner
	dps               []uint32
	origTuple, ctMark bool
	newRegs           bool
	proto             uint64
	src, dst          ir.Field
	snat4, snat6      netip.Addr
	rules             []ir.Rule
}

var found = ir.Set{Dst: ir.Bits(ir.Flags, ir.FlagLookupLBHairpin, 1), Value: ir.V(1)}

func (b *balancer) add(stage ir.Stage, priority uint16, dp uint32, terms []ir.Term, ops ...ir.Op) {
	m, ok := ir.NewMatch(terms...)
	if !ok {
		return
	}
	b.rules = append(b.rules, ir.NewRule(stage, priority, dp, m, nil, ir.NewProgram(ops...), b.owner))
}

// family are the fields of an address family.
type family struct {
	etherType               uint64
	src, dst, ctDst, regDst ir.Field
	width                   int
}

func familyOf(a netip.Addr) family {
	if a.Is4() {
		return family{0x0800, ir.IP4Src, ir.IP4Dst, ir.CTIP4Dst, ir.Reg1, 32}
	}
	return family{0x86dd, ir.IP6Src, ir.IP6Dst, ir.CTIP6Dst, ir.XXReg1, 128}
}

func addrTerm(f ir.Field, a netip.Addr) ir.Term {
	return ir.Term{Field: f, Value: ir.BytesValue(a.AsSlice()), Mask: ir.Ones(f.Width())}
}

// toVIP are the terms that say that the packet was sent to v before it was
// balanced: the original tuple, which ovn-northd's flows saved in registers or
// which connection tracking still has.
func (b *balancer) toVIP(v vip, withPort bool) []ir.Term {
	f := familyOf(v.addr)
	if b.origTuple {
		reg := f.regDst
		if v.addr.Is4() && b.newRegs {
			reg = ir.Reg4
		}
		t := []ir.Term{addrTerm(reg, v.addr)}
		if withPort {
			t = append(t, ir.Masked(ir.Reg2, uint64(v.port), 0xffff))
		}
		return t
	}
	t := []ir.Term{ir.Masked(ir.CTState, ir.CTTrk|ir.CTDNAT, ir.CTTrk|ir.CTDNAT), addrTerm(f.ctDst, v.addr)}
	if withPort {
		t = append(t, ir.Exact(ir.CTProto, b.proto), ir.Exact(ir.CTTPDst, uint64(v.port)))
	}
	return t
}

// hairpinSource is what the source of a hairpinned connection becomes.
func (b *balancer) hairpinSource(v vip) netip.Addr {
	switch {
	case v.addr.Is4() && b.snat4.IsValid():
		return b.snat4
	case v.addr.Is6() && b.snat6.IsValid():
		return b.snat6
	}
	return v.addr
}

// backend recognises a connection that was balanced to the backend that opened it,
// and learns how its replies look.
func (b *balancer) backend(v vip, be endpoint) {
	f := familyOf(be.addr)
	terms := []ir.Term{ir.Exact(ir.EthType, f.etherType), addrTerm(f.src, be.addr), addrTerm(f.dst, be.addr)}
	terms = append(terms, b.toVIP(v, be.port != 0)...)
	if be.port != 0 {
		terms = append(terms, ir.Exact(ir.IPProto, b.proto), ir.Exact(b.dst, uint64(be.port)))
	}
	if b.ctMark {
		terms = append(terms, ir.Masked(ir.CTMark, ctNatted, ctNatted))
	} else {
		terms = append(terms, ir.Masked(ir.CTLabel, ctNatted, ctNatted))
	}
	reply := b.hairpinSource(v)
	learn := ir.Learn{Stage: ir.ChkLBHairpinReply, Priority: 0x8000, DeleteOnDel: true,
		Matches: []ir.LearnMatch{
			{Dst: ir.All(ir.Datapath), Src: ir.All(ir.Datapath)},
			{Dst: ir.All(ir.EthType), Value: ir.V(f.etherType)},
			{Dst: ir.All(f.src), Src: ir.All(f.src)},
			{Dst: ir.All(f.dst), Value: ir.BytesValue(reply.AsSlice())},
		},
		Loads: []ir.LearnLoad{{Dst: found.Dst, Value: found.Value}}}
	if be.port != 0 {
		learn.Matches = append(learn.Matches, ir.LearnMatch{Dst: ir.All(ir.IPProto), Value: ir.V(b.proto)},
			ir.LearnMatch{Dst: ir.All(b.src), Src: ir.All(b.dst)})
	} else {
		learn.Matches = append(learn.Matches, ir.LearnMatch{Dst: ir.All(ir.IPProto), Src: ir.All(ir.IPProto)})
	}
	b.add(ir.ChkLBHairpin, 100, 0, terms, found, learn)
}

// snat gives hairpinned connections to v their source. The rule of a load
// balancer with an address of its own for this counts on its datapaths only.
func (b *balancer) snat(v vip) {
	f := familyOf(v.addr)
	terms := []ir.Term{ir.Exact(ir.EthType, f.etherType)}
	terms = append(terms, b.toVIP(v, v.port != 0)...)
	less := uint16(10)
	if v.port != 0 {
		terms = append(terms, ir.Exact(ir.IPProto, b.proto))
		less = 0
	}
	source := b.hairpinSource(v)
	ct := ir.CT{Commit: true, Zone: ir.ZoneRef{Sub: ir.Bits(ir.SNATZone, 0, 16)}, Next: ir.NoStage,
		NAT: &ir.NAT{SNAT: true, AddrMin: source}}
	if source == v.addr {
		b.add(ir.CTSNATHairpin, 100-less, 0, terms, ct)
		return
	}
	for _, dp := range b.dps {
		b.add(ir.CTSNATHairpin, 200-less, dp, terms, ct)
	}
}
