package punt

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

// request is a packet-in with its packet parsed. broken is the parse error: frame
// then holds what could be read.
type request struct {
	*PacketIn
	frame  wire.Frame
	broken error
}

// handler answers one kind of packet-in. It is pure: all that it does is in the effects.
type handler func(*request) []Effect

func handlerOf(op ir.Opcode) handler {
	switch op {
	case ir.OpARP:
		return requestARP
	case ir.OpNDNS:
		return solicitNeighbor
	case ir.OpNDNA:
		return func(r *request) []Effect { return advertiseNeighbor(r, false) }
	case ir.OpNDNARouter:
		return func(r *request) []Effect { return advertiseNeighbor(r, true) }
	case ir.OpPutARP, ir.OpPutND:
		return learnNeighbor
	case ir.OpPutFDB:
		return learnStation
	case ir.OpPutDHCPOpts:
		return answerDHCP4
	case ir.OpPutDHCPv6Opts:
		return answerDHCP6
	case ir.OpPutNDRAOpts:
		return answerRouterSolicit
	case ir.OpICMP:
		return func(r *request) []Effect { return icmpError(r, errorKind{portUnreach: true}) }
	case ir.OpICMP4Error, ir.OpICMP6Error:
		return func(r *request) []Effect { return icmpError(r, errorKind{}) }
	case ir.OpPutICMP4InnerSrc:
		return rewriteQuoted
	case ir.OpTCPReset:
		return func(r *request) []Effect { return tcpReset(r, false) }
	case ir.OpSCTPAbort:
		return func(r *request) []Effect { return sctpAbort(r, false) }
	case ir.OpReject:
		return reject
	case ir.OpLog:
		return logACL
	case ir.OpBindVport:
		return bindVirtual
	case ir.OpEvent:
		return reportEvent
	case ir.OpActivationStrategy:
		return activatePort
	}
	return nil
}

// Unsupported tells whether the slow path does not implement an opcode, and why. The
// compiler marks logical flows that use one as degraded with this reason.
func Unsupported(op ir.Opcode) (reason string, unsupported bool) {
	switch op {
	case ir.OpDNSLookup:
		return "dns_lookup() always answers 0: DNS is not answered by the controller", true
	case ir.OpIGMP:
		return "igmp: IGMP and MLD are not snooped", true
	case ir.OpHandleSvcCheck:
		return "handle_svc_check: services are not monitored", true
	case ir.OpBFDMsg:
		return "handle_bfd_msg: BFD of routes is not spoken", true
	case ir.OpDHCP6Server:
		return "handle_dhcpv6_reply: IPv6 prefixes are not delegated", true
	case ir.OpDHCPRelayReqChk, ir.OpDHCPRelayRespChk:
		return op.String() + " always answers 0: DHCP is not relayed", true
	}
	if handlerOf(op) == nil {
		return op.String() + " is not an action of the controller", true
	}
	return "", false
}

// Respond is what follows from a packet-in. It never panics, whatever the packet and
// its arguments. A paused packet goes on unless it is held or the action is one that
// replaces it.
func Respond(in PacketIn) []Effect {
	var effects []Effect
	if h := handlerOf(in.Opcode); h == nil {
		reason, _ := Unsupported(in.Opcode)
		effects = drop(ReasonUnsupported, reason)
	} else {
		r := &request{PacketIn: &in}
		r.frame, r.broken = wire.ParseFrame(in.Packet)
		effects = h(r)
	}
	if in.Paused && in.Opcode != ir.OpARP && in.Opcode != ir.OpNDNS && !resumes(effects) {
		effects = append(effects, Resume{Verdict{Packet: in.Packet}})
	}
	return effects
}

// answered lets the paused packet go on as the answer p, with result 1.
func (r *request) answered(p []byte) []Effect {
	if n := len(p) - r.frame.NetworkOffset(); n > 0xffff {
		return drop(ReasonArguments, fmt.Sprintf("%s: its options make an IP packet of %d bytes", r.Opcode, n))
	}
	return []Effect{Resume{Verdict{Packet: p, Result: true}}}
}

func resumes(effects []Effect) bool {
	for _, e := range effects {
		if _, ok := e.(Resume); ok {
			return true
		}
	}
	return false
}
