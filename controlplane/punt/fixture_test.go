package punt

import (
	"net/netip"
	"sync"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	vmMAC  = wire.MAC{0x0a, 0, 0, 0, 0, 1}
	rtMAC  = wire.MAC{0x0a, 0, 0, 0, 0, 2}
	gwMAC  = wire.MAC{0x0a, 0, 0, 0, 0, 3}
	vm4    = netip.MustParseAddr("10.0.0.4")
	peer4  = netip.MustParseAddr("203.0.113.9")
	hop4   = netip.MustParseAddr("172.16.0.1")
	vm6    = netip.MustParseAddr("fd00::4")
	peer6  = netip.MustParseAddr("2001:db8::9")
	hop6   = netip.MustParseAddr("fd00:1::1")
	zero4  = netip.IPv4Unspecified()
	bcast4 = netip.MustParseAddr("255.255.255.255")

	lsPort = Key{5, 3} // of the packet-ins here: datapath and inport
	lrPort = Key{5, 7} // and outport
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

const inner = "inner operations in the backend's form"

// punted is a packet-in as a logical router or switch makes it.
func punted(op ir.Opcode, packet []byte, args ...byte) PacketIn {
	a, b := uint64(0), uint64(0)
	if op == ir.OpARP || op == ir.OpPutARP {
		for _, o := range hop4.AsSlice() {
			a = a<<8 | uint64(o)
		}
		a <<= 32
	} else {
		v := ir.BytesValue(hop6.AsSlice())
		a, b = v.Hi, v.Lo
	}
	return PacketIn{Opcode: op, Args: args, Inner: []byte(inner), Packet: packet, Stage: ir.Ingress(12), Meta: ir.MustMatch(
		ir.Exact(ir.Datapath, 5), ir.Exact(ir.Inport, 3), ir.Exact(ir.Outport, 7), ir.Exact(ir.Flags, 1),
		ir.Exact(ir.XReg0, a), ir.Exact(ir.XReg1, b), ir.Exact(ir.PktMark, 9), ir.Exact(ir.InPort, 2), ir.Exact(ir.TunID, 77))}
}

// paused is one that waits for a result in reg9[3].
func paused(op ir.Opcode, packet []byte, args ...byte) PacketIn {
	in := punted(op, packet, args...)
	in.Paused, in.Result, in.Inner = true, ir.Bits(ir.Reg9, 3, 1), nil
	return in
}

// craft serialises layers with gopacket.
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

func eth(src, dst wire.MAC, typ layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: src[:], DstMAC: dst[:], EthernetType: typ}
}

func ip(src, dst netip.Addr, proto layers.IPProtocol) gopacket.SerializableLayer {
	if src.Is4() {
		return &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: src.AsSlice(), DstIP: dst.AsSlice()}
	}
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: src.AsSlice(), DstIP: dst.AsSlice()}
}

// packet is a whole packet from the VM to a peer beyond the router.
func packet(t testing.TB, src, dst netip.Addr, proto layers.IPProtocol, rest ...gopacket.SerializableLayer) []byte {
	t.Helper()
	typ := layers.EthernetTypeIPv4
	if src.Is6() {
		typ = layers.EthernetTypeIPv6
	}
	return craft(t, append([]gopacket.SerializableLayer{eth(vmMAC, rtMAC, typ), ip(src, dst, proto)}, rest...)...)
}

// udpPacket is a small one of them; ttl tells one from another.
func udpPacket(t testing.TB, tag byte) []byte {
	return packet(t, vm4, peer4, layers.IPProtocolUDP, &layers.UDP{SrcPort: 1, DstPort: 2}, gopacket.Payload{tag})
}

// decode reads a packet with gopacket; it must be whole and its checksums right.
func decode(t testing.TB, p []byte) gopacket.Packet {
	t.Helper()
	d := gopacket.NewPacket(p, layers.LayerTypeEthernet, gopacket.Default)
	if e := d.ErrorLayer(); e != nil {
		t.Fatalf("gopacket: %v\n% x", e.Error(), p)
	}
	f, err := wire.ParseFrame(p)
	if err != nil {
		t.Fatal(err)
	}
	if f.EtherType == wire.TypeIPv4 && wire.Checksum(f.Network[:f.TransportOffset()-f.NetworkOffset()]) != 0 {
		t.Errorf("IPv4 header checksum is wrong: % x", f.Network)
	}
	udpWithout := f.Proto == wire.ProtoUDP && len(f.Transport) > 7 && f.Transport[6]|f.Transport[7] == 0
	switch {
	case f.Proto == wire.ProtoICMP && wire.Checksum(f.Transport) != 0,
		f.Proto == wire.ProtoUDP && f.EtherType == wire.TypeIPv4 && udpWithout:
		if f.Proto == wire.ProtoICMP {
			t.Error("ICMP checksum is wrong")
		}
	case f.Proto == wire.ProtoTCP, f.Proto == wire.ProtoUDP, f.Proto == wire.ProtoICMPv6:
		if wire.TransportChecksum(f.Src, f.Dst, f.Proto, f.Transport) != 0 {
			t.Errorf("checksum of protocol %d is wrong: % x", f.Proto, f.Transport)
		}
	}
	return d
}

// only is the effect of type E; there must be one.
func only[E Effect](t testing.TB, effects []Effect) E {
	t.Helper()
	var found []E
	for _, e := range effects {
		if e, ok := e.(E); ok {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d effects of type %T in %+v, want 1", len(found), *new(E), effects)
	}
	return found[0]
}

// none fails when there is an effect of type E.
func none[E Effect](t testing.TB, effects []Effect) {
	t.Helper()
	for _, e := range effects {
		if _, ok := e.(E); ok {
			t.Fatalf("effect %T in %+v", e, effects)
		}
	}
}

// sentBack is the packet that goes back into the pipeline with the inner operations.
func sentBack(t testing.TB, effects []Effect) []byte {
	t.Helper()
	s := only[Send](t, effects)
	if string(s.Inner) != inner || s.Ops != nil {
		t.Errorf("runs %q and %v, want the inner operations", s.Inner, s.Ops)
	}
	for _, f := range []ir.Field{ir.Datapath, ir.Inport, ir.Outport, ir.Flags} {
		if _, ok := s.Meta.Term(f); !ok {
			t.Errorf("field %s is not reloaded", f)
		}
	}
	for _, f := range []ir.Field{ir.InPort, ir.TunID, ir.PktMark} {
		if _, ok := s.Meta.Term(f); ok {
			t.Errorf("field %s is reloaded", f)
		}
	}
	return s.Packet
}

// switchTap is a Switch that remembers.
type switchTap struct {
	mu      sync.Mutex
	out     []PacketOut
	resumed []Verdict
}

func (s *switchTap) PacketOut(p PacketOut) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = append(s.out, p)
}

func (s *switchTap) Resume(_ PacketIn, v Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resumed = append(s.resumed, v)
}

// take empties the tap.
func (s *switchTap) take() (out []PacketOut, resumed []Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, resumed = s.out, s.resumed
	s.out, s.resumed = nil, nil
	return out, resumed
}
