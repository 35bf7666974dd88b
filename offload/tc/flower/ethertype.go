package flower

import "fmt"

// An EtherType is the type of what an Ethernet or VLAN header carries, or a protocol of a filter (linux/if_ether.h).
type EtherType uint16

// The types that the codec knows to have keys.
const (
	EtherIPv4   EtherType = 0x0800
	EtherARP    EtherType = 0x0806
	EtherRARP   EtherType = 0x8035
	EtherVLAN   EtherType = 0x8100 // 802.1Q
	EtherIPv6   EtherType = 0x86dd
	EtherMPLS   EtherType = 0x8847 // unicast
	EtherMPLSMC EtherType = 0x8848 // multicast
	EtherQinQ   EtherType = 0x88a8 // 802.1ad
	// EtherAll is the protocol of a filter that looks at all packets (ETH_P_ALL). It is no type of a packet.
	EtherAll EtherType = 0x0003
)

func (t EtherType) isVLAN() bool { return t == EtherVLAN || t == EtherQinQ }
func (t EtherType) isIP() bool   { return t == EtherIPv4 || t == EtherIPv6 }
func (t EtherType) isARP() bool  { return t == EtherARP || t == EtherRARP }
func (t EtherType) isMPLS() bool { return t == EtherMPLS || t == EtherMPLSMC }

// String is the name that iproute2 has for a protocol, or the number in brackets.
func (t EtherType) String() string {
	if name, ok := protocolNames[t]; ok {
		return name
	}
	return fmt.Sprintf("[%d]", uint16(t))
}

// keyText is how iproute2 prints the match on a type, which is not how it prints protocols.
func (t EtherType) keyText() string {
	switch t {
	case EtherIPv4:
		return "ipv4"
	case EtherIPv6, EtherARP, EtherRARP:
		return t.String()
	}
	return fmt.Sprintf("%04x", uint16(t))
}

// protocolNames are those of iproute2.
var protocolNames = map[EtherType]string{
	0x0001: "802_3", 0x0002: "ax25", 0x0003: "all", 0x0004: "802_2", 0x0005: "snap", 0x0006: "ddcmp", 0x0007: "wan_ppp",
	0x0008: "ppp_mp", 0x0009: "localtalk", 0x000c: "can", 0x0010: "ppptalk", 0x0011: "tr_802_2", 0x0015: "mobitex",
	0x0016: "control", 0x0017: "irda", 0x0018: "econet", 0x0060: "loop", 0x0200: "pup", 0x0201: "pupat", 0x0800: "ip",
	0x0805: "x25", 0x0806: "arp", 0x08ff: "bpq", 0x0a00: "ieeepup", 0x0a01: "ieeepupat", 0x6000: "dec", 0x6001: "dna_dl",
	0x6002: "dna_rc", 0x6003: "dna_rt", 0x6004: "lat", 0x6005: "diag", 0x6006: "cust", 0x6007: "sca", 0x6558: "teb",
	0x8035: "rarp", 0x809b: "atalk", 0x80f3: "aarp", 0x8100: "802.1Q", 0x8137: "ipx", 0x86dd: "ipv6", 0x8847: "mpls_uc",
	0x8848: "mpls_mc", 0x884c: "atmmpoa", 0x8863: "ppp_disc", 0x8864: "ppp_ses", 0x8884: "atmfate", 0x8892: "profinet",
	0x88a2: "aoe", 0x88a4: "ethercat", 0x88a8: "802.1ad", 0x88ca: "tipc", 0x88cc: "LLDP",
}
