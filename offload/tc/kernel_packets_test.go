package tc

import (
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/offload"
)

// gateway is rules of every kind that filters have a form for: rewriting, VLANs, copies, ARP, IPv6, connections and NAT.
func gateway(t *testing.T) []ir.Rule {
	rules := rulesOf(t, `
		phy_to_log 10 match(in_port=1, eth.type=0x806, arp.op=1) { to_port 3; to_port 4; }
		phy_to_log 20 match(in_port=1, eth.type=0x800, ip4.dst=0x0a000200/0xffffff00) { dec_ttl; eth.src = 0x020000000011; eth.dst = 0x020000000022; to_port 3; }
		phy_to_log 30 match(in_port=1, eth.type=0x800, ip4.dst=0x0a000207, ip.proto=17, udp.dst=53) { drop; }
		phy_to_log 20 match(in_port=1, eth.type=0x800, ip4.dst=0x0a000301) { ip4.src = 0x0a000901; ip.dscp = 10; to_port 4; }
		phy_to_log 20 match(in_port=1, eth.type=0x800, ip4.dst=0x0a000302, ip.proto=17) { ip4.dst = 0x0a000903; udp.dst = 5353; to_port 4; }
		phy_to_log 20 match(in_port=1, eth.type=0x800, ip4.dst=0x0a000302, ip.proto=6) { ip4.dst = 0x0a000903; tcp.dst = 8080; to_port 4; }
		phy_to_log 20 match(in_port=1, eth.type=0x86dd, ip6.dst=3) { dec_ttl; ip6.src = 9; ip.dscp = 10; to_port 3; }
		phy_to_log 20 match(in_port=1, eth.type=0x800, ip4.dst=0x0a000401) { push_vlan 0x8100; vlan.tci = 0x1007; to_port 3; }
		phy_to_log 20 match(in_port=3, vlan.tci=0x1007/0x1fff) { pop_vlan; eth.src = 0x020000000033; to_port 1; }
		phy_to_log 10 match(in_port=3, vlan.tci=0/0x1000) { to_port 4; eth.dst = 0x020000000044; to_port 1; }
	`)
	return rules
}

var packets = []string{
	"in_port=1, eth.src=0x020000000001, eth.dst=0xffffffffffff, eth.type=0x806, arp.op=1, arp.spa=0x0a000001, arp.tpa=0x0a000002",
	"in_port=1, eth.src=0x020000000001, eth.dst=0x020000000002, eth.type=0x800, ip4.src=0x0a000001, ip4.dst=0x0a000207, ip.ttl=64, ip.proto=17, udp.src=1000, udp.dst=2000",
	"in_port=1, eth.src=0x020000000001, eth.dst=0x020000000002, eth.type=0x800, ip4.src=0x0a000001, ip4.dst=0x0a000207, ip.ttl=64, ip.proto=17, udp.src=1000, udp.dst=53",
	"in_port=1, eth.src=0x020000000001, eth.dst=0x020000000002, eth.type=0x800, ip4.src=0x0a000001, ip4.dst=0x0a000301, ip.ttl=64, ip.proto=6, tcp.src=1000, tcp.dst=53, tcp.flags=2",
	"in_port=1, eth.src=0x020000000001, eth.dst=0x020000000002, eth.type=0x800, ip4.src=0x0a000001, ip4.dst=0x0a000302, ip.ttl=64, ip.proto=17, udp.src=1000, udp.dst=53",
	"in_port=1, eth.src=0x020000000001, eth.dst=0x020000000002, eth.type=0x800, ip4.src=0x0a000001, ip4.dst=0x0a000302, ip.ttl=64, ip.proto=6, tcp.src=1000, tcp.dst=80, tcp.flags=2",
	"in_port=1, eth.src=0x020000000001, eth.dst=0x020000000002, eth.type=0x86dd, ip6.src=1, ip6.dst=3, ip.ttl=64, ip.proto=17, udp.src=1000, udp.dst=53",
	"in_port=1, eth.src=0x020000000001, eth.dst=0x020000000002, eth.type=0x800, ip4.src=0x0a000001, ip4.dst=0x0a000401, ip.ttl=64, ip.proto=1, icmp4.type=8",
	"in_port=3, eth.src=0x020000000001, eth.dst=0x020000000002, vlan.tci=0x1007, eth.type=0x800, ip4.src=0x0a000001, ip4.dst=0x0a000401, ip.ttl=64, ip.proto=1, icmp4.type=8",
	"in_port=3, eth.src=0x020000000001, eth.dst=0x020000000002, eth.type=0x800, ip4.src=0x0a000001, ip4.dst=0x0a000401, ip.ttl=64, ip.proto=1, icmp4.type=8",
}

// TestKernelPackets sends packets of many kinds through one chassis, and compares frames with those of the pipeline.
func TestKernelPackets(t *testing.T) {
	a, _ := twoChassis(t)
	rules := gateway(t)
	if r := a.program(rules); len(r.Failures) > 0 {
		t.Errorf("failures: %+v", r.Failures)
	}
	pl, tracker := ir.NewPipeline(rules...), ir.NewConntrack()
	bytes := uint64(0)
	for _, text := range packets {
		p := packetOf(t, text)
		p.Len = 100
		bytes += uint64(len(p.Frame()))
		a.expect(pl, tracker, p)
	}
	n, got := a.counters()
	if n != uint64(len(packets)) {
		t.Errorf("%d packets are counted, %d were sent\n%s", n, len(packets), a.list("p1"))
	}
	if got != bytes {
		t.Errorf("%d bytes are counted, %d were sent", got, bytes)
	}
	if t.Failed() {
		t.Log(a.list("p1") + a.list("p3"))
	}
}

// TestKernelCaps has the kernel take everything that filters are made of.
func TestKernelCaps(t *testing.T) {
	a, _ := twoChassis(t)
	caps, err := a.target.Caps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range caps.Abilities() {
		if want := forms(); !x.Can {
			for n, y := range want.Abilities() {
				if n == name && y.Can {
					t.Errorf("%s: %+v", name, x)
				}
			}
		}
	}
	for typ, x := range caps.Tunnels {
		if !x.Can {
			t.Errorf("%s: %+v", typ, x)
		}
	}
	t.Logf("the outer don't-fragment bit can be set: %v", a.target.probed.noFrag)
}

// TestKernelTunnel sends packets from one chassis to the other and back, by tc alone.
func TestKernelTunnel(t *testing.T) {
	a, b := twoChassis(t)
	out := rulesOf(t, `
		phy_to_log 10 match(in_port=1, eth.type=0x800) { dec_ttl; tun.id = 7; tun.opt = 0x20003; to_port 2; }
		phy_to_log 10 match(in_port=2, tun.id=7, tun.opt=0x20003/0x7fffffff) { eth.dst = 0x020000000044; to_port 3; }
		phy_to_log 5 match(in_port=2, tun.id=7) { to_port 4; }
	`)
	for _, c := range []*chassis{a, b} {
		if r := c.program(out); len(r.Failures) > 0 {
			t.Fatalf("failures: %+v", r.Failures)
		}
	}
	for _, pair := range [][2]*chassis{{a, b}, {b, a}} {
		p := packetOf(t, packets[1])
		pair[0].send(1, p.Frame())
		p.Set(ir.Bits(ir.IPTTL, 0, 8), ir.V(63))
		p.Set(ir.All(ir.EthDst), ir.V(0x020000000044))
		if got := string(pair[1].receive(3, guest.Patience)); got != string(p.Frame()) {
			t.Errorf("got %x\nwant %x\n%s\n%s", got, p.Frame(), pair[0].list("p1"), pair[1].list("tun"))
		}
	}
	if n, _ := b.counters(); n != 2 {
		t.Errorf("%d packets are counted, want one in and one out", n)
	}
}

// TestKernelConnections has stateful rules: only what belongs to a connection from port 1 comes back, with NAT.
func TestKernelConnections(t *testing.T) {
	a, _ := twoChassis(t)
	rules := rulesOf(t, `
		phy_to_log 10 match(in_port=1, eth.type=0x800) { ct zone=5 next=ingress.1 nat(); }
		phy_to_log 10 match(in_port=3, eth.type=0x800) { ct zone=5 next=ingress.2 nat(); }
		ingress.1 10 match(eth.type=0x800, ct_state=33/33) { ct zone=5 commit next=ingress.3 nat(src=10.0.9.9); }
		ingress.1 10 match(eth.type=0x800, ct_state=34/34) { call ingress.3; }
		ingress.3 10 match(any) { to_port 3; }
		ingress.2 10 match(eth.type=0x800, ct_state=42/42) { to_port 1; }
	`)
	if r := a.program(rules); len(r.Failures) > 0 {
		t.Errorf("failures: %+v", r.Failures)
	}
	pl, tracker := ir.NewPipeline(rules...), ir.NewConntrack()
	request := strings.Replace(packets[1], "udp.dst=2000", "udp.dst=7", 1)
	reply := "in_port=3, eth.src=0x020000000002, eth.dst=0x020000000001, eth.type=0x800, ip4.src=0x0a000207, ip4.dst=0x0a000909, ip.ttl=64, ip.proto=17, udp.src=7, udp.dst=1000"
	for _, text := range []string{reply, request, reply, request, strings.Replace(reply, "udp.src=7", "udp.src=8", 1)} {
		p := packetOf(t, text)
		p.Len = 100
		a.expect(pl, tracker, p)
	}
	if t.Failed() {
		t.Log(a.list("p1") + a.list("p3"))
	}
}

// TestKernelVXLAN sends packets between the chassis through VXLAN devices.
func TestKernelVXLAN(t *testing.T) {
	a, b := twoChassis(t)
	rules := rulesOf(t, `
		phy_to_log 10 match(in_port=1, eth.type=0x800) { tun.id = 0x2003; to_port 2; }
		phy_to_log 10 match(in_port=2, tun.id=0x2003) { to_port 3; }
	`)
	for _, c := range []*chassis{a, b} {
		into(t, c.fd)
		batch(t, "ip", "link add vx type vxlan external dstport 4789\nlink set vx up\n")
		for i := range c.ports {
			if p := &c.ports[i]; p.Tunnel != nil {
				u := *p.Tunnel
				u.Type, u.DstPort = vxlan, 4789
				p.Device, p.Tunnel = "vx", &u
			}
		}
		if r := c.program(rules); len(r.Failures) > 0 {
			t.Fatalf("failures: %+v", r.Failures)
		}
	}
	p := packetOf(t, packets[1])
	a.send(1, p.Frame())
	if got := string(b.receive(3, guest.Patience)); got != string(p.Frame()) {
		t.Errorf("got %x\nwant %x\n%s\n%s", got, p.Frame(), a.list("p1"), b.list("vx"))
	}
}

// TestKernelDeviceGoes removes a device and makes it again.
func TestKernelDeviceGoes(t *testing.T) {
	a, _ := twoChassis(t)
	rules := gateway(t)
	a.program(rules)
	into(t, a.fd)
	batch(t, "ip", "link del p3\n")
	report, err := a.target.Apply(t.Context(), offload.Delta{Ports: []offload.Port{a.ports[1]}})
	if err != nil || len(report.Failures) == 0 {
		t.Errorf("without the device: %+v, %v", report, err)
	}
	for _, f := range report.Failures {
		t.Log(f.Detail)
	}
	batch(t, "ip", "link add p3 type veth peer name e3\nlink set p3 up\nlink set e3 up\n")
	end, err := a.target.cfg.Links.ByName("e3")
	if err != nil {
		t.Fatal(err)
	}
	a.ends[3] = socketOn(t, end.Ifindex)
	if r := a.apply(offload.Delta{Ports: []offload.Port{a.ports[1]}}); len(r.Failures) > 0 {
		t.Errorf("failures: %+v", r.Failures)
	}
	pl, tracker := ir.NewPipeline(rules...), ir.NewConntrack()
	for _, text := range packets {
		a.expect(pl, tracker, packetOf(t, text))
	}
}
