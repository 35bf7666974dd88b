package tracetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Topology is a random logical network that one chassis has all of: switches with VMs
// and containers in them on one router, distributed or a gateway router, a second router
// behind it, a provider network, tagged or not, and what makes packets go through many
// tables: ACLs, NAT, load balancers, policies, DHCP.
type Topology struct {
	*rand.Rand
	// Northbound are lines for ovn-nbctl, Southbound lines for ovn-sbctl when these are
	// carried out; both in the form of Central.Configure.
	Northbound, Southbound strings.Builder
	// VIFs are the logical ports that need an interface.
	VIFs []string

	chassis  string
	gateway  bool // the router is a gateway router
	stations []station
	ips      []string // that packets are sent to
}

// station is somebody who sends.
type station struct {
	port, mac, ip4, ip6 string
	router              string // MAC address of the next hop
}

// NewTopology makes a network on a chassis; the same seed makes the same.
func NewTopology(seed uint64, chassis string) *Topology {
	t := &Topology{Rand: rand.New(rand.NewPCG(seed, 7)), chassis: chassis, gateway: seed%2 == 1}
	t.nb("lr-add lr")
	if t.gateway {
		t.nb("set logical_router lr options:chassis=%s", chassis)
		if t.chance(50) {
			t.nb("set logical_router lr options:lb_force_snat_ip=router_ip")
		}
	}
	t.nb("create address_set name=as1 addresses='10.0.1.10 10.0.2.0/25 10.0.3.11'")
	t.dhcp()
	for s := range 2 + t.IntN(2) {
		t.subnet(s + 1)
	}
	t.containers()
	t.secondRouter()
	t.nb("pg-add pg1 %s %s", t.stations[0].port, t.stations[len(t.stations)-1].port)
	for i := range 3 + t.IntN(4) {
		t.acl(1000 + i)
	}
	t.provider()
	t.balancers()
	for i := range t.IntN(3) {
		t.nb("lr-policy-add lr %d 'ip4.src == 10.0.1.0/24 && ip4.dst == 10.0.%d.0/24' %s", 100+i, i+1, pick(t, "drop", "allow", "reroute 10.0.2.10"))
	}
	t.ips = append(t.ips, "8.8.8.8", "10.0.1.200", "255.255.255.255")
	return t
}

// Script is all of it for Central.Configure, with the chassis and the ports bound to it,
// where there is no controller that does this.
func (t *Topology) Script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sb: chassis-add %s geneve 127.0.0.1\n", t.chassis)
	b.WriteString(t.Northbound.String())
	for _, p := range t.VIFs {
		fmt.Fprintf(&b, "sb: lsp-bind %s %s\n", p, t.chassis)
	}
	b.WriteString(t.Southbound.String())
	return b.String()
}

func (t *Topology) nb(format string, args ...any) { fmt.Fprintf(&t.Northbound, format+"\n", args...) }
func (t *Topology) chance(percent int) bool       { return t.IntN(100) < percent }

func pick[T any](t *Topology, list ...T) T { return list[t.IntN(len(list))] }

func (t *Topology) dhcp() {
	t.nb("--id=@d4 create DHCP_Options cidr=10.0.1.0/24 options:server_id=10.0.1.1 options:server_mac=00:00:00:00:ff:01 options:lease_time=3600 options:router=10.0.1.1")
	t.nb(`--id=@d6 create DHCP_Options cidr='"fd00:1::/64"' options:server_id='"00:00:00:00:ff:01"'`)
}

func (t *Topology) subnet(s int) {
	mac := fmt.Sprintf("00:00:00:00:ff:%02x", s)
	t.nb("ls-add s%d", s)
	t.nb("lrp-add lr lr-s%d %s 10.0.%d.1/24 fd00:%d::1/64", s, mac, s, s)
	t.attach(fmt.Sprint("s", s), fmt.Sprint("lr-s", s))
	t.ips = append(t.ips, fmt.Sprintf("10.0.%d.1", s))
	for h := range 2 + t.IntN(2) {
		x := station{
			port: fmt.Sprintf("s%d-h%d", s, h), mac: fmt.Sprintf("50:54:00:00:%02x:%02x", s, h),
			ip4: fmt.Sprintf("10.0.%d.%d", s, 10+h), ip6: fmt.Sprintf("fd00:%d::%d", s, 10+h), router: mac,
		}
		t.nb("lsp-add s%d %s", s, x.port)
		t.VIFs = append(t.VIFs, x.port)
		t.live(x, pick(t, "", "", " unknown"))
	}
	if t.chance(50) {
		t.nb("set logical_router_port lr-s%d ipv6_ra_configs:address_mode=dhcpv6_stateful", s)
	}
	if t.chance(50) {
		t.nb("set logical_switch s%d other_config:mcast_snoop=true other_config:mcast_querier=false", s)
	}
}

// attach connects a switch to a router's port.
func (t *Topology) attach(sw, routerPort string) {
	t.nb("lsp-add %s %s-%s", sw, sw, routerPort)
	t.nb("lsp-set-type %s-%s router", sw, routerPort)
	t.nb("lsp-set-addresses %s-%s router", sw, routerPort)
	t.nb("lsp-set-options %s-%s router-port=%s", sw, routerPort, routerPort)
}

// live gives the port of x, which there is, its addresses.
func (t *Topology) live(x station, unknown string) {
	t.nb("lsp-set-addresses %s '%s %s %s'%s", x.port, x.mac, x.ip4, x.ip6, unknown)
	if t.chance(60) {
		t.nb("lsp-set-port-security %s '%s %s%s'", x.port, x.mac, x.ip4, pick(t, "", " "+x.ip6))
	}
	if t.chance(50) {
		t.nb("set logical_switch_port %s dhcpv4_options=@d4 dhcpv6_options=@d6", x.port)
	}
	t.stations = append(t.stations, x)
	t.ips = append(t.ips, x.ip4)
}

// containers puts two into the first VM, on its own switch and on the other.
func (t *Topology) containers() {
	for s := 1; s <= 2; s++ {
		port := fmt.Sprintf("s%d-c", s)
		t.nb("lsp-add s%d %s %s %d", s, port, t.stations[0].port, 40+s)
		t.live(station{
			port: port, mac: fmt.Sprintf("50:54:00:01:%02x:00", s), ip4: fmt.Sprintf("10.0.%d.40", s), ip6: fmt.Sprintf("fd00:%d::40", s),
			router: fmt.Sprintf("00:00:00:00:ff:%02x", s),
		}, "")
	}
}

// secondRouter is one more hop, over a switch between the routers.
func (t *Topology) secondRouter() {
	t.nb("ls-add join")
	t.nb("lr-add lr2")
	t.nb("lrp-add lr lr-join 00:00:00:00:fe:01 100.64.0.1/24 fd64::1/64")
	t.nb("lrp-add lr2 lr2-join 00:00:00:00:fe:02 100.64.0.2/24 fd64::2/64")
	t.attach("join", "lr-join")
	t.attach("join", "lr2-join")
	t.nb("ls-add far")
	t.nb("lrp-add lr2 lr2-far 00:00:00:00:fe:03 10.0.9.1/24 fd00:9::1/64")
	t.attach("far", "lr2-far")
	t.nb("lr-route-add lr 10.0.9.0/24 100.64.0.2")
	t.nb("lr-route-add lr fd00:9::/64 fd64::2")
	t.nb("lr-route-add lr2 0.0.0.0/0 100.64.0.1")
	t.nb("lr-route-add lr2 ::/0 fd64::1")
	t.nb("lsp-add far far-h")
	t.VIFs = append(t.VIFs, "far-h")
	t.live(station{port: "far-h", mac: "50:54:00:00:09:0a", ip4: "10.0.9.10", ip6: "fd00:9::10", router: "00:00:00:00:fe:03"}, "")
}

func (t *Topology) acl(priority int) {
	match := pick(t, "ip4", "ip4.src == $as1", "tcp.dst == {22, 80}", "udp", "ip4.dst == 10.0.2.0/24 && icmp4", "ip6", "tcp && tcp.dst >= 1024")
	verdict := pick(t, "allow", "allow-related", "drop", "reject", "allow-stateless")
	switch t.IntN(3) {
	case 0:
		t.nb("%sacl-add pg1 to-lport %d 'outport == @pg1 && %s' %s", pick(t, "", "--log --name=acl --severity=warning "), priority, match, verdict)
	case 1:
		t.nb("acl-add s1 from-lport %d '%s' %s", priority, match, verdict)
	default:
		t.nb("acl-add s2 to-lport %d '%s' %s", priority, match, verdict)
	}
}

// provider connects the router to a provider network.
func (t *Topology) provider() {
	t.nb("ls-add public")
	t.nb("lrp-add lr lr-public 00:00:20:20:12:13 172.16.0.1/24 fd99::1/64")
	t.attach("public", "lr-public")
	t.nb("lsp-add public ln-public%s", pick(t, "", " '' 7"))
	t.nb("lsp-set-type ln-public localnet")
	t.nb("lsp-set-addresses ln-public unknown")
	t.nb("lsp-set-options ln-public network_name=phys")
	if !t.gateway {
		t.nb("lrp-set-gateway-chassis lr-public %s 20", t.chassis)
	}
	t.nb("lr-route-add lr 0.0.0.0/0 172.16.0.254")
	if t.chance(50) {
		t.nb("--ecmp lr-route-add lr 192.168.0.0/16 172.16.0.253")
		t.nb("--ecmp lr-route-add lr 192.168.0.0/16 172.16.0.252")
		t.ips = append(t.ips, "192.168.1.1")
	}
	t.nb("lr-nat-add lr snat 172.16.0.1 10.0.1.0/24")
	t.nb("lr-nat-add lr dnat_and_snat 172.16.0.11 %s", t.stations[0].ip4)
	if h := t.stations[1]; !t.gateway && t.chance(70) {
		t.nb("lr-nat-add lr dnat_and_snat 172.16.0.12 %s %s 30:54:00:00:00:02", h.ip4, h.port)
	}
	fmt.Fprintln(&t.Southbound, `sb: create mac_binding logical_port=lr-public ip=172.16.0.254 mac='"0a:00:00:00:00:fe"' datapath=$lr`)
	t.stations = append(t.stations, station{"ln-public", "0a:00:00:00:00:fe", "172.16.0.254", "fd99::9", "00:00:20:20:12:13"})
	t.ips = append(t.ips, "172.16.0.1", "172.16.0.11", "172.16.0.12", "172.16.0.254")
}

func (t *Topology) balancers() {
	for i := range 1 + t.IntN(2) {
		vip := fmt.Sprintf("10.9.9.%d", i+1)
		port := pick(t, "80", "22")
		t.nb("lb-add lb%d %s:%s %s:8080,%s:8080 %s", i, vip, port, t.stations[0].ip4, t.stations[1].ip4, pick(t, "tcp", "udp"))
		t.nb("ls-lb-add s1 lb%d", i)
		t.nb("lr-lb-add lr lb%d", i)
		if t.chance(40) {
			t.nb("set load_balancer lb%d options:hairpin_snat_ip=10.9.9.99", i)
		}
		t.ips = append(t.ips, vip)
	}
}
