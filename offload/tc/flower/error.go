package flower

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/sluice-gw/sluice/internal/nl"
)

// An Error says why a request failed. Err is an *nl.Error with the kernel's or a driver's words, an *InvalidError, or one of
// nl.ErrNoAnswer and nl.ErrNotSent.
type Error struct {
	Request Request
	Err     error
}

// Error is the request, the cause and, where there is one, the fix.
func (e *Error) Error() string {
	text := e.Request.String() + ": " + e.cause()
	if fix := e.Fix(); fix != "" {
		text += "; " + fix
	}
	return text
}

// Unwrap gives Err, by which errors.Is finds the errno.
func (e *Error) Unwrap() error { return e.Err }

// cause is the error with the names of the attributes that the kernel pointed at.
func (e *Error) cause() string {
	var refusal *nl.Error
	if !errors.As(e.Err, &refusal) || len(refusal.Path) == 0 && refusal.Missing == 0 {
		return e.Err.Error()
	}
	named := *refusal
	named.Path, named.Missing, named.MissingIn = nil, 0, nil
	text := named.Error()
	if len(refusal.Path) > 0 {
		text += " (at " + attrNames(refusal.Path) + ")"
	}
	if refusal.Missing != 0 {
		missing := append(append([]uint16{}, refusal.MissingIn...), refusal.Missing)
		text += " (missing: " + attrNames(missing) + ")"
	}
	return text
}

// Fix says what helps, "" if nothing is known.
func (e *Error) Fix() string {
	var errno syscall.Errno
	if !errors.As(e.Err, &errno) {
		return ""
	}
	switch errno {
	case syscall.EEXIST:
		return "a filter with this key is there: replace it, or dump and compare"
	case syscall.ENOENT:
		return "the chain, filter, action or kernel module is not there: dump and compare, and load cls_flower and act_*"
	case syscall.ENODEV:
		return "the device is gone: look it up again"
	case syscall.EINVAL:
		if e.Request.typ == rtmDelFilter || e.Request.typ == rtmNewFilter {
			return "the hook needs a clsact qdisc, and a filter that replaces another the same masks"
		}
		return "the hook needs a clsact qdisc"
	case syscall.EOPNOTSUPP:
		if e.Request.filter != nil && e.Request.filter.Flags&SkipSW != 0 {
			return "the device does not take this filter: leave out skip_sw, or give it to another backend"
		}
		return "this kernel was built without a part that the filter needs"
	case syscall.ENOSPC:
		return "the table of the device or kernel is full"
	case syscall.EBUSY:
		return "try again: something else is changing this chain, or an action is in use"
	case syscall.EPERM, syscall.EACCES:
		return "it needs CAP_NET_ADMIN in the network namespace"
	}
	return ""
}

// attrNames names a path of attributes of a filter message.
func attrNames(path []uint16) string {
	names := make([]string, 0, len(path))
	for i, typ := range path {
		name := fmt.Sprint(typ)
		switch {
		case i == 0 && typ == tcaOptions:
			name = "TCA_OPTIONS"
		case i == 0 && typ == tcaChain:
			name = "TCA_CHAIN"
		case i == 0 && typ == tcaKind:
			name = "TCA_KIND"
		case i == 1 && path[0] == tcaOptions && int(typ) < len(keyNames) && keyNames[typ] != "":
			name = keyNames[typ]
		case i == 2 && path[0] == tcaOptions && path[1] == keyActions:
			name = "order " + name
		}
		names = append(names, name)
	}
	return strings.Join(names, "/")
}

// keyNames are iproute2's words for the keys, for messages; a mask has the name of its key.
var keyNames = [keyEnd]string{
	keyClassID: "classid", keyInDev: "indev", keyActions: "action", keyOffloadFlags: "flags",
	keyEthDst: "dst_mac", keyEthDstMask: "dst_mac", keyEthSrc: "src_mac", keyEthSrcMask: "src_mac", keyEthType: "protocol",
	keyIPProto: "ip_proto", keyIPv4Src: "src_ip", keyIPv4SrcMask: "src_ip", keyIPv4Dst: "dst_ip", keyIPv4DstMask: "dst_ip",
	keyIPv6Src: "src_ip", keyIPv6SrcMask: "src_ip", keyIPv6Dst: "dst_ip", keyIPv6DstMask: "dst_ip",
	keyTCPSrc: "src_port", keyTCPSrcMask: "src_port", keyTCPDst: "dst_port", keyTCPDstMask: "dst_port",
	keyUDPSrc: "src_port", keyUDPSrcMask: "src_port", keyUDPDst: "dst_port", keyUDPDstMask: "dst_port",
	keySCTPSrc: "src_port", keySCTPSrcMask: "src_port", keySCTPDst: "dst_port", keySCTPDstMask: "dst_port",
	keySrcPortMin: "src_port", keySrcPortMax: "src_port", keyDstPortMin: "dst_port", keyDstPortMax: "dst_port",
	keyTCPFlags: "tcp_flags", keyTCPFlagsMask: "tcp_flags", keyTOS: "ip_tos", keyTOSMask: "ip_tos",
	keyTTL: "ip_ttl", keyTTLMask: "ip_ttl", keyIPFlags: "ip_flags", keyIPFlagsMask: "ip_flags",
	keyVLANID: "vlan_id", keyVLANPrio: "vlan_prio", keyVLANType: "vlan_ethtype",
	keyCVLANID: "cvlan_id", keyCVLANPrio: "cvlan_prio", keyCVLANType: "cvlan_ethtype",
	keyICMPCode: "code", keyICMPCodeMask: "code", keyICMPType: "type", keyICMPTypeMask: "type",
	keyICMPv6Code: "code", keyICMPv6CodeMask: "code", keyICMPv6Type: "type", keyICMPv6TypeMask: "type",
	keyARPSIP: "arp_sip", keyARPSIPMask: "arp_sip", keyARPTIP: "arp_tip", keyARPTIPMask: "arp_tip",
	keyARPOp: "arp_op", keyARPOpMask: "arp_op", keyARPSHA: "arp_sha", keyARPSHAMask: "arp_sha",
	keyARPTHA: "arp_tha", keyARPTHAMask: "arp_tha",
	keyMPLSTTL: "mpls_ttl", keyMPLSBOS: "mpls_bos", keyMPLSTC: "mpls_tc", keyMPLSLabel: "mpls_label", keyMPLSOpts: "mpls",
	keyEncID: "enc_key_id", keyEncIPv4Src: "enc_src_ip", keyEncIPv4SrcMask: "enc_src_ip", keyEncIPv4Dst: "enc_dst_ip",
	keyEncIPv4DstMask: "enc_dst_ip", keyEncIPv6Src: "enc_src_ip", keyEncIPv6SrcMask: "enc_src_ip",
	keyEncIPv6Dst: "enc_dst_ip", keyEncIPv6DstMask: "enc_dst_ip", keyEncSrcPort: "enc_src_port",
	keyEncSrcPortMask: "enc_src_port", keyEncDstPort: "enc_dst_port", keyEncDstPortMask: "enc_dst_port",
	keyEncTOS: "enc_tos", keyEncTOSMask: "enc_tos", keyEncTTL: "enc_ttl", keyEncTTLMask: "enc_ttl",
	keyEncOpts: "tunnel options", keyEncOptsMask: "tunnel options", keyEncFlags: "enc_flags", keyEncFlagsMask: "enc_flags",
	keyCTState: "ct_state", keyCTStateMask: "ct_state", keyCTZone: "ct_zone", keyCTZoneMask: "ct_zone",
	keyCTMark: "ct_mark", keyCTMarkMask: "ct_mark", keyCTLabels: "ct_label", keyCTLabelsMask: "ct_label", keyL2Miss: "l2_miss",
}
