package punt

import (
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

func TestARPAsksAndHolds(t *testing.T) {
	effects := Respond(punted(ir.OpARP, udpPacket(t, 0)))
	if h := only[Hold](t, effects); h.NextHop != hop4 {
		t.Errorf("held for %s, want %s", h.NextHop, hop4)
	}
	d := decode(t, sentBack(t, effects))
	e := d.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
	a := d.Layer(layers.LayerTypeARP).(*layers.ARP)
	if wire.MAC(e.SrcMAC) != vmMAC || wire.MAC(e.DstMAC) != rtMAC || a.Operation != 1 || wire.MAC(a.SourceHwAddress) != vmMAC ||
		netip.AddrFrom4([4]byte(a.SourceProtAddress)) != vm4 || netip.AddrFrom4([4]byte(a.DstProtAddress)) != peer4 ||
		wire.MAC(a.DstHwAddress) != (wire.MAC{}) {
		t.Errorf("asks with %v", d)
	}
}

func TestARPKeepsVLAN(t *testing.T) {
	p := craft(t, eth(vmMAC, rtMAC, layers.EthernetTypeDot1Q), &layers.Dot1Q{Priority: 1, VLANIdentifier: 42, Type: layers.EthernetTypeIPv4},
		ip(vm4, peer4, layers.IPProtocolUDP), &layers.UDP{})
	d := decode(t, sentBack(t, Respond(punted(ir.OpARP, p))))
	if q, _ := d.Layer(layers.LayerTypeDot1Q).(*layers.Dot1Q); q == nil || q.VLANIdentifier != 42 || q.Priority != 1 {
		t.Errorf("tag is %v", q)
	}
}

func TestARPForIPv6PacketLeavesAddressesToInner(t *testing.T) {
	effects := Respond(punted(ir.OpARP, packet(t, vm6, peer6, layers.IPProtocolUDP, &layers.UDP{})))
	if h := only[Hold](t, effects); h.NextHop != hop4 {
		t.Errorf("held for %s", h.NextHop)
	}
	a, err := wire.ParseARP(sentBack(t, effects)[14:])
	if err != nil || a.SPA() != zero4 || a.TPA() != zero4 {
		t.Errorf("asks %s for %s, %v", a.SPA(), a.TPA(), err)
	}
}

func TestNDNSAsksAndHolds(t *testing.T) {
	for _, p := range [][]byte{packet(t, vm6, peer6, layers.IPProtocolUDP, &layers.UDP{}), udpPacket(t, 0)} {
		effects := Respond(punted(ir.OpNDNS, p))
		if h := only[Hold](t, effects); h.NextHop != hop6 {
			t.Errorf("held for %s, want %s", h.NextHop, hop6)
		}
		d := decode(t, sentBack(t, effects))
		ip6 := d.Layer(layers.LayerTypeIPv6).(*layers.IPv6)
		ns := d.Layer(layers.LayerTypeICMPv6NeighborSolicitation).(*layers.ICMPv6NeighborSolicitation)
		e := d.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
		if e.DstMAC.String() != "33:33:ff:00:00:01" || ip6.SrcIP.String() != "fe80::800:ff:fe00:1" || ip6.DstIP.String() != "ff02::1:ff00:1" ||
			ip6.HopLimit != 255 || ns.TargetAddress.String() != hop6.String() || len(ns.Options) != 1 || wire.MAC(ns.Options[0].Data) != vmMAC {
			t.Errorf("asks with %v", d)
		}
	}
}

func TestNDNSWithoutNextHopAsksForDestination(t *testing.T) {
	in := punted(ir.OpNDNS, packet(t, vm6, peer6, layers.IPProtocolUDP, &layers.UDP{}))
	in.Meta = ir.MustMatch(ir.Exact(ir.Datapath, 5))
	if h := only[Hold](t, Respond(in)); h.NextHop != peer6 {
		t.Errorf("held for %s, want %s", h.NextHop, peer6)
	}
}

func solicitation(t *testing.T, src netip.Addr) []byte {
	return packet(t, src, hop6, layers.IPProtocolICMPv6, &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(135, 0)},
		&layers.ICMPv6NeighborSolicitation{TargetAddress: hop6.AsSlice(), Options: layers.ICMPv6Options{{Type: 1, Data: vmMAC[:]}}})
}

func TestNDNA(t *testing.T) {
	for _, tt := range []struct {
		op      ir.Opcode
		from    netip.Addr
		flags   uint8
		dst     string
		dstMAC  string
		comment string
	}{
		{ir.OpNDNA, vm6, 0x60, "fd00::4", vmMAC.String(), "host"},
		{ir.OpNDNARouter, vm6, 0xe0, "fd00::4", vmMAC.String(), "router"},
		{ir.OpNDNA, netip.IPv6Unspecified(), 0x20, "ff02::1", "33:33:00:00:00:01", "duplicate address detection"},
	} {
		d := decode(t, sentBack(t, Respond(punted(tt.op, solicitation(t, tt.from)))))
		na := d.Layer(layers.LayerTypeICMPv6NeighborAdvertisement).(*layers.ICMPv6NeighborAdvertisement)
		ip6 := d.Layer(layers.LayerTypeIPv6).(*layers.IPv6)
		e := d.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
		if na.Flags != tt.flags || na.TargetAddress.String() != hop6.String() || len(na.Options) != 1 || na.Options[0].Type != 2 ||
			wire.MAC(na.Options[0].Data) != rtMAC || ip6.SrcIP.String() != hop6.String() || ip6.DstIP.String() != tt.dst ||
			e.DstMAC.String() != tt.dstMAC || wire.MAC(e.SrcMAC) != rtMAC {
			t.Errorf("%s: answers %v", tt.comment, d)
		}
	}
}

func TestUnexpectedPacketsAreDropped(t *testing.T) {
	arp := wire.AppendARP(wire.AppendEthernet(nil, rtMAC, vmMAC, wire.TypeARP), 1, vmMAC, vm4, wire.MAC{}, hop4)
	udp := udpPacket(t, 0)
	for _, tt := range []struct {
		op     ir.Opcode
		packet []byte
		want   Reason
	}{
		{ir.OpARP, arp, ReasonUnexpected}, {ir.OpNDNS, arp, ReasonUnexpected}, {ir.OpNDNA, udp, ReasonUnexpected},
		{ir.OpICMP, arp, ReasonUnexpected}, {ir.OpICMP, udp[:20], ReasonMalformed},
		{ir.OpTCPReset, udp, ReasonUnexpected}, {ir.OpSCTPAbort, udp, ReasonUnexpected},
		{ir.OpPutARP, udp[:3], ReasonMalformed}, {ir.OpPutFDB, udp[:3], ReasonMalformed},
		{ir.OpBindVport, udp, ReasonArguments}, {ir.OpEvent, udp, ReasonArguments}, {ir.OpLog, udp, ReasonArguments},
		{ir.OpIGMP, udp, ReasonUnsupported}, {ir.Opcode(999), udp, ReasonUnsupported},
	} {
		effects := Respond(punted(tt.op, tt.packet))
		if d := only[Drop](t, effects); d.Reason != tt.want || d.Detail == "" || len(effects) != 1 {
			t.Errorf("%s: %+v, want reason %q with a detail", tt.op, effects, tt.want)
		}
	}
}

// A paused packet must not be lost because the slow path cannot do anything for it,
// but one that would go on without a MAC address is better dropped.
func TestPausedGoesOn(t *testing.T) {
	p := udpPacket(t, 1)
	for op := ir.OpARP; op <= ir.OpPutICMP4InnerSrc+3; op++ {
		effects := Respond(paused(op, p))
		if op == ir.OpARP || op == ir.OpNDNS {
			only[Hold](t, effects)
			none[Resume](t, effects)
			continue
		}
		if v := only[Resume](t, effects); v.Result || string(v.Packet) != string(p) {
			t.Errorf("%s: resumed with %+v", op, v)
		}
	}
}

func TestUnsupportedNamesReason(t *testing.T) {
	for op, want := range map[ir.Opcode]bool{ir.OpDNSLookup: true, ir.OpIGMP: true, ir.OpHandleSvcCheck: true, ir.OpBFDMsg: true,
		ir.OpDHCP6Server: true, ir.OpDHCPRelayReqChk: true, ir.OpDHCPRelayRespChk: true, ir.Opcode(77): true,
		ir.OpARP: false, ir.OpReject: false, ir.OpPutDHCPOpts: false, ir.OpActivationStrategy: false} {
		if reason, got := Unsupported(op); got != want || (reason != "") != want {
			t.Errorf("%s: %q, %v", op, reason, got)
		}
	}
}
