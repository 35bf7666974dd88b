package action

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// icmpMTU is "icmp4.frag_mtu = N;" and "icmp6.frag_mtu = N;".
type icmpMTU struct {
	name string
	mtu  uint32
}

// icmpInnerSrc is "icmp4.inner_ip4.src = A;": the source of the header that an
// ICMP error quotes.
type icmpInnerSrc struct{ src netip.Addr }

const innerSrcName = "icmp4.inner_ip4.src"

// parseICMPField makes the action for a field that only the controller can write.
func parseICMPField(p *parser, dst field, imm expr.Operand) node {
	if imm.Const.Masked || !dst.ref.Whole() {
		p.errorf("field %s can only be written as a whole", dst.name())
	}
	if dst.ref.Symbol.OVNField == expr.ICMP4InnerIP4Src {
		return icmpInnerSrc{addr4(imm.Const.Value)}
	}
	return icmpMTU{dst.name(), uint32(imm.Const.Value.Lo)}
}

func (n icmpMTU) format(b []byte, _ Position) []byte {
	return append(appendUint(append(append(b, n.name...), " = "...), uint64(n.mtu)), ';')
}

func (n icmpMTU) lower(l *lowering) {
	if l.icmp == nil {
		l.fail(n.name, "only an ICMP error that is being made has it: write it inside icmp4 {}, icmp4_error {}, icmp6 {} or icmp6_error {}")
		return
	}
	l.icmp.MTU = n.mtu
}

func (n icmpInnerSrc) format(b []byte, _ Position) []byte {
	return append(n.src.AppendTo(append(b, innerSrcName+" = "...)), ';')
}

// lower has the controller change a passing ICMP error, or puts the address into
// the one being made.
func (n icmpInnerSrc) lower(l *lowering) {
	if l.icmp != nil {
		l.icmp.InnerSrc = n.src
		return
	}
	l.punt(ir.Punt{Opcode: ir.OpPutICMP4InnerSrc, Args: InnerSrcArgs{n.src}.Encode(), Pause: true})
}
