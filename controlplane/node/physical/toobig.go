package physical

import (
	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// tooLarge is the register bit that ovn-northd uses for "packet is too large" (REGBIT_PKT_LARGER).
var tooLarge = ir.Bits(ir.Reg9, 1, 1)

func (c *portCtx) tooBigRules(side ir.Field, port uint32, mtu uint16, v6 bool) {
	etherType, src, dst := uint64(0x0800), ir.All(ir.IP4Src), ir.All(ir.IP4Dst)
	typ, code := load(ir.ICMP4Type, 3), load(ir.ICMP4Code, 4)
	if v6 {
		etherType, src, dst = 0x86dd, ir.All(ir.IP6Src), ir.All(ir.IP6Dst)
		typ, code = load(ir.ICMP6Type, 2), load(ir.ICMP6Code, 0)
	}
	is := []ir.Term{ir.Exact(ir.EthType, etherType), ir.Exact(side, uint64(port))}
	c.add(ir.Output, 100, c.dp, match(is...), ir.CheckLarger{Dst: tooLarge, Len: mtu}, call(ir.OutputLargeProcess))
	swap := func(a, b ir.Sub) []ir.Op {
		return []ir.Op{ir.Push{Src: a}, ir.Push{Src: b}, ir.Pop{Dst: a}, ir.Pop{Dst: b}}
	}
	inner := []ir.Op{ir.Set{Dst: tooLarge}, setFlag(ir.FlagAllowLoopback)}
	inner = append(inner, swap(ir.All(ir.EthDst), ir.All(ir.EthSrc))...)
	inner = append(inner, swap(dst, src)...)
	inner = append(inner, load(ir.IPTTL, 255), typ, code, call(ir.Ingress(0)))
	punt := ir.Punt{Opcode: ir.OpICMP4Error, Inner: inner}
	frag := uint32(mtu) - etherOverhead
	if v6 {
		punt.Opcode = ir.OpICMP6Error
	}
	punt.Args = action.ICMPArgs{MTU: frag}.Encode()
	c.add(ir.OutputLargeProcess, 100, c.dp, match(append(is, ir.TermOf(tooLarge, ir.V(1)))...), punt)
}
