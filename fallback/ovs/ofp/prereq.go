package ofp

// Numbers of protocols that are prerequisites (IANA registries).
const (
	ethIP        = 0x0800
	ethARP       = 0x0806
	ethRARP      = 0x8035
	ethVLAN      = 0x8100
	ethIPv6      = 0x86dd
	ethMPLS      = 0x8847
	ethMPLSMcast = 0x8848

	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132

	icmp6Sol = 135
	icmp6Adv = 136
)

// prereqContext is what decides which fields a match may contain.
type prereqContext struct {
	ethType   int // -1: not matched
	proto     int
	icmp6Type int
	icmp6Code int
	vlan      bool
	laterFrag bool // the packet is a fragment and not the first
	ctValid   bool // ct_state says that there is a connection
}

func (c *prereqContext) read(m *MatchBuilder) {
	*c = prereqContext{ethType: -1, proto: -1, icmp6Type: -1, icmp6Code: -1}
	for i := range m.terms {
		t := &m.terms[i]
		switch t.Field {
		case EthType:
			c.ethType = int(t.Value.Lo)
		case IPProto:
			c.proto = int(t.Value.Lo)
		case ICMPv6Type:
			c.icmp6Type = int(t.Value.Lo)
		case ICMPv6Code:
			c.icmp6Code = int(t.Value.Lo)
		case VLANVID:
			c.vlan = t.Value.Lo&0x1000 != 0
		case IPFrag:
			c.laterFrag = t.Value.Lo&2 != 0
		case CTState:
			const connection, tracked, invalid = 0xcf, 0x20, 0x10
			c.ctValid = t.Value.Lo&connection != 0 ||
				t.Value.Lo&tracked != 0 && t.Mask.Lo&invalid != 0 && t.Value.Lo&invalid == 0
		}
	}
}

func (c *prereqContext) holds(p prereq) bool {
	ip := c.ethType == ethIP || c.ethType == ethIPv6
	switch p {
	case preNone, preEth:
		return true
	case preVLAN:
		return c.vlan
	case preIPv4:
		return c.ethType == ethIP
	case preIPv6:
		return c.ethType == ethIPv6
	case preIP:
		return ip
	case preMPLS:
		return c.ethType == ethMPLS || c.ethType == ethMPLSMcast
	case preARP:
		return c.ethType == ethARP || c.ethType == ethRARP
	case preTCP:
		return ip && c.proto == protoTCP && !c.laterFrag
	case preUDP:
		return ip && c.proto == protoUDP && !c.laterFrag
	case preSCTP:
		return ip && c.proto == protoSCTP && !c.laterFrag
	case preICMPv4:
		return c.ethType == ethIP && c.proto == protoICMP
	case preICMPv6:
		return c.icmp6()
	case preND:
		return c.icmp6() && (c.icmp6Type == icmp6Sol || c.icmp6Type == icmp6Adv) && c.icmp6Code <= 0
	case preNDSol:
		return c.icmp6() && c.icmp6Type == icmp6Sol && c.icmp6Code <= 0
	case preNDAdv:
		return c.icmp6() && c.icmp6Type == icmp6Adv && c.icmp6Code <= 0
	case preCT:
		return c.ctValid
	case preCT4:
		return c.ctValid && c.ethType == ethIP
	case preCT6:
		return c.ctValid && c.ethType == ethIPv6
	}
	return false
}

func (c *prereqContext) icmp6() bool { return c.ethType == ethIPv6 && c.proto == protoICMPv6 }

// String says in a user's words what the prerequisite is.
func (p prereq) String() string {
	return [...]string{
		preNone: "nothing", preEth: "Ethernet", preVLAN: "a VLAN header (vlan_tci=0x1000/0x1000)",
		preIPv4: "eth_type=0x0800", preIPv6: "eth_type=0x86dd", preIP: "eth_type=0x0800 or 0x86dd",
		preMPLS: "eth_type=0x8847 or 0x8848", preARP: "eth_type=0x0806 or 0x8035",
		preTCP: "IP and nw_proto=6, not later fragments", preUDP: "IP and nw_proto=17, not later fragments",
		preSCTP:   "IP and nw_proto=132, not later fragments",
		preICMPv4: "eth_type=0x0800 and nw_proto=1", preICMPv6: "eth_type=0x86dd and nw_proto=58",
		preND: "icmpv6_type=135 or 136", preNDSol: "icmpv6_type=135", preNDAdv: "icmpv6_type=136",
		preCT:  "ct_state of a connection (+new, +est, +rel, +rpl, +snat, +dnat or +trk-inv)",
		preCT4: "eth_type=0x0800 and ct_state of a connection", preCT6: "eth_type=0x86dd and ct_state of a connection",
	}[p]
}
