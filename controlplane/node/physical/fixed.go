package physical

import "github.com/sluice-gw/sluice/controlplane/ir"

// fixedRules are those that depend on no row.
func (p *Physical) fixedRules() []ir.Rule {
	b := &builder{}
	any := ir.Match{}
	b.add(ir.PhyToLog, 0, 0, any)
	b.add(ir.Output, 0, 0, any, call(ir.RemoteOutput))
	b.add(ir.OutputLargeProcess, 10, 0, match(flag(ir.FlagAllowLoopback, true)), call(ir.LocalOutput))
	b.add(ir.OutputLargeProcess, 0, 0, any, call(ir.RemoteOutput))

	// What came from a hardware VTEP is delivered here or not at all: it must
	// not be tunnelled again, unless a router turned it round.
	b.add(ir.RemoteOutput, 150, 0, match(ir.Masked(ir.Flags, 1<<ir.FlagRcvFromRamp, rampLoopback)),
		call(ir.LocalOutput))
	b.add(ir.RemoteOutput, 150, 0, match(flag(ir.FlagLocalOnly, true)), call(ir.LocalOutput))
	b.add(ir.RemoteOutput, 0, 0, any, call(ir.LocalOutput))
	b.add(ir.LocalOutput, 0, 0, any)
	b.add(ir.CheckLoopback, 0, 0, any, append(clearRegs(), call(ir.Egress(0)))...)
	b.add(ir.SaveInport, 0, 0, any, call(ir.LogToPhy))
	b.add(ir.LogToPhy, 0, 0, any)
	conntrackRules(b)
	p.tooBigFixed(b)
	return b.rules
}

// conntrackRules answer ct_nw_dst(), ct_ip6_dst(), ct_tp_dst(), ct_proto() and
// ct_state_save(): the table in package action's comment says where.
func conntrackRules(b *builder) {
	for _, state := range []uint64{ir.CTTrk | ir.CTEst, ir.CTTrk | ir.CTNew} {
		tracked := ir.Masked(ir.CTState, state, state)
		b.add(ir.CTOrigNWDst, 100, 0, match(tracked, ir.Exact(ir.EthType, 0x0800)), copyBits(ir.XXReg1, 0, ir.CTIP4Dst, 0, 32))
		b.add(ir.CTOrigIP6Dst, 100, 0, match(tracked, ir.Exact(ir.EthType, 0x86dd)), copyBits(ir.XXReg1, 0, ir.CTIP6Dst, 0, 128))
		b.add(ir.CTOrigTPDst, 100, 0, match(tracked), copyBits(ir.XXReg1, 0, ir.CTTPDst, 0, 16))
		b.add(ir.CTOrigProto, 100, 0, match(tracked), copyBits(ir.XXReg1, 0, ir.CTProto, 0, 8))
	}
	b.add(ir.CTStateSave, 2, 0, match(ir.Masked(ir.CTState, 0, ir.CTTrk)), loadBits(ir.Reg4, 0, 8, 0))
	b.add(ir.CTStateSave, 1, 0, ir.Match{}, copyBits(ir.Reg4, 0, ir.CTState, 0, 8))
}
