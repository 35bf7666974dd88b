package reference

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/trace/tracetest"
)

// senders are the logical ports that packets come from, and the routers behind their switches.
var senders = []struct{ port, mac, ip4, ip6, router string }{
	{"lp1", "02:00:00:00:01:11", "10.0.1.11", "fd00:1::11", "02:00:00:00:ff:01"},
	{"lp2", "02:00:00:00:01:12", "10.0.1.12", "fd00:1::12", "02:00:00:00:ff:01"},
	{"lp3", "02:00:00:00:02:13", "10.0.2.13", "fd00:2::13", "02:00:00:00:ff:02"},
	{"lp4", "02:00:00:00:01:14", "10.0.1.14", "fd00:1::14", "02:00:00:00:ff:01"},
	{"lp5", "02:00:00:00:01:15", "10.0.1.15", "fd00:1::15", "02:00:00:00:ff:01"},
	{"c1", "02:00:00:00:02:42", "10.0.2.42", "fd00:2::42", "02:00:00:00:ff:02"},
	{"lp6", "02:00:00:00:03:16", "10.0.100.16", "fd00:3::16", "02:00:00:00:03:01"},
	{"ln-public", "02:00:00:00:99:01", "172.31.0.1", "fd00:99::1", "02:00:00:00:ff:10"},
	{"ln-vlan100", "02:00:00:00:03:01", "10.0.100.1", "fd00:3::1", "02:00:00:00:03:16"},
}

// questions asks about what hosts of the deployment send: to each other, to virtual and floating addresses, and to whom they ask for
// addresses.
func questions() []tracetest.Question {
	var qs []tracetest.Question
	neighbours := map[string]string{"10.0.1": "02:00:00:00:01:12", "10.0.2": "02:00:00:00:02:42"}
	for i, s := range senders {
		ask := func(ct, format string, args ...any) {
			q := tracetest.Question{Microflow: fmt.Sprintf(`inport == "%s" && eth.src == %s && `, s.port, s.mac) + fmt.Sprintf(format, args...), LBDst: "10.0.2.13:7000"}
			if ct != "" {
				q.CT = []string{ct, ct, ct, ct}
			}
			qs = append(qs, q)
		}
		for j, to := range []string{"10.0.1.11", "10.0.1.12", "10.0.2.13", "10.0.1.1", "10.0.9.9", "172.31.0.1", "172.31.0.10", "172.31.0.21", "172.31.0.22", "172.31.0.30", "8.8.8.8"} {
			payload := []string{"icmp4.type == 8", "tcp.dst == 80", "tcp.dst == 7001", "udp.dst == 7003", "tcp.dst == 7002"}[(i+j)%5]
			dst := s.router
			if mac, near := neighbours[s.ip4[:6]]; near && to[:6] == s.ip4[:6] && to != "10.0.1.1" {
				dst = mac
			}
			ask([]string{"", "new", "est,rpl"}[(i+2*j)%3], `eth.dst == %s && ip4.src == %s && ip4.dst == %s && ip.ttl == %d && %s`, dst, s.ip4, to, 64-63*((i+j)%7/6), payload)
		}
		ask("new", `eth.dst == %s && ip6.src == %s && ip6.dst == fd00:2::13 && ip.ttl == 64 && icmp6.type == 128 && icmp6.code == 0`, s.router, s.ip6)
		ask("", `eth.dst == ff:ff:ff:ff:ff:ff && arp.op == 1 && arp.sha == %s && arp.spa == %s && arp.tpa == 10.0.%d.1`, s.mac, s.ip4, 1+i%2)
		ask("", `eth.dst == ff:ff:ff:ff:ff:ff && ip4.src == 0.0.0.0 && ip4.dst == 255.255.255.255 && ip.ttl == 64 && udp.src == 68 && udp.dst == 67`)
		ask("", `eth.dst == 33:33:00:01:00:02 && ip6.src == fe80::1 && ip6.dst == ff02::1:2 && ip.ttl == 1 && udp.src == 546 && udp.dst == 547`)
		ask("", `eth.dst == 33:33:00:00:00:02 && ip6.src == fe80::1 && ip6.dst == ff02::2 && ip.ttl == 255 && icmp6.type == 133 && icmp6.code == 0`)
	}
	return qs
}

// TestTraceAgrees: "sluice trace" and ovn-trace say the same of packets from every port of the deployment. It needs the databases and
// ovn-northd, but no namespaces.
func TestTraceAgrees(t *testing.T) {
	c := tracetest.StartCentral(t)
	for i, chassis := range []string{"hv1", "hv2", "gw1"} {
		c.Configure(fmt.Sprintf("sb: chassis-add %s geneve 192.0.2.%d", chassis, i+1))
	}
	c.Configure(strings.Join(Northbound(), "\n"))
	for _, bound := range []string{"lp1 hv1", "lp2 hv2", "lp3 hv2", "lp4 hv2", "lp5 hv1", "c1 hv1", "lp6 hv1"} {
		c.Configure("sb: lsp-bind " + bound)
	}
	c.Configure(`sb: create mac_binding logical_port=lr0-public ip=172.31.0.1 mac='"02:00:00:00:99:01"' datapath=$lr0`)
	c.Compare(c.Network(), questions())
}
