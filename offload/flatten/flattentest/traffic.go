package flattentest

import (
	"math/rand/v2"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// Traffic makes packets for a real pipeline: of the addresses and numbers that its
// rules know, and of what its paths ask for, so that packets come far.
type Traffic struct {
	*rand.Rand
	values [ir.NumFields][]ir.Value
	ports  []uint32
	paths  []ir.Match
}

// NewTraffic makes packets for rules and the paths made of them.
func NewTraffic(seed uint64, rules []ir.Rule, f *flatten.Flattener) *Traffic {
	t := &Traffic{Rand: rand.New(rand.NewPCG(seed, 0))}
	seen := map[ir.Term]bool{}
	learn := func(term ir.Term) {
		if !seen[term] {
			seen[term] = true
			t.values[term.Field] = append(t.values[term.Field], term.Value)
		}
	}
	for _, r := range rules {
		for term := range r.Match.Terms() {
			learn(term)
		}
		for _, op := range r.Program.Ops {
			if s, ok := op.(ir.Set); ok && s.Dst.Whole() && !s.Dst.Field.Info().View {
				learn(ir.Term{Field: s.Dst.Field, Value: s.Value})
			}
		}
	}
	// Addresses are asked for in one place and written in another.
	t.share(ir.EthSrc, ir.EthDst)
	t.share(ir.IP4Src, ir.IP4Dst, ir.ARPTPA, ir.ARPSPA, ir.Reg0)
	t.share(ir.IP6Src, ir.IP6Dst)
	t.share(ir.TCPDst, ir.UDPDst)
	for s := range f.Segments() {
		if port, root := s.ID.Ingress(); root {
			t.ports = append(t.ports, port)
		}
		for _, p := range s.Paths {
			t.paths = append(t.paths, p.Match)
		}
	}
	return t
}

// share gives several fields the values of each other.
func (t *Traffic) share(fs ...ir.Field) {
	var all []ir.Value
	for _, f := range fs {
		all = append(all, t.values[f]...)
	}
	for _, f := range fs {
		t.values[f] = all
	}
}

// value is a value of f, of which the bits of mask are val.
func (t *Traffic) value(f ir.Field, val, mask ir.Value) ir.Value {
	v := ir.Value{}
	if vs := t.values[f]; len(vs) > 0 && t.IntN(8) > 0 {
		v = vs[t.IntN(len(vs))]
	} else if t.IntN(2) == 0 {
		v = ir.Value{Hi: t.Uint64(), Lo: t.Uint64()}
	}
	return v.And(mask.Not()).Or(val).And(ir.Ones(f.Width()))
}

// Packet is a random packet.
func (t *Traffic) Packet() *ir.Packet {
	m := ir.Match{}
	for range t.IntN(4) { // of what paths of several segments ask for at once, if they can
		if both, ok := m.And(t.paths[t.IntN(len(t.paths))]); ok {
			m = both
		}
	}
	var terms []ir.Term
	done := map[ir.Field]bool{}
	field := func(f ir.Field, likely ...uint64) uint64 {
		x, _ := m.Term(f)
		v := t.value(f, x.Value, x.Mask)
		if len(likely) > 0 && t.IntN(10) > 0 {
			v = ir.V(likely[t.IntN(len(likely))]).And(x.Mask.Not()).Or(x.Value)
		}
		terms = append(terms, ir.Term{Field: f, Value: v, Mask: ir.Ones(f.Width())})
		done[f] = true
		return v.Lo
	}
	fields := func(fs ...ir.Field) {
		for _, f := range fs {
			field(f)
		}
	}
	fields(ir.EthSrc, ir.EthDst, ir.TunID, ir.TunOpt)
	eth := field(ir.EthType, 0x800, 0x800, 0x800, 0x86dd)
	switch eth {
	case 0x806, 0x8035:
		fields(ir.ARPOp, ir.ARPSPA, ir.ARPTPA, ir.ARPSHA, ir.ARPTHA)
	case 0x800, 0x86dd:
		t.ip(eth, field)
	}
	p, err := ir.NewPacket(terms...)
	if err != nil {
		panic(err) // the fields go together by construction
	}
	p.Len = []int{60, 100, 1400, 1600}[t.IntN(4)]
	if x, ok := m.Term(ir.VLANTCI); ok && x.Value.Bit(12) == 1 || !ok && t.IntN(5) == 0 {
		p.PushVLAN(0x8100)
		p.Put(ir.VLANTCI, t.value(ir.VLANTCI, x.Value, x.Mask).Or(ir.V(1<<12)))
		if t.IntN(8) == 0 {
			p.PushVLAN(0x8100)
		}
	}
	p.Put(ir.InPort, ir.V(uint64(t.ports[t.IntN(len(t.ports))])))
	return p
}

// ip fills the fields of an IP packet.
func (t *Traffic) ip(eth uint64, field func(f ir.Field, likely ...uint64) uint64) {
	field(ir.IPTTL, 64, 64, 64, 2, 1)
	field(ir.IPDSCP)
	icmp := uint64(1)
	if eth == 0x800 {
		field(ir.IP4Src)
		field(ir.IP4Dst)
	} else {
		icmp = 58
		field(ir.IP6Src)
		field(ir.IP6Dst)
	}
	switch field(ir.IPProto, icmp, 6, 6, 17, 17) {
	case 6:
		field(ir.TCPSrc, 1024, 1025, 2000)
		field(ir.TCPDst)
		field(ir.TCPFlags, 2, 16, 18, 24)
	case 17:
		field(ir.UDPSrc, 1024, 1025, 2000)
		field(ir.UDPDst)
	case 132:
		field(ir.SCTPSrc)
		field(ir.SCTPDst)
	case 1:
		if eth == 0x800 {
			field(ir.ICMP4Type, 8, 0, 3)
			field(ir.ICMP4Code, 0)
		}
	case 58:
		if eth == 0x86dd {
			field(ir.ICMP6Type, 128, 129, 135)
			field(ir.ICMP6Code, 0)
		}
	}
}

// Reply is what whoever got a packet that went out by a port sends back, with the
// neighbour that sent it as the router if it was one.
func (t *Traffic) Reply(d ir.Delivery) *ir.Packet {
	p := d.Packet.Copy()
	for _, pair := range [][2]ir.Field{{ir.EthSrc, ir.EthDst}, {ir.IP4Src, ir.IP4Dst}, {ir.IP6Src, ir.IP6Dst},
		{ir.TCPSrc, ir.TCPDst}, {ir.UDPSrc, ir.UDPDst}, {ir.SCTPSrc, ir.SCTPDst}} {
		a, b := p.Get(pair[0]), p.Get(pair[1])
		p.Set(ir.All(pair[0]), b)
		p.Set(ir.All(pair[1]), a)
	}
	if p.Has(ir.TCPFlags) {
		p.Put(ir.TCPFlags, ir.V([]uint64{18, 16}[t.IntN(2)]))
	}
	if p.Has(ir.ICMP4Type) {
		p.Put(ir.ICMP4Type, ir.V(0))
	}
	if p.Has(ir.ICMP6Type) {
		p.Put(ir.ICMP6Type, ir.V(129))
	}
	if p.Has(ir.IPTTL) {
		p.Put(ir.IPTTL, ir.V(64))
	}
	q := entering(p)
	q.Put(ir.InPort, ir.V(uint64(d.Port)))
	opt := p.Get(ir.TunOpt).Lo
	q.Put(ir.TunID, p.Get(ir.TunID))
	q.Put(ir.TunOpt, ir.V(opt>>16&0x7fff|opt&0xffff<<16)) // to where it came from, from where it went
	return q
}

// entering is p without what no packet brings along.
func entering(p *ir.Packet) *ir.Packet {
	q, err := ir.ParseFrame(p.Frame())
	if err != nil {
		panic(err) // p has an Ethernet header
	}
	return q
}
