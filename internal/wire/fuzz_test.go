package wire

import (
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// FuzzParseFrame: whatever the bytes, no parser and no accessor panics, and layers lie
// inside the packet.
func FuzzParseFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add(craft(f, eth(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolUDP), &layers.UDP{SrcPort: 68, DstPort: 67}, gopacket.Payload(AppendDHCP4(nil, 1, 1, 0, macA))))
	f.Add(craft(f, eth(layers.EthernetTypeIPv6), ipv6(layers.IPProtocolTCP), &layers.TCP{SrcPort: 5}))
	f.Add(AppendNeigh(AppendEthernet(nil, macB, macA, TypeIPv6), ip6A, ip6B, ICMP6NeighSolicit, 0, ip6B, NDSourceLinkAddr, macA))
	f.Add(AppendARP(AppendEthernet(nil, macB, macA, TypeARP), 1, macA, ip4A, macB, ip4B))
	f.Add(craft(f, eth(layers.EthernetTypeIPv6), ipv6(layers.IPProtocolIPv6Fragment), gopacket.Payload{17, 0, 0, 8, 0, 0, 0, 1, 1, 2}))
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := ParseFrame(b)
		if err == nil && fr.Ethernet == nil {
			t.Fatal("no error and no frame")
		}
		if fr.Ethernet != nil {
			fr.Ethernet.SetDst(macA)
			fr.Ethernet.SetSrc(macB)
			if o := fr.NetworkOffset(); fr.Network != nil && (o < 14 || o > len(b)) {
				t.Fatalf("network header at %d of %d", o, len(b))
			}
			if o := fr.TransportOffset(); o > len(b) || o+len(fr.Transport) > len(b) {
				t.Fatalf("transport header at %d of %d", o, len(b))
			}
		}
		exercise(fr.Network)
		exercise(fr.Transport)
		exercise(b)
	})
}

// exercise takes b for every header in turn.
func exercise(b []byte) {
	if a, err := ParseARP(b); err == nil {
		_, _, _, _, _ = a.Op(), a.SHA(), a.SPA(), a.THA(), a.TPA()
	}
	if p, err := ParseIPv4(b); err == nil {
		p.SetSrc(ip4A)
		p.SetDst(ip4B)
		p.Seal()
		_, _ = p.Fragment()
		_ = p.Payload()
	}
	if p, err := ParseIPv6(b); err == nil {
		p.SetSrc(ip6A)
		_, _ = p.Upper()
	}
	if m, err := ParseICMP(b); err == nil {
		_, _, _ = m.Rest(), m.Payload(), m.Checksum()
		if q := QuotedIPv4(m.Payload()); q != nil {
			q.SetSrc(ip4A)
		}
	}
	if n, err := ParseNeigh(b); err == nil {
		for _, o := range n.Options() {
			LinkAddr(o)
		}
	}
	if r, err := ParseRouterAdvert(b); err == nil {
		_, _, _ = r.Lifetime(), r.Flags(), r.HopLimit()
		for range r.Options() {
		}
	}
	if u, err := ParseUDP(b); err == nil {
		u.Seal(ip4A, ip4B)
		_ = u.Payload()
	}
	if h, err := ParseTCP(b); err == nil {
		_, _, _ = h.Seq(), h.Ack(), h.Flags()
	}
	if s, err := ParseSCTP(b); err == nil {
		AppendSCTPAbort(nil, s)
		_ = s.Checksum()
	}
	Quotable4(b)
	Quotable6(b)
	SCTPChecksum(b)
}

// FuzzDHCP4: options lie inside the message, and reading ends.
func FuzzDHCP4(f *testing.F) {
	b := AppendDHCP4(nil, BootRequest, 1, 0, macA)
	f.Add(append(AppendDHCP4Option(AppendDHCP4Option(b, DHCP4MessageType, 1), DHCP4Overload, 3), DHCP4End))
	f.Add(append(b, 12, 200))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDHCP4(b)
		if err != nil {
			return
		}
		n := 0
		for range d.Options() {
			n++
		}
		if n > len(b) {
			t.Fatalf("%d options in %d bytes", n, len(b))
		}
		_, _, _, _, _ = d.ClientAddr(), d.YourAddr(), d.NextServer(), d.RelayAddr(), d.ClientMAC()
		d.SetYourAddr(ip4A)
		if d.YourAddr() != ip4A {
			t.Fatal("yiaddr is not what was written")
		}
	})
}

// FuzzDHCP6 likewise.
func FuzzDHCP6(f *testing.F) {
	f.Add(AppendIANA(AppendDHCP6(nil, DHCP6Solicit, [3]byte{1, 2, 3}), 7, ip6A))
	f.Add([]byte{1, 0, 0, 0, 0, 1, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDHCP6(b)
		if err != nil {
			return
		}
		for code, data := range d.Options() {
			if code == DHCP6IANA {
				if _, ok := IAID(data); ok {
					for range DHCP6Options(data[12:]) {
					}
				}
			}
		}
	})
}
