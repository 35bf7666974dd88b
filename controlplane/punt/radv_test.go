package punt

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

func TestRouterSolicitIsAnswered(t *testing.T) {
	args := wire.AppendNDMTU(wire.AppendLinkAddr(wire.AppendRouterAdvert(nil, 255, wire.RAManaged, 0xffff), 1, rtMAC), 1400)
	rs := func(src netip.Addr) []byte {
		return packet(t, src, netip.IPv6LinkLocalAllRouters(), layers.IPProtocolICMPv6,
			&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(133, 0)}, &layers.ICMPv6RouterSolicitation{})
	}
	for src, want := range map[netip.Addr]string{vmMAC.LinkLocal(): "fe80::800:ff:fe00:1", netip.IPv6Unspecified(): "ff02::1"} {
		v := only[Resume](t, Respond(paused(ir.OpPutNDRAOpts, rs(src), args...)))
		d := decode(t, v.Packet)
		ra, _ := d.Layer(layers.LayerTypeICMPv6RouterAdvertisement).(*layers.ICMPv6RouterAdvertisement)
		if !v.Result || ra == nil || ra.RouterLifetime != 0xffff || len(ra.Options) != 2 || d.NetworkLayer().NetworkFlow().Src().String() != want {
			t.Errorf("from %s: answers %v", src, d)
		}
	}
	for name, in := range map[string]PacketIn{
		"echo":        paused(ir.OpPutNDRAOpts, packet(t, vm6, peer6, layers.IPProtocolICMPv6, &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(128, 0)}, gopacket.Payload("1234")), args...),
		"udp":         paused(ir.OpPutNDRAOpts, udpPacket(t, 0), args...),
		"no argument": paused(ir.OpPutNDRAOpts, rs(vm6)),
	} {
		if v := only[Resume](t, Respond(in)); v.Result {
			t.Errorf("%s: answered", name)
		}
	}
}

var raOptions = map[string]string{
	"ipv6_ra_send_periodic": "true", "ipv6_ra_address_mode": "dhcpv6_stateless", "ipv6_ra_prf": "HIGH",
	"ipv6_ra_max_interval": "40", "ipv6_ra_min_interval": "10", "ipv6_ra_mtu": "1280",
	"ipv6_ra_src_eth": rtMAC.String(), "ipv6_ra_src_addr": "fe80::1", "ipv6_ra_prefixes": "fd00::1/64 fd01::1/64",
	"ipv6_ra_rdnss": "fd00::53", "ipv6_ra_dnssl": "a.example, b.example", "ipv6_ra_route_info": "HIGH-fd02::/48,LOW-fd03::/96",
}

func TestParseRAConfig(t *testing.T) {
	r, err := ParseRAConfig(raOptions)
	if err != nil || r.Min != 10*time.Second || r.Max != 40*time.Second || r.MAC != rtMAC || r.Source.String() != "fe80::1" {
		t.Fatalf("%+v, %v", r, err)
	}
	r.Port, r.Gateway = lsPort, true
	out := r.packetOut()
	d := decode(t, out.Packet)
	ra := d.Layer(layers.LayerTypeICMPv6RouterAdvertisement).(*layers.ICMPv6RouterAdvertisement)
	ip6 := d.Layer(layers.LayerTypeIPv6).(*layers.IPv6)
	if ra.Flags != 0x48 || ra.HopLimit != 255 || ra.RouterLifetime != 0xffff || ip6.DstIP.String() != "ff02::1" || ip6.HopLimit != 255 {
		t.Errorf("advertises %v", d)
	}
	var types []layers.ICMPv6Opt
	for _, o := range ra.Options {
		types = append(types, o.Type)
		if o.Type == wire.NDPrefix && o.Data[1] != wire.PrefixOnLink|wire.PrefixAutonomous {
			t.Errorf("prefix flags %02x", o.Data[1])
		}
	}
	if want := []layers.ICMPv6Opt{1, 5, 3, 3, 25, 31, 24, 24}; len(types) != len(want) {
		t.Errorf("options %v, want %v", types, want)
	}
	want := ir.MustMatch(ir.Exact(ir.Datapath, 5), ir.Exact(ir.Inport, 3), ir.Exact(ir.Flags, 1<<ir.FlagLocalOnly|1<<ir.FlagOverrideLocalOnly))
	if out.Meta != want || len(out.Ops) != 1 || out.Ops[0] != (ir.Call{Stage: ir.Ingress(0)}) {
		t.Errorf("enters with %s at %v", out.Meta, out.Ops)
	}
}

func TestParseRAConfigDefaultsAndErrors(t *testing.T) {
	base := map[string]string{"ipv6_ra_address_mode": "slaac", "ipv6_ra_src_eth": rtMAC.String(), "ipv6_ra_src_addr": "fe80::1"}
	r, err := ParseRAConfig(base)
	if err != nil || r.Max != 600*time.Second || r.Min != 200*time.Second {
		t.Errorf("%+v, %v", r, err)
	}
	for option, bad := range map[string]string{
		"ipv6_ra_address_mode": "manual", "ipv6_ra_src_eth": "x", "ipv6_ra_src_addr": "10.0.0.1", "ipv6_ra_prefixes": "10.0.0.0/8",
		"ipv6_ra_rdnss": "none", "ipv6_ra_dnssl": "a..b", "ipv6_ra_route_info": "fd00::", "ipv6_ra_mtu": "big", "ipv6_ra_max_interval": "x",
	} {
		o := map[string]string{option: bad}
		for k, v := range base {
			if k != option {
				o[k] = v
			}
		}
		if _, err := ParseRAConfig(o); err == nil || !strings.Contains(err.Error(), option) {
			t.Errorf("%s=%s: error %v does not name the option", option, bad, err)
		}
	}
	base["ipv6_ra_prefixes"] = strings.Repeat("fd00::/64 ", 50)
	if _, err := ParseRAConfig(base); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("50 prefixes: %v", err)
	}
	delete(base, "ipv6_ra_prefixes")
	base["ipv6_ra_min_interval"] = "700"
	if _, err := ParseRAConfig(base); err == nil {
		t.Error("min above max is accepted")
	}
}
