package action

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Punt arguments: the layout of ir.Punt.Args for each opcode. All integers are
// big-endian. Both sides use the types of this file and of puntopts.go: Lower
// encodes, the slow path (controlplane/punt) decodes.
//
//	opcode                    action                     Args             taken from the packet and its registers
//	OpARP                     arp {...}                  none             pause; the packet, reg0 is the next hop
//	OpNDNS                    nd_ns {...}                none             pause; the packet, xxreg0 is the next hop
//	OpNDNA, OpNDNARouter      nd_na, nd_na_router {...}  none             the solicitation
//	OpICMP                    icmp4, icmp6 {...}         ICMPArgs         the packet
//	OpICMP4Error              icmp4_error {...}          ICMPArgs         the packet
//	OpICMP6Error              icmp6_error {...}          ICMPArgs         the packet
//	OpReject                  reject {...}               ICMPArgs         the packet
//	OpTCPReset, OpSCTPAbort   tcp_reset, sctp_abort      none             the packet
//	OpPutICMP4InnerSrc        icmp4.inner_ip4.src = A    InnerSrcArgs     pause: the changed packet goes on
//	OpPutARP                  put_arp(P, A, E)           none             inport, reg0, eth.src
//	OpPutND                   put_nd(P, A, E)            none             inport, xxreg0, eth.src
//	OpPutFDB                  put_fdb(P, E)              none             inport, eth.src
//	OpPutDHCPOpts             put_dhcp_opts(...)         DHCPv4Args       pause, result
//	OpPutDHCPv6Opts           put_dhcpv6_opts(...)       DHCPv6Args       pause, result
//	OpPutNDRAOpts             put_nd_ra_opts(...)        ICMPv6 message   pause, result: Args is the whole router
//	                                                                      advertisement (RFC 4861, 4.2), checksum 0
//	OpDNSLookup               dns_lookup()               none             pause, result
//	OpDHCPRelayReqChk         dhcp_relay_req_chk(R, S)   DHCPRelayArgs    pause, result
//	OpDHCPRelayRespChk        dhcp_relay_resp_chk(R, S)  DHCPRelayArgs    pause, result
//	OpLog                     log(...)                   LogArgs          the packet
//	OpEvent                   trigger_event(...)         EventArgs        -
//	OpIGMP                    igmp                       none             the packet, datapath, inport
//	OpBindVport               bind_vport(V, P)           BindVportArgs    inport (parent)
//	OpHandleSvcCheck          handle_svc_check(P)        none             inport
//	OpBFDMsg                  handle_bfd_msg()           none             the packet
//	OpDHCP6Server             handle_dhcpv6_reply        none             the packet
//
// An action with {...} carries its inner actions, which run on the packet that
// the controller makes, in ir.Punt.Inner.
//
// "pause, result": the packet goes on behind the action when the controller
// answers, changed when it was answered, and with the result bit saying so. The
// packet of arp and nd_ns pauses too: it goes on, with eth.dst set, when the next
// hop is known, and never when it stays unknown.

// ArgsError tells that the arguments of a punted packet are not what the opcode
// requires: the packet was punted by another program or release.
type ArgsError struct {
	Opcode ir.Opcode
	Cause  string
}

func (e *ArgsError) Error() string {
	return fmt.Sprintf("arguments of punted %s: %s", e.Opcode, e.Cause)
}

func wantLen(op ir.Opcode, b []byte, n int) error {
	if len(b) != n {
		return &ArgsError{op, fmt.Sprintf("%d bytes, want %d", len(b), n)}
	}
	return nil
}

// ICMPArgs is what an ICMP error gets beside what the inner actions set: the
// fields that no switch can write. On the wire: any number of be16 type, be16
// length, value. Type 1: MTU, be32. Type 2: InnerSrc, 4 bytes.
type ICMPArgs struct {
	// MTU of the next hop for "fragmentation needed" (RFC 1191) and "packet too
	// big" (RFC 4443, 3.2), in bytes; 0 when not given.
	MTU uint32
	// InnerSrc replaces the source of the IPv4 header quoted in the error; the
	// zero Addr when not given.
	InnerSrc netip.Addr
}

const (
	icmpTLVMTU      = 1
	icmpTLVInnerSrc = 2
)

// Encode is the wire form; nil when nothing is given.
func (a ICMPArgs) Encode() []byte {
	var b []byte
	if a.MTU != 0 {
		b = append(b, 0, icmpTLVMTU, 0, 4)
		b = binary.BigEndian.AppendUint32(b, a.MTU)
	}
	if a.InnerSrc.Is4() {
		b = append(b, 0, icmpTLVInnerSrc, 0, 4)
		b = append(b, a.InnerSrc.AsSlice()...)
	}
	return b
}

// DecodeICMPArgs is the inverse of Encode. op is for the error's text.
func DecodeICMPArgs(op ir.Opcode, b []byte) (ICMPArgs, error) {
	var a ICMPArgs
	for len(b) > 0 {
		if len(b) < 8 || binary.BigEndian.Uint16(b[2:]) != 4 {
			return ICMPArgs{}, &ArgsError{op, fmt.Sprintf("bad field % x", b)}
		}
		switch t, v := binary.BigEndian.Uint16(b), b[4:8]; t {
		case icmpTLVMTU:
			a.MTU = binary.BigEndian.Uint32(v)
		case icmpTLVInnerSrc:
			a.InnerSrc = netip.AddrFrom4([4]byte(v))
		default:
			return ICMPArgs{}, &ArgsError{op, fmt.Sprintf("unknown field type %d", t)}
		}
		b = b[8:]
	}
	return a, nil
}

// InnerSrcArgs is the argument of OpPutICMP4InnerSrc: 4 bytes.
type InnerSrcArgs struct{ Src netip.Addr }

// Encode is the wire form.
func (a InnerSrcArgs) Encode() []byte { return a.Src.AsSlice() }

// DecodeInnerSrcArgs is the inverse of Encode.
func DecodeInnerSrcArgs(b []byte) (InnerSrcArgs, error) {
	if err := wantLen(ir.OpPutICMP4InnerSrc, b, 4); err != nil {
		return InnerSrcArgs{}, err
	}
	return InnerSrcArgs{netip.AddrFrom4([4]byte(b))}, nil
}

// DHCPRelayArgs is the argument of the DHCP relay checks: relay, server, 4 bytes each.
type DHCPRelayArgs struct{ Relay, Server netip.Addr }

// Encode is the wire form.
func (a DHCPRelayArgs) Encode() []byte {
	return append(a.Relay.AsSlice(), a.Server.AsSlice()...)
}

// DecodeDHCPRelayArgs is the inverse of Encode. op is for the error's text.
func DecodeDHCPRelayArgs(op ir.Opcode, b []byte) (DHCPRelayArgs, error) {
	if err := wantLen(op, b, 8); err != nil {
		return DHCPRelayArgs{}, err
	}
	return DHCPRelayArgs{netip.AddrFrom4([4]byte(b[:4])), netip.AddrFrom4([4]byte(b[4:]))}, nil
}

// BindVportArgs is the argument of bind_vport: be32 tunnel key of the virtual port.
type BindVportArgs struct{ Vport uint32 }

// Encode is the wire form.
func (a BindVportArgs) Encode() []byte { return binary.BigEndian.AppendUint32(nil, a.Vport) }

// DecodeBindVportArgs is the inverse of Encode.
func DecodeBindVportArgs(b []byte) (BindVportArgs, error) {
	if err := wantLen(ir.OpBindVport, b, 4); err != nil {
		return BindVportArgs{}, err
	}
	return BindVportArgs{binary.BigEndian.Uint32(b)}, nil
}

// LogArgs is the argument of log: a byte verdict, a byte severity, and the name
// of the ACL in what is left.
type LogArgs struct {
	Verdict  Verdict
	Severity Severity
	Name     string
}

// Encode is the wire form.
func (a LogArgs) Encode() []byte {
	return append([]byte{byte(a.Verdict), byte(a.Severity)}, a.Name...)
}

// DecodeLogArgs is the inverse of Encode.
func DecodeLogArgs(b []byte) (LogArgs, error) {
	if len(b) < 2 {
		return LogArgs{}, &ArgsError{ir.OpLog, "no verdict and severity"}
	}
	return LogArgs{Verdict(b[0]), Severity(b[1]), string(b[2:])}, nil
}

// EventArgs is the argument of trigger_event for the one event that OVN has,
// empty_lb_backends: be32 event (0), then options as be16 code, be16 length,
// text. Codes: 1 VIP, 2 Protocol, 3 LoadBalancer.
type EventArgs struct {
	VIP          string // address or address:port, as in Load_Balancer vips
	Protocol     string // tcp, udp or sctp
	LoadBalancer string // UUID of the Northbound row
}

// Encode is the wire form. Options that are not given are left out.
func (a EventArgs) Encode() []byte {
	b := []byte{0, 0, 0, eventEmptyLBBackends}
	for i, s := range []string{a.VIP, a.Protocol, a.LoadBalancer} {
		if s != "" {
			b = append(b, 0, byte(i+1))
			b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
			b = append(b, s...)
		}
	}
	return b
}

// DecodeEventArgs is the inverse of Encode.
func DecodeEventArgs(b []byte) (EventArgs, error) {
	var a EventArgs
	bad := func(f string, args ...any) (EventArgs, error) {
		return EventArgs{}, &ArgsError{ir.OpEvent, fmt.Sprintf(f, args...)}
	}
	if len(b) < 4 {
		return bad("no event number")
	}
	if n := binary.BigEndian.Uint32(b); n != eventEmptyLBBackends {
		return bad("unknown event %d", n)
	}
	for b = b[4:]; len(b) > 0; {
		if len(b) < 4 || len(b) < 4+int(binary.BigEndian.Uint16(b[2:])) {
			return bad("truncated option")
		}
		code, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		v := string(b[4 : 4+n])
		switch code {
		case 1:
			a.VIP = v
		case 2:
			a.Protocol = v
		case 3:
			a.LoadBalancer = v
		default:
			return bad("unknown option %d", code)
		}
		b = b[4+n:]
	}
	return a, nil
}

const eventEmptyLBBackends = 0
