package physical

import "github.com/sluice-gw/sluice/controlplane/ir"

// fixedRules are those that depend on nothing.
func fixedRules() []ir.Rule {
	b := &builder{}
	any := ir.Match{}
	b.add(ir.PhyToLog, 0, 0, any)
	b.add(ir.Output, 0, 0, any, call(ir.RemoteOutput))
	b.add(ir.OutputLargeProcess, 10, 0, match(flag(ir.FlagAllowLoopback, true)), call(ir.LocalOutput))
	b.add(ir.OutputLargeProcess, 0, 0, any, call(ir.RemoteOutput))

	// What came from a hardware VTEP is delivered here or not at all: it must
	// not be tunnelled again, unless a router turned it round.
	b.add(ir.RemoteOutput, 150, 0, match(ir.Masked(ir.Flags, 1<<ir.FlagRcvFromRamp, 1<<ir.FlagRcvFromRamp|1<<ir.FlagAllowLoopback)),
		call(ir.LocalOutput))
	b.add(ir.RemoteOutput, 150, 0, match(flag(ir.FlagLocalOnly, true)), call(ir.LocalOutput))
	b.add(ir.RemoteOutput, 0, 0, any, call(ir.LocalOutput))
	b.add(ir.LocalOutput, 0, 0, any)
	b.add(ir.CheckLoopback, 0, 0, any, append(clearRegs(), call(ir.Egress(0)))...)
	b.add(ir.SaveInport, 0, 0, any, call(ir.LogToPhy))
	b.add(ir.LogToPhy, 0, 0, any)
	return b.rules
}
