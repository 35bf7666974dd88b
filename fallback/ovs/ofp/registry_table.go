package ofp

import "strconv"

// registry describes every field. The facts are those of ovs-fields(7); the
// numbers of the NXM and OXM classes are in OVS's include/openvswitch/meta-flow.h.
var registry = func() [numFields]fieldInfo {
	r := fixedFields
	for i := range 64 {
		n := strconv.Itoa(i)
		r[tunMetadata0+Field(i)] = fieldInfo{name: "tun_metadata" + n, bytes: maxTunMetadata, maskable: true,
			nxm: oxm{classNXM1, uint8(40 + i), 0}, nxmName: "NXM_NX_TUN_METADATA" + n}
	}
	for i := range 16 {
		n := strconv.Itoa(i)
		r[reg0+Field(i)] = fieldInfo{name: "reg" + n, bits: 32, bytes: 4, maskable: true,
			nxm: oxm{classNXM1, uint8(i), 0}, nxmName: "NXM_NX_REG" + n}
	}
	for i := range 8 {
		n := strconv.Itoa(i)
		r[XReg0+Field(i)] = fieldInfo{name: "xreg" + n, bits: 64, bytes: 8, maskable: true,
			oxm: oxm{classRegs, uint8(i), 0}, oxmName: "OXM_OF_PKT_REG" + n}
	}
	for i := range 4 {
		n := strconv.Itoa(i)
		r[XXReg0+Field(i)] = fieldInfo{name: "xxreg" + n, bits: 128, bytes: 16, maskable: true,
			nxm: oxm{classNXM1, uint8(111 + i), 0}, nxmName: "NXM_NX_XXREG" + n}
	}
	return r
}()

// fixedFields are the fields that are not members of a numbered family.
var fixedFields = [numFields]fieldInfo{
	FieldNone: {name: "none"},

	// Pipeline and ingress.
	DPHash: {name: "dp_hash", bits: 32, bytes: 4, maskable: true, readOnly: true,
		nxm: oxm{classNXM1, 35, 0}, nxmName: "NXM_NX_DP_HASH", oxm: oxm{classExp, 0, expNicira}, oxmName: "NXOXM_ET_DP_HASH"},
	RecircID: {name: "recirc_id", bits: 32, bytes: 4, readOnly: true, fmt: fmtDec,
		nxm: oxm{classNXM1, 36, 0}, nxmName: "NXM_NX_RECIRC_ID"},
	PacketType: {name: "packet_type", bits: 32, bytes: 4, readOnly: true, fmt: fmtPacketType,
		oxm: oxm{classOF, 44, 0}, oxmName: "OXM_OF_PACKET_TYPE"},
	ConjID: {name: "conj_id", bits: 32, bytes: 4, readOnly: true, fmt: fmtDec,
		nxm: oxm{classNXM1, 37, 0}, nxmName: "NXM_NX_CONJ_ID"},
	Metadata: {name: "metadata", bits: 64, bytes: 8, maskable: true,
		oxm: oxm{classOF, 2, 0}, oxmName: "OXM_OF_METADATA"},
	InPortNXM: {name: "in_port", bits: 16, bytes: 2, fmt: fmtPort,
		nxm: oxm{classNXM0, 0, 0}, nxmName: "NXM_OF_IN_PORT"},
	InPort: {name: "in_port_oxm", bits: 32, bytes: 4, fmt: fmtPort,
		oxm: oxm{classOF, 0, 0}, oxmName: "OXM_OF_IN_PORT"},
	ActsetOutput: {name: "actset_output", bits: 32, bytes: 4, readOnly: true, fmt: fmtPort,
		oxm: oxm{classOF, 43, 0}, oxmName: "OXM_OF_ACTSET_OUTPUT"},
	PktMark: {name: "pkt_mark", bits: 32, bytes: 4, maskable: true,
		nxm: oxm{classNXM1, 33, 0}, nxmName: "NXM_NX_PKT_MARK"},

	// Tunnel.
	TunID: {name: "tun_id", alias: "tunnel_id", bits: 64, bytes: 8, maskable: true,
		nxm: oxm{classNXM1, 16, 0}, nxmName: "NXM_NX_TUN_ID", oxm: oxm{classOF, 38, 0}, oxmName: "OXM_OF_TUNNEL_ID"},
	TunSrc: {name: "tun_src", bits: 32, bytes: 4, maskable: true, fmt: fmtIPv4,
		nxm: oxm{classNXM1, 31, 0}, nxmName: "NXM_NX_TUN_IPV4_SRC"},
	TunDst: {name: "tun_dst", bits: 32, bytes: 4, maskable: true, fmt: fmtIPv4,
		nxm: oxm{classNXM1, 32, 0}, nxmName: "NXM_NX_TUN_IPV4_DST"},
	TunIPv6Src: {name: "tun_ipv6_src", bits: 128, bytes: 16, maskable: true, fmt: fmtIPv6,
		nxm: oxm{classNXM1, 109, 0}, nxmName: "NXM_NX_TUN_IPV6_SRC"},
	TunIPv6Dst: {name: "tun_ipv6_dst", bits: 128, bytes: 16, maskable: true, fmt: fmtIPv6,
		nxm: oxm{classNXM1, 110, 0}, nxmName: "NXM_NX_TUN_IPV6_DST"},
	TunFlags: {name: "tun_flags", bits: 1, bytes: 2, maskable: true, fmt: fmtTunFlags,
		nxm: oxm{classNXM1, 104, 0}, nxmName: "NXM_NX_TUN_FLAGS"},
	TunGBPID: {name: "tun_gbp_id", bits: 16, bytes: 2, maskable: true, fmt: fmtDec,
		nxm: oxm{classNXM1, 38, 0}, nxmName: "NXM_NX_TUN_GBP_ID"},
	TunGBPFlags: {name: "tun_gbp_flags", bits: 8, bytes: 1, maskable: true,
		nxm: oxm{classNXM1, 39, 0}, nxmName: "NXM_NX_TUN_GBP_FLAGS"},

	// Connection tracking.
	CTState: {name: "ct_state", bits: 32, bytes: 4, maskable: true, readOnly: true, fmt: fmtCTState,
		nxm: oxm{classNXM1, 105, 0}, nxmName: "NXM_NX_CT_STATE"},
	CTZone: {name: "ct_zone", bits: 16, bytes: 2, readOnly: true,
		nxm: oxm{classNXM1, 106, 0}, nxmName: "NXM_NX_CT_ZONE"},
	CTMark: {name: "ct_mark", bits: 32, bytes: 4, maskable: true,
		nxm: oxm{classNXM1, 107, 0}, nxmName: "NXM_NX_CT_MARK"},
	CTLabel: {name: "ct_label", bits: 128, bytes: 16, maskable: true,
		nxm: oxm{classNXM1, 108, 0}, nxmName: "NXM_NX_CT_LABEL"},
	CTNWProto: {name: "ct_nw_proto", bits: 8, bytes: 1, readOnly: true, pre: preCT, fmt: fmtDec,
		nxm: oxm{classNXM1, 119, 0}, nxmName: "NXM_NX_CT_NW_PROTO"},
	CTNWSrc: {name: "ct_nw_src", bits: 32, bytes: 4, maskable: true, readOnly: true, pre: preCT4, fmt: fmtIPv4,
		nxm: oxm{classNXM1, 120, 0}, nxmName: "NXM_NX_CT_NW_SRC"},
	CTNWDst: {name: "ct_nw_dst", bits: 32, bytes: 4, maskable: true, readOnly: true, pre: preCT4, fmt: fmtIPv4,
		nxm: oxm{classNXM1, 121, 0}, nxmName: "NXM_NX_CT_NW_DST"},
	CTIPv6Src: {name: "ct_ipv6_src", bits: 128, bytes: 16, maskable: true, readOnly: true, pre: preCT6, fmt: fmtIPv6,
		nxm: oxm{classNXM1, 122, 0}, nxmName: "NXM_NX_CT_IPV6_SRC"},
	CTIPv6Dst: {name: "ct_ipv6_dst", bits: 128, bytes: 16, maskable: true, readOnly: true, pre: preCT6, fmt: fmtIPv6,
		nxm: oxm{classNXM1, 123, 0}, nxmName: "NXM_NX_CT_IPV6_DST"},
	CTTPSrc: {name: "ct_tp_src", bits: 16, bytes: 2, maskable: true, readOnly: true, pre: preCT, fmt: fmtDec,
		nxm: oxm{classNXM1, 124, 0}, nxmName: "NXM_NX_CT_TP_SRC"},
	CTTPDst: {name: "ct_tp_dst", bits: 16, bytes: 2, maskable: true, readOnly: true, pre: preCT, fmt: fmtDec,
		nxm: oxm{classNXM1, 125, 0}, nxmName: "NXM_NX_CT_TP_DST"},

	// Ethernet, VLAN, MPLS.
	EthSrc: {name: "eth_src", alias: "dl_src", bits: 48, bytes: 6, maskable: true, pre: preEth, fmt: fmtMAC,
		nxm: oxm{classNXM0, 2, 0}, nxmName: "NXM_OF_ETH_SRC", oxm: oxm{classOF, 4, 0}, oxmName: "OXM_OF_ETH_SRC"},
	EthDst: {name: "eth_dst", alias: "dl_dst", bits: 48, bytes: 6, maskable: true, pre: preEth, fmt: fmtMAC,
		nxm: oxm{classNXM0, 1, 0}, nxmName: "NXM_OF_ETH_DST", oxm: oxm{classOF, 3, 0}, oxmName: "OXM_OF_ETH_DST"},
	EthType: {name: "eth_type", alias: "dl_type", bits: 16, bytes: 2, readOnly: true, pre: preEth,
		nxm: oxm{classNXM0, 3, 0}, nxmName: "NXM_OF_ETH_TYPE", oxm: oxm{classOF, 5, 0}, oxmName: "OXM_OF_ETH_TYPE"},
	VLANTCI: {name: "vlan_tci", bits: 16, bytes: 2, maskable: true, pre: preEth,
		nxm: oxm{classNXM0, 4, 0}, nxmName: "NXM_OF_VLAN_TCI"},
	VLANVID: {name: "vlan_vid", bits: 12, bytes: 2, maskable: true, pre: preEth, fmt: fmtDec,
		oxm: oxm{classOF, 6, 0}, oxmName: "OXM_OF_VLAN_VID"},
	VLANPCP: {name: "vlan_pcp", bits: 3, bytes: 1, pre: preVLAN, fmt: fmtDec,
		oxm: oxm{classOF, 7, 0}, oxmName: "OXM_OF_VLAN_PCP"},
	MPLSLabel: {name: "mpls_label", bits: 20, bytes: 4, pre: preMPLS, fmt: fmtDec,
		oxm: oxm{classOF, 34, 0}, oxmName: "OXM_OF_MPLS_LABEL"},
	MPLSTC: {name: "mpls_tc", bits: 3, bytes: 1, pre: preMPLS, fmt: fmtDec,
		oxm: oxm{classOF, 35, 0}, oxmName: "OXM_OF_MPLS_TC"},
	MPLSBOS: {name: "mpls_bos", bits: 1, bytes: 1, readOnly: true, pre: preMPLS, fmt: fmtDec,
		oxm: oxm{classOF, 36, 0}, oxmName: "OXM_OF_MPLS_BOS"},
	MPLSTTL: {name: "mpls_ttl", bits: 8, bytes: 1, pre: preMPLS, fmt: fmtDec,
		nxm: oxm{classNXM1, 30, 0}, nxmName: "NXM_NX_MPLS_TTL"},

	// IP, ARP.
	IPv4Src: {name: "ip_src", alias: "nw_src", bits: 32, bytes: 4, maskable: true, pre: preIPv4, fmt: fmtIPv4,
		nxm: oxm{classNXM0, 7, 0}, nxmName: "NXM_OF_IP_SRC", oxm: oxm{classOF, 11, 0}, oxmName: "OXM_OF_IPV4_SRC"},
	IPv4Dst: {name: "ip_dst", alias: "nw_dst", bits: 32, bytes: 4, maskable: true, pre: preIPv4, fmt: fmtIPv4,
		nxm: oxm{classNXM0, 8, 0}, nxmName: "NXM_OF_IP_DST", oxm: oxm{classOF, 12, 0}, oxmName: "OXM_OF_IPV4_DST"},
	IPv6Src: {name: "ipv6_src", bits: 128, bytes: 16, maskable: true, pre: preIPv6, fmt: fmtIPv6,
		nxm: oxm{classNXM1, 19, 0}, nxmName: "NXM_NX_IPV6_SRC", oxm: oxm{classOF, 26, 0}, oxmName: "OXM_OF_IPV6_SRC"},
	IPv6Dst: {name: "ipv6_dst", bits: 128, bytes: 16, maskable: true, pre: preIPv6, fmt: fmtIPv6,
		nxm: oxm{classNXM1, 20, 0}, nxmName: "NXM_NX_IPV6_DST", oxm: oxm{classOF, 27, 0}, oxmName: "OXM_OF_IPV6_DST"},
	IPv6Label: {name: "ipv6_label", bits: 20, bytes: 4, maskable: true, pre: preIPv6,
		nxm: oxm{classNXM1, 27, 0}, nxmName: "NXM_NX_IPV6_LABEL", oxm: oxm{classOF, 28, 0}, oxmName: "OXM_OF_IPV6_FLABEL"},
	IPProto: {name: "nw_proto", alias: "ip_proto", bits: 8, bytes: 1, readOnly: true, pre: preIP, fmt: fmtDec,
		nxm: oxm{classNXM0, 6, 0}, nxmName: "NXM_OF_IP_PROTO", oxm: oxm{classOF, 10, 0}, oxmName: "OXM_OF_IP_PROTO"},
	IPTOS: {name: "nw_tos", bits: 8, bytes: 1, pre: preIP, fmt: fmtDec,
		nxm: oxm{classNXM0, 5, 0}, nxmName: "NXM_OF_IP_TOS"},
	IPDSCP: {name: "ip_dscp", bits: 6, bytes: 1, pre: preIP, fmt: fmtDec,
		oxm: oxm{classOF, 8, 0}, oxmName: "OXM_OF_IP_DSCP"},
	IPECN: {name: "nw_ecn", alias: "ip_ecn", bits: 2, bytes: 1, pre: preIP, fmt: fmtDec,
		nxm: oxm{classNXM1, 28, 0}, nxmName: "NXM_NX_IP_ECN", oxm: oxm{classOF, 9, 0}, oxmName: "OXM_OF_IP_ECN"},
	IPTTL: {name: "nw_ttl", bits: 8, bytes: 1, pre: preIP, fmt: fmtDec,
		nxm: oxm{classNXM1, 29, 0}, nxmName: "NXM_NX_IP_TTL"},
	IPFrag: {name: "ip_frag", alias: "nw_frag", bits: 2, bytes: 1, maskable: true, readOnly: true, pre: preIP, fmt: fmtFrag,
		nxm: oxm{classNXM1, 26, 0}, nxmName: "NXM_NX_IP_FRAG"},
	ARPOp: {name: "arp_op", bits: 16, bytes: 2, pre: preARP, fmt: fmtDec,
		nxm: oxm{classNXM0, 15, 0}, nxmName: "NXM_OF_ARP_OP", oxm: oxm{classOF, 21, 0}, oxmName: "OXM_OF_ARP_OP"},
	ARPSPA: {name: "arp_spa", bits: 32, bytes: 4, maskable: true, pre: preARP, fmt: fmtIPv4,
		nxm: oxm{classNXM0, 16, 0}, nxmName: "NXM_OF_ARP_SPA", oxm: oxm{classOF, 22, 0}, oxmName: "OXM_OF_ARP_SPA"},
	ARPTPA: {name: "arp_tpa", bits: 32, bytes: 4, maskable: true, pre: preARP, fmt: fmtIPv4,
		nxm: oxm{classNXM0, 17, 0}, nxmName: "NXM_OF_ARP_TPA", oxm: oxm{classOF, 23, 0}, oxmName: "OXM_OF_ARP_TPA"},
	ARPSHA: {name: "arp_sha", bits: 48, bytes: 6, maskable: true, pre: preARP, fmt: fmtMAC,
		nxm: oxm{classNXM1, 17, 0}, nxmName: "NXM_NX_ARP_SHA", oxm: oxm{classOF, 24, 0}, oxmName: "OXM_OF_ARP_SHA"},
	ARPTHA: {name: "arp_tha", bits: 48, bytes: 6, maskable: true, pre: preARP, fmt: fmtMAC,
		nxm: oxm{classNXM1, 18, 0}, nxmName: "NXM_NX_ARP_THA", oxm: oxm{classOF, 25, 0}, oxmName: "OXM_OF_ARP_THA"},

	// Transport, ICMP, neighbour discovery.
	TCPSrc: {name: "tcp_src", alias: "tp_src", bits: 16, bytes: 2, maskable: true, pre: preTCP, fmt: fmtDec,
		nxm: oxm{classNXM0, 9, 0}, nxmName: "NXM_OF_TCP_SRC", oxm: oxm{classOF, 13, 0}, oxmName: "OXM_OF_TCP_SRC"},
	TCPDst: {name: "tcp_dst", alias: "tp_dst", bits: 16, bytes: 2, maskable: true, pre: preTCP, fmt: fmtDec,
		nxm: oxm{classNXM0, 10, 0}, nxmName: "NXM_OF_TCP_DST", oxm: oxm{classOF, 14, 0}, oxmName: "OXM_OF_TCP_DST"},
	TCPFlags: {name: "tcp_flags", bits: 12, bytes: 2, maskable: true, readOnly: true, pre: preTCP, fmt: fmtTCPFlags,
		nxm: oxm{classNXM1, 34, 0}, nxmName: "NXM_NX_TCP_FLAGS", oxm: oxm{classOF, 42, 0}, oxmName: "OXM_OF_TCP_FLAGS"},
	UDPSrc: {name: "udp_src", bits: 16, bytes: 2, maskable: true, pre: preUDP, fmt: fmtDec,
		nxm: oxm{classNXM0, 11, 0}, nxmName: "NXM_OF_UDP_SRC", oxm: oxm{classOF, 15, 0}, oxmName: "OXM_OF_UDP_SRC"},
	UDPDst: {name: "udp_dst", bits: 16, bytes: 2, maskable: true, pre: preUDP, fmt: fmtDec,
		nxm: oxm{classNXM0, 12, 0}, nxmName: "NXM_OF_UDP_DST", oxm: oxm{classOF, 16, 0}, oxmName: "OXM_OF_UDP_DST"},
	SCTPSrc: {name: "sctp_src", bits: 16, bytes: 2, maskable: true, pre: preSCTP, fmt: fmtDec,
		oxm: oxm{classOF, 17, 0}, oxmName: "OXM_OF_SCTP_SRC"},
	SCTPDst: {name: "sctp_dst", bits: 16, bytes: 2, maskable: true, pre: preSCTP, fmt: fmtDec,
		oxm: oxm{classOF, 18, 0}, oxmName: "OXM_OF_SCTP_DST"},
	ICMPv4Type: {name: "icmp_type", bits: 8, bytes: 1, pre: preICMPv4, fmt: fmtDec,
		nxm: oxm{classNXM0, 13, 0}, nxmName: "NXM_OF_ICMP_TYPE", oxm: oxm{classOF, 19, 0}, oxmName: "OXM_OF_ICMPV4_TYPE"},
	ICMPv4Code: {name: "icmp_code", bits: 8, bytes: 1, pre: preICMPv4, fmt: fmtDec,
		nxm: oxm{classNXM0, 14, 0}, nxmName: "NXM_OF_ICMP_CODE", oxm: oxm{classOF, 20, 0}, oxmName: "OXM_OF_ICMPV4_CODE"},
	ICMPv6Type: {name: "icmpv6_type", bits: 8, bytes: 1, pre: preICMPv6, fmt: fmtDec,
		nxm: oxm{classNXM1, 21, 0}, nxmName: "NXM_NX_ICMPV6_TYPE", oxm: oxm{classOF, 29, 0}, oxmName: "OXM_OF_ICMPV6_TYPE"},
	ICMPv6Code: {name: "icmpv6_code", bits: 8, bytes: 1, pre: preICMPv6, fmt: fmtDec,
		nxm: oxm{classNXM1, 22, 0}, nxmName: "NXM_NX_ICMPV6_CODE", oxm: oxm{classOF, 30, 0}, oxmName: "OXM_OF_ICMPV6_CODE"},
	NDTarget: {name: "nd_target", bits: 128, bytes: 16, maskable: true, pre: preND, fmt: fmtIPv6,
		nxm: oxm{classNXM1, 23, 0}, nxmName: "NXM_NX_ND_TARGET", oxm: oxm{classOF, 31, 0}, oxmName: "OXM_OF_IPV6_ND_TARGET"},
	NDSLL: {name: "nd_sll", bits: 48, bytes: 6, maskable: true, pre: preNDSol, fmt: fmtMAC,
		nxm: oxm{classNXM1, 24, 0}, nxmName: "NXM_NX_ND_SLL", oxm: oxm{classOF, 32, 0}, oxmName: "OXM_OF_IPV6_ND_SLL"},
	NDTLL: {name: "nd_tll", bits: 48, bytes: 6, maskable: true, pre: preNDAdv, fmt: fmtMAC,
		nxm: oxm{classNXM1, 25, 0}, nxmName: "NXM_NX_ND_TLL", oxm: oxm{classOF, 33, 0}, oxmName: "OXM_OF_IPV6_ND_TLL"},
	NDReserved: {name: "nd_reserved", bits: 32, bytes: 4, pre: preND, fmt: fmtDec,
		oxm: oxm{classERIC, 1, 0}, oxmName: "ERICOXM_OF_ICMPV6_ND_RESERVED"},
	NDOptionsType: {name: "nd_options_type", bits: 8, bytes: 1, pre: preND, fmt: fmtDec,
		oxm: oxm{classERIC, 2, 0}, oxmName: "ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE"},
}
