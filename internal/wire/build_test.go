package wire

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// decode reads a packet with gopacket and fails on anything that it cannot read.
func decode(t *testing.T, p []byte) gopacket.Packet {
	t.Helper()
	d := gopacket.NewPacket(p, layers.LayerTypeEthernet, gopacket.Default)
	if e := d.ErrorLayer(); e != nil {
		t.Fatalf("gopacket: %v\n% x", e.Error(), p)
	}
	return d
}

func TestBuildersAgreeWithGopacket(t *testing.T) {
	ap := netip.AddrPortFrom
	tests := []struct {
		name      string
		got, want []byte
	}{
		{"arp", AppendARP(AppendEthernet(nil, macB, macA, TypeARP), ARPReply, macA, ip4A, macB, ip4B),
			craft(t, eth(layers.EthernetTypeARP), &layers.ARP{AddrType: 1, Protocol: 0x800, HwAddressSize: 6, ProtAddressSize: 4, Operation: 2,
				SourceHwAddress: macA[:], SourceProtAddress: ip4A.AsSlice(), DstHwAddress: macB[:], DstProtAddress: ip4B.AsSlice()})},
		{"icmp4 in vlan",
			AppendICMP4(AppendIPv4(AppendTaggedEthernet(nil, macB, macA, 0x7007, TypeIPv4), ip4A, ip4B, ProtoICMP, 255, 13), 3, 4, 1400, []byte("quote")),
			craft(t, eth(layers.EthernetTypeDot1Q), &layers.Dot1Q{Priority: 3, VLANIdentifier: 7, Type: layers.EthernetTypeIPv4},
				&layers.IPv4{Version: 4, TTL: 255, Flags: layers.IPv4DontFragment, Protocol: 1, SrcIP: ip4A.AsSlice(), DstIP: ip4B.AsSlice()},
				&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 4), Seq: 1400}, gopacket.Payload("quote"))},
		{"icmp6",
			AppendICMP6(AppendIPv6(AppendEthernet(nil, macB, macA, TypeIPv6), ip6A, ip6B, ProtoICMPv6, 255, 13), ip6A, ip6B, 2, 0, 1400, []byte("quote")),
			craft(t, eth(layers.EthernetTypeIPv6), &layers.IPv6{Version: 6, HopLimit: 255, NextHeader: 58, SrcIP: ip6A.AsSlice(), DstIP: ip6B.AsSlice()},
				&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(2, 0)}, gopacket.Payload("\x00\x00\x05\x78quote"))},
		{"tcp", AppendTCP(AppendIPv4(AppendEthernet(nil, macB, macA, TypeIPv4), ip4A, ip4B, ProtoTCP, 63, 20), ap(ip4A, 80), ap(ip4B, 1234), 7, 9, TCPRst|TCPAck),
			craft(t, eth(layers.EthernetTypeIPv4), &layers.IPv4{Version: 4, TTL: 63, Flags: layers.IPv4DontFragment, Protocol: 6, SrcIP: ip4A.AsSlice(), DstIP: ip4B.AsSlice()},
				&layers.TCP{SrcPort: 80, DstPort: 1234, Seq: 7, Ack: 9, RST: true, ACK: true})},
		{"neighbor solicitation",
			AppendNeigh(AppendEthernet(nil, macB, macA, TypeIPv6), ip6A, ip6B, ICMP6NeighSolicit, 0, ip6B, NDSourceLinkAddr, macA),
			craft(t, eth(layers.EthernetTypeIPv6), &layers.IPv6{Version: 6, HopLimit: 255, NextHeader: 58, SrcIP: ip6A.AsSlice(), DstIP: ip6B.AsSlice()},
				&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(135, 0)},
				&layers.ICMPv6NeighborSolicitation{TargetAddress: ip6B.AsSlice(), Options: layers.ICMPv6Options{{Type: 1, Data: macA[:]}}})},
		{"neighbor advertisement",
			AppendNeigh(AppendEthernet(nil, macB, macA, TypeIPv6), ip6A, ip6B, ICMP6NeighAdvert, NARouter|NAOverride, ip6A, NDTargetLinkAddr, macA),
			craft(t, eth(layers.EthernetTypeIPv6), &layers.IPv6{Version: 6, HopLimit: 255, NextHeader: 58, SrcIP: ip6A.AsSlice(), DstIP: ip6B.AsSlice()},
				&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(136, 0)},
				&layers.ICMPv6NeighborAdvertisement{Flags: 0xa0, TargetAddress: ip6A.AsSlice(), Options: layers.ICMPv6Options{{Type: 2, Data: macA[:]}}})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// gopacket pads a tagged or short frame to 60 bytes; the rest must agree.
			if len(tt.want) < len(tt.got) || !bytes.Equal(tt.got, tt.want[:len(tt.got)]) || len(bytes.Trim(tt.want[len(tt.got):], "\x00")) != 0 {
				t.Errorf("got  % x\nwant % x", tt.got, tt.want)
			}
		})
	}
}

func TestUDPSeal(t *testing.T) {
	b := AppendUDP(AppendIPv6(AppendEthernet(nil, macB, macA, TypeIPv6), ip6A, ip6B, ProtoUDP, 64, 10), 53, 54, 2)
	b = append(b, "hi"...)
	UDP(b[54:]).Seal(ip6A, ip6B)
	want := craft(t, eth(layers.EthernetTypeIPv6), &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: 17, SrcIP: ip6A.AsSlice(), DstIP: ip6B.AsSlice()},
		&layers.UDP{SrcPort: 53, DstPort: 54}, gopacket.Payload("hi"))
	if !bytes.Equal(b, want) {
		t.Errorf("got  % x\nwant % x", b, want)
	}
	u, err := ParseUDP(b[54:])
	if err != nil || u.SrcPort() != 53 || u.DstPort() != 54 || string(u.Payload()) != "hi" || u.Checksum() == 0 {
		t.Errorf("parsed %v, %v", u, err)
	}
}

func TestSCTPAbort(t *testing.T) {
	data := craft(t, &layers.SCTP{SrcPort: 1, DstPort: 2, VerificationTag: 0x11223344},
		&layers.SCTPData{SCTPChunk: layers.SCTPChunk{Type: 0}, TSN: 1}, gopacket.Payload("x"))
	init := craft(t, &layers.SCTP{SrcPort: 1, DstPort: 2},
		&layers.SCTPInit{SCTPChunk: layers.SCTPChunk{Type: 1}, InitiateTag: 0xa1b2c3d4, AdvertisedReceiverWindowCredit: 1500, OutboundStreams: 1, InboundStreams: 1})
	for _, tt := range []struct {
		name  string
		in    []byte
		tag   uint32
		flags uint8
	}{{"data", data, 0x11223344, 1}, {"init", init, 0xa1b2c3d4, 0}} {
		s, err := ParseSCTP(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if s.Checksum() != SCTPChecksum(s) {
			t.Errorf("%s: checksum %08x, gopacket's is %08x", tt.name, SCTPChecksum(s), s.Checksum())
		}
		out := AppendSCTPAbort([]byte("head"), s)[4:]
		d := gopacket.NewPacket(out, layers.LayerTypeSCTP, gopacket.Default)
		h, _ := d.Layer(layers.LayerTypeSCTP).(*layers.SCTP)
		if h == nil || h.SrcPort != 2 || h.DstPort != 1 || h.VerificationTag != tt.tag || out[12] != SCTPAbort || out[13] != tt.flags ||
			SCTP(out).Checksum() != SCTPChecksum(out) {
			t.Errorf("%s: answered by %v\n% x", tt.name, d, out)
		}
	}
	if _, err := ParseSCTP(init[:20]); err == nil {
		t.Error("a cut INIT is accepted")
	}
}

func TestRouterAdvert(t *testing.T) {
	b := AppendEthernet(nil, macB, macA, TypeIPv6)
	b = AppendIPv6(b, ip6A, ip6B, ProtoICMPv6, 255, 0)
	l4 := len(b)
	b = AppendRouterAdvert(b, 64, RAOther|RAPreferenceHigh, 1800)
	b = AppendLinkAddr(b, NDSourceLinkAddr, macA)
	b = AppendNDMTU(b, 1400)
	b = AppendNDPrefix(b, netip.MustParsePrefix("2001:db8:5::1/64"), PrefixOnLink|PrefixAutonomous)
	b = AppendRDNSS(b, 30, ip6B)
	b, err := AppendDNSSL(b, 40, "a.example", "bb.example.")
	if err != nil {
		t.Fatal(err)
	}
	b = AppendRouteInfo(b, netip.MustParsePrefix("2001:db8:6::/48"), RAPreferenceLow, 50)
	IPv6(b[14:]).SetPayloadLen(len(b) - l4)
	SealICMP6(ICMP(b[l4:]), ip6A, ip6B)

	d := decode(t, b)
	ra := d.Layer(layers.LayerTypeICMPv6RouterAdvertisement).(*layers.ICMPv6RouterAdvertisement)
	if ra.HopLimit != 64 || ra.Flags != 0x48 || ra.RouterLifetime != 1800 || len(ra.Options) != 6 {
		t.Fatalf("gopacket reads %+v", ra)
	}
	want := []struct {
		typ  layers.ICMPv6Opt
		data string
	}{
		{1, "02000000000a"},
		{5, "000000000578"},
		{3, "40c0" + "ffffffff" + "ffffffff" + "00000000" + "20010db8000500000000000000000001"},
		{25, "0000" + "0000001e" + "20010db8000100000000000000000002"},
		{31, "0000" + "00000028" + "0161076578616d706c6500" + "026262076578616d706c6500" + "00"},
		{24, "3018" + "00000032" + "20010db800060000"},
	}
	for i, w := range want {
		if o := ra.Options[i]; o.Type != w.typ || !bytes.Equal(o.Data, mustHex(t, w.data)) {
			t.Errorf("option %d is %d %x, want %d %s", i, o.Type, o.Data, w.typ, w.data)
		}
	}
	r, err := ParseRouterAdvert(b[l4:])
	if err != nil || r.HopLimit() != 64 || r.Flags() != 0x48 || r.Lifetime() != 1800 {
		t.Fatalf("parsed %v, %v", r, err)
	}
	n := 0
	for typ, opt := range r.Options() {
		if typ != uint8(want[n].typ) || len(opt) != 2+len(want[n].data)/2 {
			t.Errorf("option %d is %d, %d bytes", n, typ, len(opt))
		}
		n++
	}
	if n != len(want) {
		t.Errorf("%d options", n)
	}
	for _, name := range []string{"", ".", "a..b", string(bytes.Repeat([]byte("a"), 64)) + ".b", string(bytes.Repeat([]byte("a."), 200))} {
		if out, err := AppendDNSSL([]byte{1}, 1, name); err == nil || len(out) != 1 {
			t.Errorf("name %q is accepted", name)
		}
	}
}
