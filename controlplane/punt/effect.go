package punt

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Effect is one consequence of a packet-in. The set is closed.
type Effect interface{ effect() }

// The effects.
type (
	// Send sends a packet into the switch.
	Send struct{ PacketOut }
	// Resume lets the paused packet go on.
	Resume struct{ Verdict }
	// Hold keeps the packet until the MAC address of NextHop behind the packet's
	// outport is known, for a while.
	Hold struct{ NextHop netip.Addr }
	// LearnNeighbor records a MAC binding. Hurry: no other chassis learns the same, so
	// there is no need to spread the writes.
	LearnNeighbor struct {
		Neighbor
		Hurry bool
	}
	// LearnStation records where a MAC address is.
	LearnStation struct{ Station }
	// BindVirtual records the parent of a virtual port.
	BindVirtual struct{ VirtualParent }
	// ActivatePort records that a migrating port speaks from this chassis.
	ActivatePort struct{ Key }
	// ReportEmptyBackends records a Controller_Event.
	ReportEmptyBackends struct{ EmptyBackends }
	// LogACL writes a line to the ACL log.
	LogACL struct{ Line string }
	// Note tells the operator, in the general log.
	Note struct{ Text string }
	// Drop says that nothing is done with the packet, and why.
	Drop struct {
		Reason Reason
		Detail string // the packet's or the arguments' fault in words; may be ""
	}
)

func (Send) effect()                {}
func (Resume) effect()              {}
func (Hold) effect()                {}
func (LearnNeighbor) effect()       {}
func (LearnStation) effect()        {}
func (BindVirtual) effect()         {}
func (ActivatePort) effect()        {}
func (ReportEmptyBackends) effect() {}
func (LogACL) effect()              {}
func (Note) effect()                {}
func (Drop) effect()                {}

// Reason is why a packet was dropped, as counted in Stats.
type Reason string

// The reasons.
const (
	ReasonUnsupported Reason = "unsupported"       // the action is not implemented, see Unsupported
	ReasonArguments   Reason = "bad arguments"     // Args are not what the opcode needs
	ReasonMalformed   Reason = "malformed packet"  // the packet cannot be parsed
	ReasonUnexpected  Reason = "unexpected packet" // the action is not for this kind of packet
	ReasonNoReply     Reason = "no reply"          // the protocol has no answer to this
	ReasonQueueFull   Reason = "queue full"        // packet-ins came faster than they could be handled
	ReasonHoldFull    Reason = "too many unresolved neighbors"
	ReasonHoldDepth   Reason = "too many packets for one unresolved neighbor"
	ReasonHoldExpired Reason = "neighbor did not answer"
	ReasonLearnFull   Reason = "learning too fast"
)

func drop(r Reason, detail string) []Effect { return []Effect{Drop{r, detail}} }

func dropErr(r Reason, err error) []Effect { return drop(r, err.Error()) }

// sendBack sends packet into the pipeline with the fields that in came with, to run
// the inner actions of in.
func sendBack(in *PacketIn, packet []byte) Effect {
	return Send{PacketOut{Meta: reloadable(in.Meta, false), Packet: packet, Inner: in.Inner}}
}

// inject sends a packet of the controller's own into the pipeline at stage.
func inject(packet []byte, at ir.Stage, meta ...ir.Term) PacketOut {
	return PacketOut{Meta: ir.MustMatch(meta...), Packet: packet, Ops: []ir.Op{ir.Call{Stage: at}}}
}
