package punt

import (
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

// FuzzHandlePacketIn: whatever opcode, arguments and packet, a handler answers without
// panic; a paused packet goes on or is held; what is made of it can be parsed.
func FuzzHandlePacketIn(f *testing.F) {
	udp := packet(f, vm4, peer4, layers.IPProtocolUDP, &layers.UDP{}, gopacket.Payload("x"))
	tcp6 := packet(f, vm6, peer6, layers.IPProtocolTCP, &layers.TCP{SYN: true})
	ns := wire.AppendNeigh(wire.AppendEthernet(nil, rtMAC, vmMAC, wire.TypeIPv6), vm6, hop6, wire.ICMP6NeighSolicit, 0, hop6, 1, vmMAC)
	sctp := packet(f, vm4, peer4, layers.IPProtocolSCTP, &layers.SCTP{}, gopacket.Payload("\x00\x00\x00\x04"))
	rs := packet(f, vm6, peer6, layers.IPProtocolICMPv6, &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(133, 0)}, gopacket.Payload{0, 0, 0, 0})
	quoting := packet(f, peer4, vm4, layers.IPProtocolICMPv4, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 3)}, gopacket.Payload(udp[14:]))
	for _, seed := range []struct {
		op     ir.Opcode
		args   []byte
		packet []byte
	}{
		{ir.OpARP, nil, udp}, {ir.OpNDNS, nil, tcp6}, {ir.OpNDNA, nil, ns}, {ir.OpICMP, nil, udp}, {ir.OpReject, nil, tcp6}, {ir.OpReject, nil, sctp},
		{ir.OpICMP4Error, action.ICMPArgs{MTU: 1400, InnerSrc: vm4}.Encode(), udp}, {ir.OpICMP6Error, nil, tcp6}, {ir.OpTCPReset, nil, tcp6},
		{ir.OpPutICMP4InnerSrc, action.InnerSrcArgs{Src: vm4}.Encode(), quoting}, {ir.OpPutARP, nil, udp}, {ir.OpPutFDB, nil, udp},
		{ir.OpPutDHCPOpts, offer4.Encode(), client(f)}, {ir.OpPutDHCPv6Opts, offer6.Encode(), client6(f, 1, duid, iaid)},
		{ir.OpPutNDRAOpts, wire.AppendRouterAdvert(nil, 1, 0, 1), rs}, {ir.OpLog, action.LogArgs{Name: "a"}.Encode(), ns},
		{ir.OpBindVport, []byte{0, 0, 0, 1}, udp}, {ir.OpEvent, action.EventArgs{VIP: "a", Protocol: "b", LoadBalancer: "c"}.Encode(), udp},
	} {
		f.Add(uint32(seed.op), true, seed.args, seed.packet)
	}
	f.Fuzz(func(t *testing.T, op uint32, pause bool, args, pkt []byte) {
		in := punted(ir.Opcode(op%40), pkt, args...)
		in.Paused = pause
		before := string(pkt)
		goesOn := false
		for _, e := range Respond(in) {
			switch e := e.(type) {
			case Send:
				if _, err := wire.ParseFrame(e.Packet); err != nil {
					t.Errorf("sends a broken packet: %v\n% x", err, e.Packet)
				}
			case Resume:
				goesOn = true
				if e.Packet == nil && len(pkt) > 0 {
					t.Error("resumes without a packet")
				}
			case Drop:
				if e.Reason == "" || e.Detail == "" {
					t.Errorf("dropped without a reason: %+v", e)
				}
			}
		}
		if pause && !goesOn && in.Opcode != ir.OpARP && in.Opcode != ir.OpNDNS {
			t.Errorf("paused %s does not go on", in.Opcode)
		}
		if string(pkt) != before {
			t.Error("the packet was written to")
		}
	})
}

func FuzzParseRAConfig(f *testing.F) {
	f.Add("slaac", "0a:00:00:00:00:01", "fe80::1", "fd00::/64", "HIGH-fd00::/64", "a.b,c", "10")
	f.Fuzz(func(t *testing.T, mode, mac, src, prefixes, routes, dnssl, interval string) {
		r, err := ParseRAConfig(map[string]string{"ipv6_ra_address_mode": mode, "ipv6_ra_src_eth": mac, "ipv6_ra_src_addr": src,
			"ipv6_ra_prefixes": prefixes, "ipv6_ra_route_info": routes, "ipv6_ra_dnssl": dnssl, "ipv6_ra_max_interval": interval})
		if err != nil {
			return
		}
		if _, err := wire.ParseFrame(r.packet()); err != nil {
			t.Error(err)
		}
		if i := r.interval(); i < r.Min || i > r.Max {
			t.Errorf("interval %s is not in %s to %s", i, r.Min, r.Max)
		}
	})
}
