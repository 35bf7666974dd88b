package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

var (
	macA = MAC{0x02, 0, 0, 0, 0, 0x0a}
	macB = MAC{0x02, 0, 0, 0, 0, 0x0b}
	ip4A = netip.MustParseAddr("192.0.2.1")
	ip4B = netip.MustParseAddr("198.51.100.2")
	ip6A = netip.MustParseAddr("2001:db8::1")
	ip6B = netip.MustParseAddr("2001:db8:1::2")
)

// craft serialises layers with gopacket, the independent oracle of this package.
func craft(t testing.TB, ls ...gopacket.SerializableLayer) []byte {
	t.Helper()
	var net gopacket.NetworkLayer
	for _, l := range ls {
		if n, ok := l.(gopacket.NetworkLayer); ok {
			net = n
		}
		if c, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			if err := c.SetNetworkLayerForChecksum(net); err != nil {
				t.Fatal(err)
			}
		}
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func eth(typ layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: macA[:], DstMAC: macB[:], EthernetType: typ}
}

func ipv4(proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 63, TOS: 0xb9, Protocol: proto, SrcIP: ip4A.AsSlice(), DstIP: ip4B.AsSlice()}
}

func ipv6(next layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 62, TrafficClass: 0xb9, FlowLabel: 0x54321, NextHeader: next, SrcIP: ip6A.AsSlice(), DstIP: ip6B.AsSlice()}
}

func mustHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseFrameFindsLayers(t *testing.T) {
	udp := &layers.UDP{SrcPort: 1000, DstPort: 2000}
	body := gopacket.Payload("hello")
	tests := []struct {
		name   string
		packet []byte
		want   Frame
		l3, l4 int
	}{
		{"ipv4", craft(t, eth(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolUDP), udp, body),
			Frame{EtherType: TypeIPv4, Src: ip4A, Dst: ip4B, Proto: ProtoUDP, TOS: 0xb9, TTL: 63}, 14, 34},
		{"ipv6", craft(t, eth(layers.EthernetTypeIPv6), ipv6(layers.IPProtocolUDP), udp, body),
			Frame{EtherType: TypeIPv6, Src: ip6A, Dst: ip6B, Proto: ProtoUDP, TOS: 0xb9, TTL: 62, Label: 0x54321}, 14, 54},
		{"vlan", craft(t, eth(layers.EthernetTypeDot1Q), &layers.Dot1Q{Priority: 3, VLANIdentifier: 7, Type: layers.EthernetTypeIPv4},
			ipv4(layers.IPProtocolUDP), udp, body),
			Frame{TCI: [2]uint16{0x7007, 0}, EtherType: TypeIPv4, Src: ip4A, Dst: ip4B, Proto: ProtoUDP, TOS: 0xb9, TTL: 63}, 18, 38},
		{"snap", append(append(append([]byte(nil), craft(t, eth(0x0024))[:14]...), 0xaa, 0xaa, 3, 0, 0, 0, 8, 0),
			craft(t, eth(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolUDP), udp, body)[14:]...),
			Frame{EtherType: TypeIPv4, Src: ip4A, Dst: ip4B, Proto: ProtoUDP, TOS: 0xb9, TTL: 63}, 22, 42},
		{"llc", append(craft(t, eth(0x0003))[:14:14], 0x42, 0x42, 3), Frame{EtherType: TypeNone}, 14, -1},
		{"padding is no payload", append(craft(t, eth(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolUDP), udp), make([]byte, 18)...),
			Frame{EtherType: TypeIPv4, Src: ip4A, Dst: ip4B, Proto: ProtoUDP, TOS: 0xb9, TTL: 63}, 14, 34},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := ParseFrame(tt.packet)
			if err != nil {
				t.Fatal(err)
			}
			if l3, l4 := f.NetworkOffset(), f.TransportOffset(); l3 != tt.l3 || l4 != tt.l4 {
				t.Errorf("layers at %d and %d, want %d and %d", l3, l4, tt.l3, tt.l4)
			}
			if tt.name == "padding is no payload" && len(f.Transport) != UDPLen {
				t.Errorf("transport has %d bytes, want %d", len(f.Transport), UDPLen)
			}
			got := f
			got.Ethernet, got.Network, got.Transport = nil, nil, nil
			if got.EtherType != tt.want.EtherType || got.TCI != tt.want.TCI || got.Src != tt.want.Src || got.Dst != tt.want.Dst ||
				got.Proto != tt.want.Proto || got.TOS != tt.want.TOS || got.TTL != tt.want.TTL || got.Label != tt.want.Label {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestExtensionHeaders(t *testing.T) {
	hop := &layers.IPv6HopByHop{Options: []*layers.IPv6HopByHopOption{{OptionType: 1, OptionData: make([]byte, 4)}}}
	hop.NextHeader = layers.IPProtocolIPv6Destination
	dst := &layers.IPv6Destination{Options: []*layers.IPv6DestinationOption{{OptionType: 1, OptionData: make([]byte, 12)}}}
	dst.NextHeader = layers.IPProtocolUDP
	p := craft(t, eth(layers.EthernetTypeIPv6), ipv6(layers.IPProtocolIPv6HopByHop), hop, dst, gopacket.Payload{1, 2, 3, 4, 0, 8, 0, 0})
	f, err := ParseFrame(p)
	if err != nil || f.Proto != ProtoUDP || !bytes.Equal(f.Transport, []byte{1, 2, 3, 4, 0, 8, 0, 0}) {
		t.Fatalf("proto %d transport % x, %v", f.Proto, f.Transport, err)
	}

	frag := []byte{ProtoUDP, 0, 0, 0, 0, 0, 0, 1}
	for _, tt := range []struct {
		offset          byte
		fragment, later bool
		proto           uint8
	}{{0, false, false, ProtoUDP}, {1, true, false, ProtoUDP}, {8, true, true, ProtoFragment}} {
		frag[3] = tt.offset
		p := craft(t, eth(layers.EthernetTypeIPv6), ipv6(layers.IPProtocolIPv6Fragment), gopacket.Payload(append(bytes.Clone(frag), make([]byte, 8)...)))
		f, err := ParseFrame(p)
		if err != nil || f.Fragment != tt.fragment || f.Later != tt.later || f.Proto != tt.proto || (f.Transport == nil) != tt.later {
			t.Errorf("offset %d: %+v, %v", tt.offset, f, err)
		}
	}
}

func TestMalformedNamesHeader(t *testing.T) {
	good := craft(t, eth(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolUDP), &layers.UDP{})
	bad := bytes.Clone(good)
	bad[14] = 0x4f // 60 bytes of header in 28
	for _, tt := range []struct {
		packet []byte
		header string
	}{{good[:10], "Ethernet"}, {good[:20], "IPv4"}, {bad, "IPv4"}} {
		_, err := ParseFrame(tt.packet)
		var e *Error
		if !errors.As(err, &e) || e.Header != tt.header {
			t.Errorf("%d bytes: error %v, want one about %s", len(tt.packet), err, tt.header)
		}
	}
}

func TestMAC(t *testing.T) {
	m, err := ParseMAC("0A:00:27:aB:cd:ef")
	if err != nil || m.String() != "0a:00:27:ab:cd:ef" {
		t.Errorf("%v, %v", m, err)
	}
	for _, s := range []string{"", "0a:00:27:ab:cd", "0a-00-27-ab-cd-ef", "0g:00:27:ab:cd:ef", "0a:00:27:ab:cd:ef0"} {
		if m, err := ParseMAC(s); err == nil {
			t.Errorf("%q is %v", s, m)
		}
	}
	// RFC 4291, appendix A; RFC 2464, 7.
	if got := (MAC{0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde}).LinkLocal().String(); got != "fe80::3656:78ff:fe9a:bcde" {
		t.Errorf("link-local is %s", got)
	}
	sol := SolicitedNode(netip.MustParseAddr("4037::1:800:200e:8c6c"))
	if sol.String() != "ff02::1:ff0e:8c6c" || MulticastMAC(sol).String() != "33:33:ff:0e:8c:6c" {
		t.Errorf("solicited node is %s, %s", sol, MulticastMAC(sol))
	}
}
