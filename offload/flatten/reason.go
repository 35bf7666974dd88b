package flatten

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Code says why packets stay in the fallback.
type Code uint8

// The codes.
const (
	NoReason    Code = iota
	Control          // control traffic (Config.Control): answered or learned from by software
	Punt             // the controller must see the packet
	Learns           // the packet teaches the switch a rule
	Learned          // the switch may have learned a rule for it, which is not known here
	Hash             // a group chooses by a hash (a load balancer; ECMP by named fields)
	Length           // it depends on the length of the packet
	Tags             // it depends on a VLAN header below one that is taken off
	Responder        // a made-up answer: the headers of ARP, ND or ICMP are rewritten
	Flood            // copies go different ways in too many combinations
	Fork             // copies go through connection tracking on their own
	Late             // what was done cannot be undone when the fallback must take over behind it
	Lost             // it depends on a value from before connection tracking
	Zone             // the conntrack zone is not known in advance
	Loop             // the packet goes round in circles
	Bound            // too many paths
	ACL              // an access list of the switch judges the packet
	Guarded          // the bridge behind the port has a say (SetGuard)
	Unsupported      // an operation that has no hardware form
	numCodes
)

var codes = [numCodes]struct{ name, cause string }{
	{"none", ""},
	{"control", "control traffic is answered and learned from by software"},
	{"punt", "the controller must see the packet"},
	{"learns", "the packet teaches the switch a rule"},
	{"learned", "the switch may have learned a rule for the packet"},
	{"hash", "a group chooses by hash, and the target's hash is not the switch's"},
	{"length", "what is done depends on the length of the packet"},
	{"tags", "what is done depends on an inner VLAN header"},
	{"responder", "the packet is turned into an answer, which rewrites ARP, ND or ICMP headers"},
	{"flood", "copies of the packet go different ways in too many combinations"},
	{"fork", "copies of the packet go through connection tracking on their own"},
	{"late", "the packet may need the fallback after it was changed, copied or committed"},
	{"lost", "what is done depends on a value from before connection tracking"},
	{"zone", "the connection tracking zone is not known in advance"},
	{"loop", "the packet goes round in circles"},
	{"bound", "the rules multiply to more paths than the bound allows"},
	{"acl", "an access list of the switch judges the packet"},
	{"bridge", "the bridge of the physical network delivers the packet to more than its uplink, or to itself"},
	{"unsupported", "an operation has no hardware form"},
}

// String is the code's name, as in metrics.
func (c Code) String() string {
	if c < numCodes {
		return codes[c].name
	}
	return "code?"
}

// Reason says why the packets of a path stay in the fallback.
type Reason struct {
	Code Code
	// Detail is what is special about this case: the opcode, the stage, the rules that multiply.
	Detail string
	// Rule is the rule that is to blame; 0 for none.
	Rule ir.RuleID
}

// Cause is the reason in words.
func (r *Reason) Cause() string {
	if r.Code >= numCodes {
		return "unknown"
	}
	if r.Detail == "" {
		return codes[r.Code].cause
	}
	return codes[r.Code].cause + ": " + r.Detail
}

// String is the code with the cause and the rule.
func (r *Reason) String() string {
	if r.Rule == 0 {
		return fmt.Sprintf("%s (%s)", r.Code, r.Cause())
	}
	return fmt.Sprintf("%s (%s; rule %016x)", r.Code, r.Cause(), uint64(r.Rule))
}
