package physical

import (
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// builder collects the rules of one owner.
type builder struct {
	owner ir.Owner
	rules []ir.Rule
}

func (b *builder) add(stage ir.Stage, priority uint16, dp uint32, match ir.Match, ops ...ir.Op) {
	b.rules = append(b.rules, ir.NewRule(stage, priority, dp, match, nil, ir.NewProgram(ops...), b.owner))
}

func match(terms ...ir.Term) ir.Match { return ir.MustMatch(terms...) }

func outport(key uint32) ir.Term { return ir.Exact(ir.Outport, uint64(key)) }
func inport(key uint32) ir.Term  { return ir.Exact(ir.Inport, uint64(key)) }

// flag tests one bit of the flags.
func flag(bit int, on bool) ir.Term {
	if on {
		return ir.Masked(ir.Flags, 1<<bit, 1<<bit)
	}
	return ir.Masked(ir.Flags, 0, 1<<bit)
}

func load(f ir.Field, v uint64) ir.Op { return ir.Set{Dst: ir.All(f), Value: ir.V(v)} }

func loadBits(f ir.Field, ofs, n int, v uint64) ir.Op {
	return ir.Set{Dst: ir.Bits(f, ofs, n), Value: ir.V(v)}
}

func setFlag(bit int) ir.Op { return loadBits(ir.Flags, bit, 1, 1) }

func call(s ir.Stage) ir.Op { return ir.Call{Stage: s} }

func copyBits(dst ir.Field, dstOfs int, src ir.Field, srcOfs, n int) ir.Op {
	return ir.Copy{Dst: ir.Bits(dst, dstOfs, n), Src: ir.Bits(src, srcOfs, n)}
}

// clearRegs zeroes the logical registers: what one pipeline left in them must not
// be seen in the next, as it is not seen after a tunnel.
func clearRegs() []ir.Op {
	ops := make([]ir.Op, 0, 10)
	for f := ir.Reg0; f <= ir.Reg9; f++ {
		ops = append(ops, load(f, 0))
	}
	return ops
}

// none is the in_port of a packet that came from no port: output to any port is
// allowed. 0 will not do: frozen metadata with in_port 0 is dropped by OVS.
const none = 0xffff

// vlan tests for a VLAN header with this VID; VID 0 is a priority tag.
func vlan(vid uint16) ir.Term { return ir.Masked(ir.VLANTCI, 0x1000|uint64(vid), 0x1fff) }

func untagged() ir.Term { return ir.Masked(ir.VLANTCI, 0, 0x1000) }

// pushVLAN puts a VLAN header on: 802.1Q, or 802.1ad when ethtype says so.
func pushVLAN(vid uint16, ethtype string) []ir.Op {
	tpid := uint16(0x8100)
	if ethtype == "802.11ad" || ethtype == "802.1ad" { // OVN's option has both spellings
		tpid = 0x88a8
	}
	return []ir.Op{ir.PushVLAN{TPID: tpid}, loadBits(ir.VLANTCI, 0, 13, 0x1000|uint64(vid))}
}
