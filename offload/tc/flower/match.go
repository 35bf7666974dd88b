package flower

import (
	"net/netip"

	"github.com/sluice-gw/sluice/internal/nl"
)

// A Match says which packets a filter is for. The zero value matches every packet; each field that is set narrows it.
//
// The kernel ignores keys whose lower layers are not matched too, so those must be set: EthType for IP addresses, ARP and MPLS,
// IPProto for ports, TCP flags and ICMP. What lacks them is refused when it is encoded.
type Match struct {
	InDev  string    // name of the interface, for filters of shared blocks
	L2Miss Opt[bool] // the bridge flooded the packet, because it did not know the destination (Linux 6.5)

	EthDst, EthSrc Masked[MAC]
	// EthType is the type of what comes after Ethernet header and VLAN tags, 0 for any.
	EthType EtherType
	// VLAN is the outer tag, CVLAN the one behind it.
	VLAN, CVLAN Tag

	IPProto                    Opt[uint8]
	TOS, TTL                   Masked[uint8] // IPv6: traffic class and hop limit
	IPSrc, IPDst               Masked[netip.Addr]
	IPFlags                    Masked[PacketFlags]
	SrcPort, DstPort           Masked[uint16] // of TCP, UDP, SCTP
	SrcPortRange, DstPortRange PortRange
	TCPFlags                   Masked[uint16] // the low 12 bits
	ICMPType, ICMPCode         Masked[uint8]  // of ICMP or ICMPv6
	ARP                        ARP
	MPLS                       []LSE // label stack entries, by rising depth
	CT                         Conntrack
	Tunnel                     Tunnel
	Other                      []nl.Attr // keys of a dump that the codec does not know, as they are
}

// encode appends the keys. On failure the bytes are useless.
func (m *Match) encode(e *nl.Encoder) error {
	if m.InDev != "" {
		if len(m.InDev) > 15 {
			return invalid("indev", "is longer than the 15 characters of an interface name")
		}
		e.String(keyInDev, m.InDev)
	}
	for _, err := range [...]error{
		m.encodeEthernet(e), m.encodeIP(e), m.encodeFlags(e), m.encodePorts(e), m.encodeICMP(e), m.encodeARP(e), m.encodeMPLS(e),
		m.Tunnel.encode(e), m.CT.encode(e),
	} {
		if err != nil {
			return err
		}
	}
	for _, a := range m.Other {
		e.Put(a.Type, a.Data)
	}
	return nil
}

// decode takes the keys. protocol is the filter's, which a dump needs to know the outer VLAN type.
func (m *Match) decode(t *nl.Table, protocol EtherType) error {
	m.InDev, _ = t.String(keyInDev)
	m.decodeEthernet(t, protocol)
	m.decodeIP(t)
	m.decodeFlags(t)
	m.decodePorts(t)
	m.decodeICMP(t)
	m.decodeARP(t)
	m.decodeMPLS(t)
	m.Tunnel.decode(t)
	m.CT.decode(t)
	m.Other = t.Rest()
	return t.Err()
}

// text writes the keys in iproute2's order.
func (m *Match) text(w *writer) {
	if m.InDev != "" {
		w.key("indev", "%s", m.InDev)
	}
	m.textEthernet(w)
	m.textIPProto(w)
	m.textMPLS(w)
	m.textAddrs(w)
	m.textPorts(w)
	m.textICMP(w)
	m.textARP(w)
	m.Tunnel.text(w)
	m.textFlags(w)
	m.CT.text(w)
	for _, a := range m.Other {
		w.key("attribute", "%d 0x%x", a.Kind(), a.Data)
	}
}
