package flower

import "fmt"

// A Control says what happens to a packet after an action (TC_ACT_* of linux/pkt_cls.h).
type Control int32

// The plain controls. Goto and Jump make those with a number.
const (
	Continue   Control = -1 // go on with the next filter
	Pass       Control = 0  // end of classification: the packet goes its way
	Reclassify Control = 1  // begin again with the first filter
	Drop       Control = 2
	Pipe       Control = 3 // go on with the next action
	Stolen     Control = 4 // the action has taken the packet, as mirred redirect does
	Trap       Control = 8 // in hardware: hand the packet to the CPU; in software: as Stolen
)

const (
	controlOpcode = 0xf << 28
	controlJump   = 1 << 28
	controlGoto   = 2 << 28
	maxControlArg = 1<<28 - 1
)

// Goto goes on with the filters of a chain. Chains have 28 bits.
func Goto(chain uint32) Control { return Control(controlGoto | chain&maxControlArg) }

// Jump goes on with the n-th action of the filter, counted from 0.
func Jump(n uint32) Control { return Control(controlJump | n&maxControlArg) }

// Chain is the chain of Goto.
func (c Control) Chain() (chain uint32, ok bool) {
	return uint32(c) & maxControlArg, uint32(c)&controlOpcode == controlGoto
}

// isGoto is for second controls of an action, which the kernel does not let go to chains.
func isGoto(c Control) bool {
	_, ok := c.Chain()
	return ok
}

// String is iproute2's form.
func (c Control) String() string {
	switch c {
	case Continue:
		return "continue"
	case Pass:
		return "pass"
	case Reclassify:
		return "reclassify"
	case Drop:
		return "drop"
	case Pipe:
		return "pipe"
	case Stolen:
		return "stolen"
	case Trap:
		return "trap"
	}
	switch arg := uint32(c) & maxControlArg; uint32(c) & controlOpcode {
	case controlGoto:
		return fmt.Sprintf("goto chain %d", arg)
	case controlJump:
		return fmt.Sprintf("jump %d", arg)
	}
	return fmt.Sprint(int32(c))
}
