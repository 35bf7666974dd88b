package ir_test

import (
	"bytes"
	"net"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/ir/irtest"
)

// What a packet made of terms looks like on the wire reads back as the same fields.
func TestFrameRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := irtest.Packet().Draw(t, "packet")
		got, err := ir.ParseFrame(p.Frame())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range p.Changed(got) {
			if f >= ir.EthSrc {
				t.Fatalf("%s\n%s\ndiffer in %s\n% x", p, got, f, p.Frame())
			}
		}
		if again := got.Frame(); !bytes.Equal(again, p.Frame()) {
			t.Fatalf("frame changes when read and written:\n% x\n% x", p.Frame(), again)
		}
	})
}

func serialize(t *testing.T, ls ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

var (
	macA = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	macB = net.HardwareAddr{2, 0, 0, 0, 0, 2}
)

// frames are packets that gopacket made, with options, extension headers and payloads.
func frames(t *testing.T) map[string][]byte {
	ip4 := func(p layers.IPProtocol) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 64, TOS: 0xb9, Protocol: p, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2},
			Options: []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}}}
	}
	ip6 := &layers.IPv6{Version: 6, HopLimit: 63, TrafficClass: 0x28, FlowLabel: 0x12345, NextHeader: layers.IPProtocolTCP,
		SrcIP: net.ParseIP("fd00::1"), DstIP: net.ParseIP("fd00::2")}
	tcp := &layers.TCP{SrcPort: 1000, DstPort: 80, SYN: true, Seq: 7, Window: 1024,
		Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{5, 0xb4}}}}
	tcp6 := *tcp
	udp := &layers.UDP{SrcPort: 68, DstPort: 67}
	ip4tcp, ip4udp := ip4(layers.IPProtocolTCP), ip4(layers.IPProtocolUDP)
	for _, l := range []struct {
		transport interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}
		network gopacket.NetworkLayer
	}{{tcp, ip4tcp}, {udp, ip4udp}, {&tcp6, ip6}} {
		if err := l.transport.SetNetworkLayerForChecksum(l.network); err != nil {
			t.Fatal(err)
		}
	}
	eth := func(typ layers.EthernetType) *layers.Ethernet {
		return &layers.Ethernet{SrcMAC: macA, DstMAC: macB, EthernetType: typ}
	}
	payload := gopacket.Payload("hello")
	return map[string][]byte{
		"tcp4": serialize(t, eth(layers.EthernetTypeIPv4), ip4tcp, tcp, payload),
		"udp4 in vlan": serialize(t, eth(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 5, Priority: 3, Type: layers.EthernetTypeIPv4},
			ip4udp, udp, payload),
		"tcp6": serialize(t, eth(layers.EthernetTypeIPv6), ip6, &tcp6, payload),
		"arp": serialize(t, eth(layers.EthernetTypeARP), &layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4,
			HwAddressSize: 6, ProtAddressSize: 4, Operation: 1, SourceHwAddress: macA, SourceProtAddress: []byte{10, 0, 0, 1},
			DstHwAddress: make([]byte, 6), DstProtAddress: []byte{10, 0, 0, 2}}),
	}
}

func TestParseFrame(t *testing.T) {
	want := map[string]string{
		"tcp4": "eth.src=0x20000000001, eth.dst=0x20000000002, eth.type=2048, ip.proto=6, ip.dscp=46, ip.ecn=1, ip.ttl=64, " +
			"ip4.src=0xa000001, ip4.dst=0xa000002, tcp.src=1000, tcp.dst=80, tcp.flags=2",
		"udp4 in vlan": "eth.src=0x20000000001, eth.dst=0x20000000002, eth.type=2048, vlan.tci=28677, ip.proto=17, ip.dscp=46, ip.ecn=1, ip.ttl=64, " +
			"ip4.src=0xa000001, ip4.dst=0xa000002, udp.src=68, udp.dst=67",
		"tcp6": "eth.src=0x20000000001, eth.dst=0x20000000002, eth.type=34525, ip.proto=6, ip.dscp=10, ip.ttl=63, " +
			"ip6.src=0xfd000000000000000000000000000001, ip6.dst=0xfd000000000000000000000000000002, ip6.label=0x12345, tcp.src=1000, tcp.dst=80, tcp.flags=2",
		"arp": "eth.src=0x20000000001, eth.dst=0x20000000002, eth.type=2054, arp.op=1, arp.spa=0xa000001, arp.tpa=0xa000002, arp.sha=0x20000000001",
	}
	for name, frame := range frames(t) {
		p, err := ir.ParseFrame(frame)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p.String() != want[name] {
			t.Errorf("%s:\n%s, want\n%s", name, p, want[name])
		}
		if got := p.Frame(); !bytes.Equal(got, frame) {
			t.Errorf("%s: unchanged, it is written as\n% x, not\n% x", name, got, frame)
		}
	}
}

// After fields are changed, options and payload are as before and gopacket finds the checksums right.
func TestFrameAfterChanges(t *testing.T) {
	p, err := ir.ParseFrame(frames(t)["tcp4"])
	if err != nil {
		t.Fatal(err)
	}
	p.Set(ir.All(ir.IP4Dst), ir.V(0xc0a80101))
	p.Set(ir.All(ir.TCPDst), ir.V(8080))
	p.Set(ir.All(ir.IPTTL), ir.V(1))
	p.PushVLAN(0x8100)
	got := gopacket.NewPacket(p.Frame(), layers.LayerTypeEthernet, gopacket.Default)
	tcp, ok := got.Layer(layers.LayerTypeTCP).(*layers.TCP)
	if !ok || tcp.DstPort != 8080 || string(tcp.Payload) != "hello" || len(tcp.Options) == 0 {
		t.Fatalf("frame is %v", got)
	}
	if err := tcp.SetNetworkLayerForChecksum(got.NetworkLayer()); err != nil {
		t.Fatal(err)
	}
	if err, bad := got.VerifyChecksums(); err != nil || len(bad) > 0 {
		t.Errorf("checksums: %v %v", err, bad)
	}
}

// No frame panics, and what is read from one is read again from what is written.
func FuzzParseFrame(f *testing.F) {
	for _, b := range [][]byte{
		nil,
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 0, 0x45},
		packetBytes("eth.type=0x86dd, ip.proto=58, icmp6.type=135, nd.target=1, nd.sll=7"),
		packetBytes("eth.type=0x800, ip.proto=6, tcp.src=1, vlan.tci=4097"),
		packetBytes("eth.type=0x86dd, ip.proto=17, ip.frag=3"),
		packetBytes("eth.type=0x806, arp.op=1"),
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ir.ParseFrame(b)
		if err != nil {
			return
		}
		if p.Get(ir.EthType).Lo < 0x600 {
			return // LLC comes back without its header
		}
		q, err := ir.ParseFrame(p.Frame())
		if err != nil {
			t.Fatal(err)
		}
		if diff := p.Changed(q); len(diff) > 0 {
			t.Fatalf("%s\n%s\ndiffer in %v", p, q, diff)
		}
		ct := ir.NewConntrack()
		ct.Track(p, 1, ir.CT{Commit: true, Next: ir.NoStage})
	})
}

func packetBytes(text string) []byte {
	m, err := ir.ParseMatch(text)
	if err != nil {
		panic(err)
	}
	var terms []ir.Term
	for t := range m.Terms() {
		terms = append(terms, t)
	}
	p, err := ir.NewPacket(terms...)
	if err != nil {
		panic(err)
	}
	return p.Frame()
}
