package action

import "github.com/sluice-gw/sluice/controlplane/ir"

// statementTable are the actions that stand alone, by name. They are called with
// the parser behind the name.
func statementTable() map[string]func(*parser) node {
	return map[string]func(*parser) node{
		"output":              func(*parser) node { return output{} },
		"next":                parseNext,
		"clone":               parseClone,
		"push":                parsePush,
		"pop":                 parsePop,
		"ip.ttl":              parseDecTTL,
		"ct_next":             parseCTNext,
		"ct_commit":           parseCTCommit,
		"ct_commit_to_zone":   parseCTCommitToZone,
		"ct_commit_nat":       parseCTCommitNAT,
		"ct_dnat":             parseCTNAT(ctDNAT),
		"ct_snat":             parseCTNAT(ctSNAT),
		"ct_dnat_in_czone":    parseCTNAT(ctDNATCommon),
		"ct_snat_in_czone":    parseCTNAT(ctSNATCommon),
		"ct_snat_to_vip":      parseCall("ct_snat_to_vip", ir.CTSNATHairpin),
		"ct_lb":               parseCTLB(lbLabel),
		"ct_lb_mark":          parseCTLB(lbMark),
		"ct_lb_mark_local":    parseCTLB(lbMarkLocal),
		"ct_clear":            func(*parser) node { return ctClear{} },
		"arp":                 nestKind{name: "arp", opcode: ir.OpARP, prereq: "ip", resolves: true}.parse,
		"nd_ns":               nestKind{name: "nd_ns", opcode: ir.OpNDNS, prereq: "ip", resolves: true}.parse,
		"nd_na":               nestKind{name: "nd_na", opcode: ir.OpNDNA, prereq: "nd_ns"}.parse,
		"nd_na_router":        nestKind{name: "nd_na_router", opcode: ir.OpNDNARouter, prereq: "nd_ns"}.parse,
		"icmp4":               nestKind{name: "icmp4", opcode: ir.OpICMP, prereq: "ip4", icmp: true}.parse,
		"icmp4_error":         nestKind{name: "icmp4_error", opcode: ir.OpICMP4Error, prereq: "ip4", icmp: true}.parse,
		"icmp6":               nestKind{name: "icmp6", opcode: ir.OpICMP, prereq: "ip6", icmp: true}.parse,
		"icmp6_error":         nestKind{name: "icmp6_error", opcode: ir.OpICMP6Error, prereq: "ip6", icmp: true}.parse,
		"tcp_reset":           nestKind{name: "tcp_reset", opcode: ir.OpTCPReset, prereq: "tcp"}.parse,
		"sctp_abort":          nestKind{name: "sctp_abort", opcode: ir.OpSCTPAbort, prereq: "sctp"}.parse,
		"reject":              nestKind{name: "reject", opcode: ir.OpReject, icmp: true}.parse,
		"igmp":                parsePlainPunt("igmp", ir.OpIGMP),
		"handle_dhcpv6_reply": parsePlainPunt("handle_dhcpv6_reply", ir.OpDHCP6Server),
		"handle_bfd_msg":      parseBFDMsg,
		"handle_svc_check":    parseSvcCheck,
		"bind_vport":          parseBindVport,
		"get_arp":             parseGetMAC(arpFamily("get_arp")),
		"get_nd":              parseGetMAC(ndFamily("get_nd")),
		"put_arp":             parsePutMAC(arpFamily("put_arp")),
		"put_nd":              parsePutMAC(ndFamily("put_nd")),
		"put_fdb":             parsePutFDB,
		"set_queue":           parseSetQueue,
		"set_meter":           parseSetMeter,
		"log":                 parseLog,
		"trigger_event":       parseTriggerEvent,
		"fwd_group":           parseFwdGroup,
		"commit_ecmp_nh":      parseCommitECMP,
		"commit_lb_aff":       parseCommitAffinity,
		"sample":              parseSample,
		"mac_cache_use":       parseCall("mac_cache_use", ir.MACCacheUse),
		"flood_remote":        parseCall("flood_remote", ir.FloodRemote),
		"mirror":              parseMirror,
	}
}

// assignmentTable are the actions of the form "FIELD = name(...)", by name. They
// are called with the parser at the parenthesis.
func assignmentTable() map[string]func(*parser, field) node {
	t := map[string]func(*parser, field) node{
		"select":              parseSelect,
		"put_dhcp_opts":       parsePutDHCP,
		"put_dhcpv6_opts":     parsePutDHCPv6,
		"put_nd_ra_opts":      parsePutNDRA,
		"dns_lookup":          parseDNSLookup,
		"check_pkt_larger":    parseCheckLarger,
		"lookup_arp":          parseLookupMAC(arpFamily("lookup_arp")),
		"lookup_nd":           parseLookupMAC(ndFamily("lookup_nd")),
		"lookup_arp_ip":       parseLookupIP(arpFamily("lookup_arp_ip")),
		"lookup_nd_ip":        parseLookupIP(ndFamily("lookup_nd_ip")),
		"chk_evpn_arp":        parseChkEVPNARP,
		"get_fdb":             parseGetFDB(false),
		"get_remote_fdb":      parseGetFDB(true),
		"lookup_fdb":          parseLookupFDB,
		"dhcp_relay_req_chk":  parseDHCPRelay(false),
		"dhcp_relay_resp_chk": parseDHCPRelay(true),
	}
	for _, q := range []question{
		flagQuestion("chk_lb_hairpin", ir.ChkLBHairpin, ir.FlagLookupLBHairpin),
		flagQuestion("chk_lb_hairpin_reply", ir.ChkLBHairpinReply, ir.FlagLookupLBHairpin),
		flagQuestion("check_in_port_sec", ir.ChkInPortSec, ir.FlagCheckPortSec),
		flagQuestion("check_out_port_sec", ir.ChkOutPortSec, ir.FlagCheckPortSec),
		flagQuestion("chk_ecmp_nh_mac", ir.ECMPNHMAC, ir.FlagLookupCommitECMPNH),
		flagQuestion("chk_ecmp_nh", ir.ECMPNH, ir.FlagLookupCommitECMPNH),
		flagQuestion("chk_lb_aff", ir.ChkLBAffinity, ir.FlagUseLBAffSession),
		ctQuestion("ct_nw_dst", ir.CTOrigNWDst, 32),
		ctQuestion("ct_ip6_dst", ir.CTOrigIP6Dst, 128),
		ctQuestion("ct_tp_dst", ir.CTOrigTPDst, 16),
		ctQuestion("ct_proto", ir.CTOrigProto, 8),
		{"ct_state_save", ir.CTStateSave, ir.Bits(ir.Reg4, 0, 8), true},
	} {
		t[q.name] = q.parse
	}
	return t
}
