package trace

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// random makes logical networks and questions about them. The same seed makes the same.
type random struct {
	*rand.Rand
	script strings.Builder
	hosts  []randomHost
	ips    []string // that packets are sent to
}

type randomHost struct {
	port, mac, ip4, ip6, router string
}

func (r *random) line(format string, args ...any) { fmt.Fprintf(&r.script, format+"\n", args...) }
func (r *random) chance(percent int) bool         { return r.IntN(100) < percent }

func pick[T any](r *random, list ...T) T { return list[r.IntN(len(list))] }

// network makes switches on one distributed router, or behind a gateway router when
// gateway is set.
func (r *random) network(gateway bool) {
	r.line("sb: chassis-add gw1 geneve 127.0.0.1")
	r.line("lr-add lr")
	if gateway {
		r.line("set logical_router lr options:chassis=gw1")
		if r.chance(50) {
			r.line("set logical_router lr options:lb_force_snat_ip=router_ip")
		}
	}
	r.line("create address_set name=as1 addresses='10.0.1.10 10.0.2.0/25 10.0.3.11'")
	for s := range 2 + r.IntN(2) {
		r.subnet(s + 1)
	}
	r.line("pg-add pg1 %s %s", r.hosts[0].port, r.hosts[len(r.hosts)-1].port)
	for i := range 3 + r.IntN(4) {
		r.acl(1000 + i)
	}
	r.outside(gateway)
	r.balancers()
	for i := range r.IntN(3) {
		r.line("lr-policy-add lr %d 'ip4.src == 10.0.1.0/24 && ip4.dst == 10.0.%d.0/24' %s", 100+i, i+1, pick(r, "drop", "allow", "reroute 10.0.2.10"))
	}
	r.ips = append(r.ips, "8.8.8.8", "10.0.1.200", "255.255.255.255")
}

func (r *random) subnet(s int) {
	mac := fmt.Sprintf("00:00:00:00:ff:%02x", s)
	r.line("ls-add s%d", s)
	r.line("lrp-add lr lr-s%d %s 10.0.%d.1/24 fd00:%d::1/64", s, mac, s, s)
	r.line("lsp-add s%d s%d-lr", s, s)
	r.line("lsp-set-type s%d-lr router", s)
	r.line("lsp-set-addresses s%d-lr router", s)
	r.line("lsp-set-options s%d-lr router-port=lr-s%d", s, s)
	r.ips = append(r.ips, fmt.Sprintf("10.0.%d.1", s))
	for h := range 2 + r.IntN(2) {
		x := randomHost{
			port: fmt.Sprintf("s%d-h%d", s, h), mac: fmt.Sprintf("50:54:00:00:%02x:%02x", s, h),
			ip4: fmt.Sprintf("10.0.%d.%d", s, 10+h), ip6: fmt.Sprintf("fd00:%d::%d", s, 10+h), router: mac,
		}
		r.hosts = append(r.hosts, x)
		r.ips = append(r.ips, x.ip4)
		r.line("lsp-add s%d %s", s, x.port)
		r.line("lsp-set-addresses %s '%s %s %s'%s", x.port, x.mac, x.ip4, x.ip6, pick(r, "", "", " unknown"))
		if r.chance(60) {
			r.line("lsp-set-port-security %s '%s %s%s'", x.port, x.mac, x.ip4, pick(r, "", " "+x.ip6))
		}
		r.line("sb: lsp-bind %s gw1", x.port)
	}
	if r.chance(50) {
		r.line("set logical_switch s%d other_config:mcast_snoop=true other_config:mcast_querier=false", s)
	}
}

func (r *random) acl(priority int) {
	match := pick(r, "ip4", "ip4.src == $as1", "tcp.dst == {22, 80}", "udp", "ip4.dst == 10.0.2.0/24 && icmp4", "ip6", "tcp && tcp.dst >= 1024")
	verdict := pick(r, "allow", "allow-related", "drop", "reject", "allow-stateless")
	switch r.IntN(3) {
	case 0:
		r.line("%sacl-add pg1 to-lport %d 'outport == @pg1 && %s' %s", pick(r, "", "--log --name=acl --severity=warning "), priority, match, verdict)
	case 1:
		r.line("acl-add s1 from-lport %d '%s' %s", priority, match, verdict)
	default:
		r.line("acl-add s2 to-lport %d '%s' %s", priority, match, verdict)
	}
}

// outside connects the router to a provider network.
func (r *random) outside(gateway bool) {
	r.line("ls-add public")
	r.line("lrp-add lr lr-public 00:00:20:20:12:13 172.16.0.1/24 fd99::1/64")
	r.line("lsp-add public public-lr")
	r.line("lsp-set-type public-lr router")
	r.line("lsp-set-addresses public-lr router")
	r.line("lsp-set-options public-lr router-port=lr-public")
	r.line("lsp-add public ln-public")
	r.line("lsp-set-type ln-public localnet")
	r.line("lsp-set-addresses ln-public unknown")
	r.line("lsp-set-options ln-public network_name=phys")
	if !gateway {
		r.line("lrp-set-gateway-chassis lr-public gw1 20")
	}
	r.line("lr-route-add lr 0.0.0.0/0 172.16.0.254")
	if r.chance(50) {
		r.line("--ecmp lr-route-add lr 192.168.0.0/16 172.16.0.253")
		r.line("--ecmp lr-route-add lr 192.168.0.0/16 172.16.0.252")
		r.ips = append(r.ips, "192.168.1.1")
	}
	r.line("lr-nat-add lr snat 172.16.0.1 10.0.1.0/24")
	r.line("lr-nat-add lr dnat_and_snat 172.16.0.11 %s", r.hosts[0].ip4)
	if h := r.hosts[1]; !gateway && r.chance(70) {
		r.line("lr-nat-add lr dnat_and_snat 172.16.0.12 %s %s 30:54:00:00:00:02", h.ip4, h.port)
	}
	r.line("sb: create mac_binding logical_port=lr-public ip=172.16.0.254 mac='\"0a:00:00:00:00:fe\"' datapath=$lr")
	r.hosts = append(r.hosts, randomHost{"ln-public", "0a:00:00:00:00:fe", "172.16.0.254", "fd99::9", "00:00:20:20:12:13"})
	r.ips = append(r.ips, "172.16.0.1", "172.16.0.11", "172.16.0.12", "172.16.0.254")
}

func (r *random) balancers() {
	for i := range 1 + r.IntN(2) {
		vip := fmt.Sprintf("10.9.9.%d", i+1)
		port := pick(r, "80", "22")
		r.line("lb-add lb%d %s:%s %s:8080,%s:8080 %s", i, vip, port, r.hosts[0].ip4, r.hosts[1].ip4, pick(r, "tcp", "udp"))
		r.line("ls-lb-add s1 lb%d", i)
		r.line("lr-lb-add lr lb%d", i)
		if r.chance(40) {
			r.line("set load_balancer lb%d options:hairpin_snat_ip=10.9.9.99", i)
		}
		r.ips = append(r.ips, vip)
	}
}

// questions asks about packets of all hosts.
func (r *random) questions(n int) []question {
	var qs []question
	for range n {
		h := r.hosts[r.IntN(len(r.hosts))]
		dst := h.router
		if r.chance(25) {
			dst = r.hosts[r.IntN(len(r.hosts))].mac
		}
		flow := fmt.Sprintf(`inport == "%s" && eth.src == %s && eth.dst == %s && `, h.port, h.mac, dst)
		if r.chance(15) {
			flow += fmt.Sprintf(`ip6.src == %s && ip6.dst == fd00:%d::%d && ip.ttl == 64 && %s`, h.ip6, 1+r.IntN(3), pick(r, 1, 10, 11, 99),
				pick(r, "icmp6.type == 128 && icmp6.code == 0", "tcp.dst == 22", "udp.dst == 53"))
		} else {
			flow += fmt.Sprintf(`ip4.src == %s && ip4.dst == %s && ip.ttl == %d && %s`, h.ip4, pick(r, r.ips...), pick(r, 64, 64, 64, 1, 0),
				pick(r, "icmp4.type == 8", "tcp.dst == 22 && tcp.src == 5000", "tcp.dst == 80", "udp.dst == 80", "udp.dst == 22", "tcp.dst == 2000 && tcp.flags == 4"))
		}
		q := question{microflow: flow, lbDst: r.hosts[r.IntN(2)].ip4 + ":8080", selectID: 1 + r.IntN(2)}
		for range r.IntN(3) {
			q.ct = append(q.ct, pick(r, "new", "est", "est,rpl", "rel", "inv", "new,dnat"))
		}
		qs = append(qs, q)
	}
	return qs
}

func TestAgreesOnGeneratedNetworks(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := &random{Rand: rand.New(rand.NewPCG(seed, 7))}
			r.network(seed%2 == 1)
			c := startCentral(t)
			c.configure(r.script.String())
			c.compare(c.network(), r.questions(30))
		})
	}
}
