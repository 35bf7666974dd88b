package flattentest

import (
	"net/netip"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Ports are the ports that packets of random pipelines come in by.
const Ports = 3

// Pipeline generates pipelines whose rules overlap, go through each other, and meet
// the packets of Packet often.
func Pipeline() *rapid.Generator[[]ir.Rule] {
	return rapid.Custom(func(t *rapid.T) []ir.Rule {
		g := &generator{T: t, nat: rapid.Bool().Draw(t, "nat"), odd: rapid.IntRange(0, 3).Draw(t, "odd") == 0}
		var rules []ir.Rule
		for i := range stages {
			for range 1 + g.upTo("rules", 5) {
				rules = append(rules, g.rule(i))
			}
		}
		return rules
	})
}

// Rule generates one more rule for a random pipeline.
func Rule() *rapid.Generator[ir.Rule] {
	return rapid.Custom(func(t *rapid.T) ir.Rule {
		g := &generator{T: t, nat: rapid.Bool().Draw(t, "nat")}
		return g.rule(g.upTo("stage", len(stages)-1))
	})
}

// stages call later ones only, so that nothing goes round in circles.
var stages = []ir.Stage{ir.PhyToLog, ir.Ingress(0), ir.Ingress(1), ir.Egress(0), ir.MACBinding, ir.LogToPhy}

type generator struct {
	*rapid.T
	nat, odd bool
}

func (g *generator) upTo(what string, n int) int { return rapid.IntRange(0, n).Draw(g.T, what) }
func (g *generator) coin(what string) bool       { return rapid.Bool().Draw(g.T, what) }

func pick[T any](g *generator, what string, list ...T) T {
	return list[g.upTo(what, len(list)-1)]
}

func (g *generator) rule(at int) ir.Rule {
	var terms []ir.Term
	if at == 0 && g.upTo("any port", 5) > 0 {
		terms = append(terms, ir.Exact(ir.InPort, uint64(1+g.upTo("port", Ports-1))))
	}
	for range g.upTo("terms", 2) {
		terms = append(terms, g.term()...)
	}
	m, ok := ir.NewMatch(terms...)
	if !ok {
		m = ir.Match{}
	}
	dp := uint32(0)
	if at > 0 && g.upTo("datapath", 3) == 0 {
		dp = uint32(1 + g.upTo("which", 1))
	}
	return ir.NewRule(stages[at], uint16(g.upTo("priority", 3)), dp, m, g.product(), ir.NewProgram(g.ops(at, 2)...), ir.Owner{})
}

func (g *generator) product() *ir.Product {
	if g.upTo("product", 7) > 0 {
		return nil
	}
	dim := func() (alts []ir.Match) {
		for range 1 + g.upTo("alternatives", 1) {
			if m, ok := ir.NewMatch(g.term()...); ok {
				alts = append(alts, m)
			}
		}
		if alts == nil {
			alts = []ir.Match{{}}
		}
		return alts
	}
	return ir.NewProduct([][]ir.Match{dim(), dim()})
}

// term is a test, with the tests of the headers that it needs or without.
func (g *generator) term() []ir.Term {
	with := func(ts ...ir.Term) []ir.Term {
		if g.upTo("bare", 3) == 0 {
			return ts[:1]
		}
		return ts
	}
	v4 := ir.Exact(ir.EthType, 0x800)
	switch g.upTo("term", 19) {
	case 0, 1:
		return []ir.Term{ir.Masked(ir.Reg0, uint64(g.upTo("v", 3)), pick[uint64](g, "mask", 1, 3, 0xffffffff))}
	case 2:
		return []ir.Term{ir.Masked(ir.Reg1, uint64(g.upTo("v", 1)), 1)}
	case 3:
		return []ir.Term{ir.Masked(ir.Reg3, pick[uint64](g, "v", 0, 0x0a000001, 0x0a000002), 0xffffffff)}
	case 4, 5:
		return with(ir.Masked(ir.IP4Src, 0x0a000000|uint64(g.upTo("v", 3)), pick[uint64](g, "mask", 0xffffffff, 0xff000003, 0xff000000)), v4)
	case 6, 7:
		return with(ir.Masked(ir.IP4Dst, 0x0a000000|uint64(g.upTo("v", 3)), pick[uint64](g, "mask", 0xffffffff, 0x00000003)), v4)
	case 8:
		return with(ir.Masked(ir.IPTTL, pick[uint64](g, "v", 64, 63, 62, 1, 0, 2), pick[uint64](g, "mask", 0xff, 0xff, 3)), v4)
	case 9, 10:
		m := pick[uint64](g, "mask", 33, 32, 34, 42, 8, 16)
		return []ir.Term{ir.Masked(ir.CTState, pick[uint64](g, "v", 33, 32, 34, 42, 0)&m, m)}
	case 11:
		return []ir.Term{ir.Masked(ir.CTMark, uint64(g.upTo("v", 3)), 3)}
	case 12:
		return []ir.Term{ir.Exact(ir.EthType, pick[uint64](g, "v", 0x800, 0x86dd, 0x806))}
	case 13:
		return with(ir.Exact(ir.UDPDst, pick[uint64](g, "v", 53, 80, 1001)), v4, ir.Exact(ir.IPProto, 17))
	case 14:
		return with(ir.Exact(ir.IPProto, pick[uint64](g, "v", 6, 17, 1)), v4)
	case 15:
		return []ir.Term{ir.Masked(ir.VLANTCI, pick[uint64](g, "v", 0, 0x1007, 0x1000, 0x1008), pick[uint64](g, "mask", 0x1000, 0x1fff, 0x1fff))}
	case 16:
		return []ir.Term{ir.Masked(ir.EthSrc, 1, 1)}
	case 17:
		return []ir.Term{ir.Exact(ir.TunID, uint64(g.upTo("v", 2)))}
	case 18:
		return []ir.Term{ir.Exact(ir.Outport, uint64(g.upTo("v", 2)))}
	}
	return with(ir.Masked(ir.IPFrag, uint64(2*g.upTo("v", 1)), 2), v4)
}

// ops makes operations of a rule of stage number at, which calls later stages only.
func (g *generator) ops(at, depth int) []ir.Op {
	var ops []ir.Op
	for range g.upTo("ops", 4) {
		ops = append(ops, g.op(at, depth)...)
	}
	if at+1 < len(stages) && g.upTo("on", 2) > 0 {
		ops = append(ops, ir.Call{Stage: g.later(at)})
	}
	return ops
}

func (g *generator) later(at int) ir.Stage {
	return stages[min(at+1+g.upTo("later", 1), len(stages)-1)]
}

func (g *generator) op(at, depth int) []ir.Op {
	last := at == len(stages)-1
	switch n := g.upTo("op", 27); {
	case n < 3:
		return []ir.Op{ir.ToPort{Port: pick[uint32](g, "to", 1, 2, 3, 4, ir.InPortNumber)}}
	case n < 5 && !last:
		return []ir.Op{ir.Call{Stage: g.later(at)}}
	case n == 5:
		return []ir.Op{ir.DecTTL{}}
	case n == 6:
		return []ir.Op{ir.Push{Src: g.sub()}, ir.Pop{Dst: g.sub()}}
	case n == 7 && depth > 0:
		return []ir.Op{ir.Clone{Ops: g.ops(at, depth-1)}}
	case n == 8:
		return []ir.Op{ir.PushVLAN{TPID: 0x8100}, ir.Set{Dst: ir.Bits(ir.VLANTCI, 0, 13), Value: ir.V(0x1000 | uint64(g.upTo("vid", 9)))},
			ir.ToPort{Port: 2}, ir.PopVLAN{}}
	case n == 9:
		return []ir.Op{ir.PushVLAN{TPID: 0x8100}, ir.Set{Dst: ir.Bits(ir.VLANTCI, 0, 13), Value: ir.V(0x1000 | uint64(g.upTo("vid", 9)))}}
	case n == 10:
		return []ir.Op{ir.PopVLAN{}}
	case n < 14 && !last:
		return []ir.Op{g.ct(g.later(at))}
	case n == 14 && !last:
		ops := []ir.Op{ir.Set{Dst: ir.All(ir.Reg0), Value: ir.V(uint64(g.upTo("v", 3)))}, pick[ir.Op](g, "way", g.ct(g.later(at)), ir.Call{Stage: g.later(at)})}
		s := ir.Select{Buckets: []ir.Bucket{{Weight: 1, Ops: ops}, {Weight: uint16(g.upTo("weight", 2))}}}
		if g.coin("third") {
			s.Buckets = append(s.Buckets, ir.Bucket{Weight: 1, Ops: []ir.Op{ir.ToPort{Port: 3}}})
		}
		if g.coin("fields") {
			s.Fields = []ir.Field{ir.IP4Src}
		}
		return []ir.Op{s}
	case n == 15 && g.odd:
		return []ir.Op{ir.Learn{Stage: ir.MACBinding, Priority: 100,
			Matches: []ir.LearnMatch{{Dst: ir.All(ir.EthType), Value: ir.V(0x800)}, {Dst: ir.All(ir.IP4Src), Src: ir.All(ir.IP4Dst)}},
			Loads:   []ir.LearnLoad{{Dst: ir.All(ir.EthDst), Src: ir.All(ir.EthSrc)}}}}
	case n == 16 && g.odd:
		return []ir.Op{ir.Punt{Opcode: ir.OpPutARP, Pause: g.coin("pause")}}
	case n == 17:
		return []ir.Op{pick[ir.Op](g, "odd", ir.CTClear{}, ir.Set{Dst: ir.Bits(ir.InPort, 0, 16)}, ir.SetQueue{ID: uint32(g.upTo("queue", 2))},
			ir.FirstUp{Ports: []uint32{4, 5}}, ir.Meter{Name: "m"}, ir.Sample{CollectorSet: 1, ObsPoint: 2}, ir.Set{Dst: ir.All(ir.PktMark), Value: ir.V(7)})}
	case n == 18:
		return []ir.Op{ir.CheckLarger{Dst: ir.Bits(ir.Reg1, 0, 1), Len: pick[uint16](g, "len", 41, 60, 64, 100)}}
	case n == 19:
		return []ir.Op{ir.Set{Dst: ir.All(ir.Datapath), Value: ir.V(uint64(g.upTo("dp", 2)))}}
	case n == 20:
		return []ir.Op{ir.Copy{Dst: ir.Bits(ir.Datapath, 0, 24), Src: ir.Bits(ir.TunID, 0, 24)}, ir.Copy{Dst: ir.Bits(ir.Outport, 0, 16), Src: ir.Bits(ir.TunOpt, 0, 16)}}
	case n == 21:
		return []ir.Op{ir.Copy{Dst: ir.All(ir.Reg3), Src: ir.All(ir.IP4Dst)}}
	}
	return g.move()
}

// move sets a field or copies one.
func (g *generator) move() []ir.Op {
	d := g.sub()
	if g.coin("copy") {
		s := g.sub()
		width := min(d.N, s.N)
		d.N, s.N = width, width
		return []ir.Op{ir.Copy{Dst: d, Src: s}}
	}
	return []ir.Op{ir.Set{Dst: d, Value: ir.V(uint64(g.upTo("value", 5))).And(ir.Ones(int(d.N)))}}
}

func (g *generator) sub() ir.Sub {
	s := ir.All(pick(g, "field", ir.Reg0, ir.Reg1, ir.Reg3, ir.EthSrc, ir.EthDst, ir.IPTTL, ir.IPDSCP, ir.XReg0, ir.XXReg0, ir.IP4Dst, ir.UDPDst, ir.IP6Dst))
	if g.upTo("part", 2) == 0 {
		s.Ofs = uint8(g.upTo("ofs", int(s.N)-1))
		s.N = 1 + uint8(g.upTo("bits", int(s.N-s.Ofs)-1))
	}
	return s
}

func (g *generator) ct(next ir.Stage) ir.CT {
	ct := ir.CT{Zone: ir.ZoneRef{Const: uint16(10 + g.upTo("zone", 1))}, Next: next, Commit: g.coin("commit")}
	if g.upTo("zone from", 3) == 0 {
		ct.Zone = ir.ZoneRef{Sub: ir.Bits(ir.Reg0, 0, 16)}
	}
	if ct.Commit {
		ct.Exec = []ir.Op{ir.Set{Dst: ir.Bits(ir.CTMark, 0, 2), Value: ir.V(uint64(g.upTo("mark", 3)))}}
		if g.upTo("label", 3) == 0 {
			ct.Exec = append(ct.Exec, ir.Copy{Dst: ir.Bits(ir.CTLabel, 0, 48), Src: ir.All(ir.EthSrc)})
		}
	}
	if g.upTo("in place", 3) == 0 {
		ct.Next = ir.NoStage
	}
	if g.nat && g.coin("translate") {
		ct.NAT = &ir.NAT{}
		if ct.Commit && g.coin("new") {
			*ct.NAT = pick(g, "how", ir.NAT{SNAT: true, AddrMin: netip.MustParseAddr("10.0.0.1")}, ir.NAT{DNAT: true, AddrMin: netip.MustParseAddr("10.0.0.2"), PortMin: 80}, ir.NAT{SNAT: true})
		}
	}
	return ct
}

// Packet generates packets of a conversation between few hosts.
func Packet() *rapid.Generator[*ir.Packet] {
	return rapid.Custom(func(t *rapid.T) *ir.Packet {
		g := &generator{T: t}
		p, err := ir.NewPacket(g.headers()...)
		if err != nil {
			t.Fatal(err)
		}
		p.Len = pick(g, "bytes", 60, 60, 64, 80, 120)
		for range g.upTo("tags", 2) {
			p.PushVLAN(0x8100)
			p.Set(ir.Bits(ir.VLANTCI, 0, 13), ir.V(pick[uint64](g, "tag", 0x1007, 0x1008, 0x1000)))
		}
		p.Put(ir.InPort, ir.V(uint64(1+g.upTo("port", Ports-1))))
		if g.upTo("tunnel", 2) == 0 {
			p.Put(ir.TunID, ir.V(uint64(g.upTo("key", 2))))
			p.Put(ir.TunOpt, ir.V(uint64(g.upTo("out", 2))))
		}
		return p
	})
}

func (g *generator) headers() []ir.Term {
	host := uint64(1 + g.upTo("host", 1))
	terms := []ir.Term{ir.Exact(ir.EthSrc, host), ir.Exact(ir.EthDst, 0x20)}
	switch g.upTo("kind", 9) {
	case 0:
		return append(terms, ir.Exact(ir.EthType, 0x806), ir.Exact(ir.ARPOp, 1), ir.Exact(ir.ARPSPA, 0x0a000000|host))
	case 1:
		return append(terms, ir.Exact(ir.EthType, 0x88cc))
	case 2:
		return append(terms, ir.Exact(ir.EthType, 0x86dd), ir.Exact(ir.IPProto, 17), ir.Exact(ir.IPTTL, 64), ir.Exact(ir.IP6Src, host), ir.Exact(ir.IP6Dst, 3),
			ir.Exact(ir.UDPSrc, 1000+host), ir.Exact(ir.UDPDst, 53))
	}
	src, dst := 0x0a000000|host, 0x0a000000|uint64(g.upTo("to", 3))
	back := g.upTo("back", 2) == 0
	if back {
		src, dst = dst, src
	}
	terms = append(terms, ir.Exact(ir.EthType, 0x800), ir.Exact(ir.IP4Src, src), ir.Exact(ir.IP4Dst, dst), ir.Exact(ir.IPTTL, pick[uint64](g, "ttl", 64, 64, 2, 1, 0)))
	sport, dport := 1000+host, uint64(53)
	if back {
		sport, dport = dport, sport
	}
	switch g.upTo("proto", 5) {
	case 0:
		return append(terms, ir.Exact(ir.IPProto, 1), ir.Exact(ir.ICMP4Type, 8))
	case 1:
		return append(terms, ir.Exact(ir.IPProto, 6), ir.Exact(ir.TCPSrc, sport), ir.Exact(ir.TCPDst, dport), ir.Exact(ir.TCPFlags, pick[uint64](g, "flags", 2, 16, 18)))
	case 2:
		return append(terms, ir.Exact(ir.IPProto, 17), ir.Exact(ir.IPFrag, 3))
	}
	return append(terms, ir.Exact(ir.IPProto, 17), ir.Exact(ir.UDPSrc, sport), ir.Exact(ir.UDPDst, dport))
}
