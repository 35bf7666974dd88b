package irtest

import (
	"net/netip"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Stage generates stages, logical and physical.
func Stage() *rapid.Generator[ir.Stage] {
	return rapid.Custom(func(t *rapid.T) ir.Stage {
		n := rapid.IntRange(0, ir.MaxLogical-1).Draw(t, "table")
		switch rapid.IntRange(0, 2).Draw(t, "pipeline") {
		case 0:
			return ir.Ingress(n)
		case 1:
			return ir.Egress(n)
		}
		return rapid.SampledFrom([]ir.Stage{ir.PhyToLog, ir.LocalOutput, ir.LogToPhy, ir.MACBinding, ir.EVPNARPLookup}).Draw(t, "role")
	})
}

// Op generates operations of every kind, with blocks nested at most depth deep.
// They are well formed but need not make sense together.
func Op(depth int) *rapid.Generator[ir.Op] {
	return rapid.Custom(func(t *rapid.T) ir.Op {
		kinds := flatOps
		if depth > 0 {
			kinds = append(flatOps[:len(flatOps):len(flatOps)], clone, selectOp, punt)
		}
		return rapid.SampledFrom(kinds).Draw(t, "op")(t, depth-1)
	})
}

// Ops generates up to 4 operations, nil for none.
func Ops(depth int) *rapid.Generator[[]ir.Op] {
	return rapid.Custom(func(t *rapid.T) []ir.Op {
		return orNil(rapid.SliceOfN(Op(depth), 0, 4).Draw(t, "ops"))
	})
}

func orNil[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return s
}

func u16(t *rapid.T, what string) uint16 { return rapid.Uint16().Draw(t, what) }
func u32(t *rapid.T, what string) uint32 { return rapid.Uint32().Draw(t, what) }
func flag(t *rapid.T, what string) bool  { return rapid.Bool().Draw(t, what) }

var flatOps = []func(*rapid.T, int) ir.Op{
	func(t *rapid.T, _ int) ir.Op {
		d := Sub(false).Draw(t, "dst")
		return ir.Set{Dst: d, Value: Value(int(d.N)).Draw(t, "value")}
	},
	func(t *rapid.T, _ int) ir.Op {
		d := Sub(false).Draw(t, "dst")
		return ir.Copy{Dst: d, Src: subOf(t, int(d.N))}
	},
	func(t *rapid.T, _ int) ir.Op { return ir.Push{Src: Sub(true).Draw(t, "src")} },
	func(t *rapid.T, _ int) ir.Op { return ir.Pop{Dst: Sub(false).Draw(t, "dst")} },
	func(*rapid.T, int) ir.Op { return ir.DecTTL{} },
	func(t *rapid.T, _ int) ir.Op { return ir.Call{Stage: Stage().Draw(t, "stage")} },
	func(t *rapid.T, _ int) ir.Op {
		return ir.ToPort{Port: rapid.SampledFrom([]uint32{0, 1, 2, 70000, ir.InPortNumber}).Draw(t, "port")}
	},
	func(t *rapid.T, _ int) ir.Op {
		return ir.FirstUp{Ports: orNil(rapid.SliceOfN(rapid.Uint32(), 0, 3).Draw(t, "ports"))}
	},
	func(t *rapid.T, _ int) ir.Op {
		return ir.PushVLAN{TPID: rapid.SampledFrom([]uint16{0x8100, 0x88a8}).Draw(t, "tpid")}
	},
	func(*rapid.T, int) ir.Op { return ir.PopVLAN{} },
	func(*rapid.T, int) ir.Op { return ir.CTClear{} },
	func(*rapid.T, int) ir.Op { return ir.Screen{} },
	func(t *rapid.T, _ int) ir.Op {
		return ir.CheckLarger{Dst: ir.Bits(ir.Reg0, rapid.IntRange(0, 31).Draw(t, "bit"), 1), Len: u16(t, "len")}
	},
	ct,
	learn,
	func(t *rapid.T, _ int) ir.Op {
		o := ir.Sample{Probability: u16(t, "prob"), CollectorSet: u32(t, "set"), ObsDomain: u32(t, "domain")}
		if flag(t, "point from field") {
			o.ObsPointSub = subOf(t, 32)
		} else {
			o.ObsPoint = u32(t, "point")
		}
		return o
	},
	func(t *rapid.T, _ int) ir.Op { return ir.SetQueue{ID: u32(t, "queue")} },
	func(t *rapid.T, _ int) ir.Op {
		if flag(t, "named") {
			return ir.Meter{Name: meterName().Draw(t, "name")}
		}
		return ir.Meter{Rate: rapid.Uint64().Draw(t, "rate"), Burst: rapid.Uint64().Draw(t, "burst")}
	},
}

func clone(t *rapid.T, depth int) ir.Op { return ir.Clone{Ops: Ops(depth).Draw(t, "ops")} }

func selectOp(t *rapid.T, depth int) ir.Op {
	o := ir.Select{Fields: orNil(rapid.SliceOfN(Field(false), 0, 3).Draw(t, "hash"))}
	for range rapid.IntRange(0, 3).Draw(t, "buckets") {
		o.Buckets = append(o.Buckets, ir.Bucket{Weight: u16(t, "weight"), Watch: u32(t, "watch"), Ops: Ops(depth).Draw(t, "ops")})
	}
	return o
}

func punt(t *rapid.T, depth int) ir.Op {
	o := ir.Punt{
		Opcode: ir.Opcode(rapid.IntRange(int(ir.OpARP), int(ir.OpPutICMP4InnerSrc)).Draw(t, "opcode")),
		Args:   orNil(rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "args")),
		Inner:  Ops(depth).Draw(t, "inner"),
		Pause:  flag(t, "pause"),
	}
	if flag(t, "result") {
		o.Result = Sub(false).Draw(t, "result")
	}
	if flag(t, "metered") {
		o.Meter = meterName().Draw(t, "meter")
	}
	return o
}

func meterName() *rapid.Generator[string] { return rapid.StringN(1, 12, -1) }

func ct(t *rapid.T, _ int) ir.Op {
	o := ir.CT{Commit: flag(t, "commit"), Force: flag(t, "force"), Next: ir.NoStage}
	if flag(t, "zone from field") {
		o.Zone.Sub = subOf(t, 16)
	} else {
		o.Zone.Const = u16(t, "zone")
	}
	if flag(t, "goes on") {
		o.Next = Stage().Draw(t, "next")
	}
	if flag(t, "alg") {
		o.ALG = 21
	}
	if flag(t, "nat") {
		o.NAT = nat(t)
	}
	for range rapid.IntRange(0, 2).Draw(t, "exec") {
		f := rapid.SampledFrom([]ir.Field{ir.CTMark, ir.CTLabel}).Draw(t, "field")
		if flag(t, "copy") {
			o.Exec = append(o.Exec, ir.Copy{Dst: ir.Bits(f, 0, 32), Src: subOf(t, 32)})
		} else {
			o.Exec = append(o.Exec, ir.Set{Dst: ir.All(f), Value: Value(f.Width()).Draw(t, "value")})
		}
	}
	return o
}

func nat(t *rapid.T) *ir.NAT {
	n := &ir.NAT{}
	switch rapid.IntRange(0, 2).Draw(t, "nat kind") {
	case 0:
		return n
	case 1:
		n.SNAT = true
	case 2:
		n.DNAT = true
	}
	if flag(t, "v6") {
		a := Value(128).Draw(t, "address")
		n.AddrMin = netip.AddrFrom16([16]byte(a.AppendBytes(nil, 16)))
	} else {
		a := Value(32).Draw(t, "address")
		n.AddrMin = netip.AddrFrom4([4]byte(a.AppendBytes(nil, 4)))
	}
	if flag(t, "range") {
		n.AddrMax = n.AddrMin
	}
	if flag(t, "ports") {
		n.PortMin = rapid.Uint16Min(1).Draw(t, "port")
		if flag(t, "port range") {
			n.PortMax = rapid.Uint16Min(1).Draw(t, "last port")
		}
	}
	n.Hash, n.Random, n.Keep = flag(t, "hash"), flag(t, "random"), flag(t, "persistent")
	return n
}

func learn(t *rapid.T, _ int) ir.Op {
	o := ir.Learn{Stage: Stage().Draw(t, "stage"), Priority: u16(t, "priority"), Idle: u16(t, "idle"), Hard: u16(t, "hard"), DeleteOnDel: flag(t, "delete")}
	part := func() (dst, src ir.Sub, v ir.Value) {
		dst = Sub(true).Draw(t, "dst")
		if flag(t, "constant") {
			return dst, ir.Sub{}, Value(int(dst.N)).Draw(t, "value")
		}
		return dst, subOf(t, int(dst.N)), ir.Value{}
	}
	for range rapid.IntRange(0, 3).Draw(t, "matches") {
		dst, src, v := part()
		o.Matches = append(o.Matches, ir.LearnMatch{Dst: dst, Src: src, Value: v})
	}
	for range rapid.IntRange(0, 2).Draw(t, "loads") {
		dst, src, v := part()
		o.Loads = append(o.Loads, ir.LearnLoad{Dst: dst, Src: src, Value: v})
	}
	return o
}
