package plan

import (
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// Code says why packets stay in the fallback: a flatten.Code, or one of the codes here.
type Code uint8

// The codes of placement. Those of flatten are below them.
const (
	Match        Code = iota + firstCode // the target cannot ask for it
	Rewrite                              // the target cannot change the packet so
	Operation                            // the target lacks the operation
	Conntrack                            // the target cannot track connections so
	NoDevice                             // a port that has no device
	PortOff                              // the offload is off for the port
	DatapathOff                          // the offload is off for a logical datapath on the way
	Tunnel                               // the target cannot encapsulate so
	Continuation                         // nothing behind a jump can be offloaded
	Behind                               // hidden by a trap
	Room                                 // no room, and others have more packets
	Refused                              // the target has said no
	lastCode

	firstCode = 64
)

var codes = [lastCode - firstCode]struct{ name, cause, fix string }{
	{"match", "the target cannot match", ""},
	{"rewrite", "the target cannot rewrite", ""},
	{"operation", "the target cannot do", ""},
	{"conntrack", "the target cannot track connections as needed", ""},
	{"no-device", "the port has no network device of the offload", "plug the port into a device of the SmartNIC (a representor or an uplink)"},
	{"port-off", "the offload is turned off for the port", "turn it on for this port in the configuration of sluice"},
	{"datapath-off", "the offload is turned off for a logical switch or router on the way", "take it out of external_ids:sluice-offload-off-datapaths of the Open_vSwitch row"},
	{"tunnel", "the target cannot encapsulate the packet", ""},
	{"continuation", "nothing of what follows can be offloaded", "see the reasons of what follows"},
	{"behind", "a trap that the target can only install too wide, or not at all, is in front", "see the reason of the trap"},
	{"room", "the table of the target is full of paths with more packets", "a target with more room, or fewer rules"},
	{"refused", "the target refused it", "look its words up in the manual of the device; it is tried again when the path or the driver changes"},
}

// fixes say what can be done about reasons of flatten.
var fixes = map[flatten.Code]string{
	flatten.Control:     "none: such packets are few",
	flatten.Punt:        "none for a single packet; if there are many, look at the action of the logical flow",
	flatten.Learns:      "none: the next packets of the connection are not concerned",
	flatten.Learned:     "static entries (Static_MAC_Binding, static FDB) instead of learned ones",
	flatten.Hash:        "a single next hop or backend, or a target that chooses by a hash",
	flatten.Length:      "one MTU for all ports of the router (options:gateway_mtu), so that lengths need not be checked",
	flatten.Tags:        "at most one VLAN header on the packets, or a target that can tell how many there are",
	flatten.Responder:   "none: answers are made by software",
	flatten.Flood:       "fewer ports in the multicast group, or fewer different egress ACLs for broadcasts",
	flatten.Fork:        "none: hardware cannot follow two copies through connection tracking",
	flatten.Late:        "stateless rules (allow-stateless, stateless NAT) where the traps are, or fewer traps behind",
	flatten.Lost:        "none: the pipeline needs what the packet was like before translation",
	flatten.Zone:        "none: report it, zones of OVN are known in advance",
	flatten.Loop:        "look for routes that point at each other",
	flatten.Bound:       "merge the rules that multiply (address sets, port groups), or raise the bound of paths",
	flatten.ACL:         "no access list at the port and VLAN, or entries for the other direction only",
	flatten.Guarded:     "none: broadcasts, multicast and packets to the gateway's own host are the bridge's",
	flatten.Unsupported: "none with this release",
}

// Reason is why a path is not offloaded. It is a value, shared by all paths that have it.
type Reason struct {
	Code Code
	// Detail is what is special about this case: the field, the port, the target's words.
	Detail string
	// Fix is what can be done about it, if it is special too.
	Fix string
	// Rule is the rule to blame; 0 for none.
	Rule ir.RuleID
}

// String is the code's name, as in metrics.
func (c Code) String() string {
	switch {
	case c < firstCode:
		return flatten.Code(c).String()
	case c < lastCode:
		return codes[c-firstCode].name
	}
	return "code?"
}

// Cause is the reason in words.
func (r *Reason) Cause() string {
	if r.Code < firstCode {
		return (&flatten.Reason{Code: flatten.Code(r.Code), Detail: r.Detail}).Cause()
	}
	cause := "unknown"
	if r.Code < lastCode {
		cause = codes[r.Code-firstCode].cause
	}
	if r.Detail != "" {
		cause += ": " + r.Detail
	}
	return cause
}

// Advice is what can be done, in words.
func (r *Reason) Advice() string {
	switch {
	case r.Fix != "":
		return r.Fix
	case r.Code < firstCode:
		return fixes[flatten.Code(r.Code)]
	case r.Code < lastCode && codes[r.Code-firstCode].fix != "":
		return codes[r.Code-firstCode].fix
	}
	return "none known"
}

// String is the code, the cause and the advice on one line.
func (r *Reason) String() string {
	return r.Code.String() + ": " + r.Cause() + "; fix: " + r.Advice()
}

// Advise says what can be done about reasons, in place of what is said of the rules of OVN, where rules are of something else. It is called before all else.
func (p *Planner) Advise(fixes map[Code]string) { p.advice = fixes }

// because is the one copy of a reason.
func (p *Planner) because(r Reason) *Reason {
	if r.Fix == "" {
		r.Fix = p.advice[r.Code]
	}
	if known, ok := p.reasons[r]; ok {
		return known
	}
	if len(p.reasons) >= maxReasons { // most of them are of paths that are gone
		clear(p.reasons)
	}
	p.reasons[r] = &r
	return &r
}

const maxReasons = 1 << 16
