// Package backend is the seam between the control plane and the targets that it
// programs: software Open vSwitch (fallback/ovs), TC flower, P4Runtime switches.
//
// The engine goroutine computes the desired rules and describes each change of
// them as a Delta; one goroutine per target takes deltas from its Mailbox and
// makes the target agree. A target holds its desired rules in its own form and
// reads back what is installed, so that it adopts before it changes anything
// (second law of the design).
package backend

import (
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Revision counts changes of the desired rules. Acknowledging revision N says
// that every change up to N is in the target.
type Revision uint64

// Delta is a change of the desired rules: first Del, then Put.
type Delta struct {
	Revision Revision
	Del      []ir.RuleID
	Put      []ir.Rule
	// Meters that rules refer to by name: those that are new or changed, and
	// the names of those that are gone.
	Meters    []Meter
	DelMeters []string
	// FlushZones are conntrack zones to be emptied before the rules change.
	FlushZones []uint16
	// FlushConnections are connections to be forgotten when the rules have changed,
	// so that no new one like them comes about.
	FlushConnections []Connection
	// Reset says that all rules and meters known so far are void: Put and Meters
	// are all there are. Release goes with it.
	Reset bool
	// Release is the version of the ovn-northd whose rules these are
	// (SB_Global options:northd_internal_version).
	Release string
	// Complete says that the desired rules are whole from here on. A target
	// removes nothing that it found before it has seen a complete delta.
	Complete bool
	// Handover says that the rules of the stage Handover are whole, too. A target that finds others does not remove them before:
	// a target of the offload may still hand packets over to them, which another process programmed.
	Handover bool
}

// Meter is a rate limit that rules refer to by name (Southbound Meter table).
type Meter struct {
	Name       string
	PacketRate bool // packets per second; else kilobits per second
	Bands      []MeterBand
}

// MeterBand drops what exceeds Rate. Burst is in the unit of the rate.
type MeterBand struct{ Rate, Burst uint32 }

// Connection is all tracked connections from anywhere to Dst that the tracker has
// translated so that the answers come from Backend. A port 0 is any port.
type Connection struct {
	Proto        uint8 // of IP; 0: any, then the ports are 0
	Dst, Backend netip.AddrPort
}

// Kind classifies a failure.
type Kind uint8

// The kinds of failures.
const (
	Unsupported Kind = iota // the target cannot do it
	Full                    // no room
	Conflict                // another rule with the same match and priority is there
	Invalid                 // the target says that the rule is wrong
	Transient               // will be tried again
)

// String is the kind in one word.
func (k Kind) String() string {
	switch k {
	case Unsupported:
		return "unsupported"
	case Full:
		return "full"
	case Conflict:
		return "conflict"
	case Invalid:
		return "invalid"
	}
	return "transient"
}

// Failure says why a rule is not in the target, in the target's own words.
type Failure struct {
	Rule   ir.RuleID
	Owner  ir.Owner
	Kind   Kind
	Detail string
}

// String names the rule, its row and the reason.
func (f Failure) String() string {
	return fmt.Sprintf("rule %016x of %s: %s: %s", uint64(f.Rule), f.Row(), f.Kind, f.Detail)
}

// Row is the table and the first digits of the UUID of the row that the rule comes
// from; a target need not know more of it.
func (f Failure) Row() string {
	if f.Owner.Kind == ir.OwnerNone {
		return "the pipeline itself"
	}
	return fmt.Sprintf("%s %x", f.Owner.Kind, f.Owner.UUID[:4])
}
