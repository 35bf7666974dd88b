package trace_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/trace"
	"github.com/sluice-gw/sluice/controlplane/trace/tracetest"
)

const topology = `
	ls-add sw0
	lsp-add sw0 sw0-p1
	lsp-set-addresses sw0-p1 '50:54:00:00:00:01 10.0.0.3 fd00::3'
	lsp-set-port-security sw0-p1 '50:54:00:00:00:01 10.0.0.3 fd00::3'
	lsp-add sw0 sw0-p2
	lsp-set-addresses sw0-p2 '50:54:00:00:00:02 10.0.0.4 fd00::4'
	lsp-add sw0 sw0-p3
	lsp-set-addresses sw0-p3 '50:54:00:00:00:03 10.0.0.5' unknown
	lsp-add sw0 'a5fb86de-1111-2222-3333-0123456789ab'
	lsp-set-addresses 'a5fb86de-1111-2222-3333-0123456789ab' '50:54:00:00:00:04 10.0.0.6'
	set logical_switch_port 'a5fb86de-1111-2222-3333-0123456789ab' external_ids:neutron\:port_name=web
	ls-add sw1
	lsp-add sw1 sw1-p1
	lsp-set-addresses sw1-p1 '50:54:00:00:01:01 20.0.0.3 fd01::3'
	lr-add lr0
	lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.1/24 fd00::1/64
	lsp-add sw0 sw0-lr0
	lsp-set-type sw0-lr0 router
	lsp-set-addresses sw0-lr0 router
	lsp-set-options sw0-lr0 router-port=lr0-sw0
	lrp-add lr0 lr0-sw1 00:00:00:00:ff:02 20.0.0.1/24 fd01::1/64
	lsp-add sw1 sw1-lr0
	lsp-set-type sw1-lr0 router
	lsp-set-addresses sw1-lr0 router
	lsp-set-options sw1-lr0 router-port=lr0-sw1
	ls-add public
	lrp-add lr0 lr0-public 00:00:20:20:12:13 172.168.0.100/24
	lsp-add public public-lr0
	lsp-set-type public-lr0 router
	lsp-set-addresses public-lr0 router
	lsp-set-options public-lr0 router-port=lr0-public
	lsp-add public ln-public
	lsp-set-type ln-public localnet
	lsp-set-addresses ln-public unknown
	lsp-set-options ln-public network_name=public
	sb: chassis-add gw1 geneve 127.0.0.1
	lrp-set-gateway-chassis lr0-public gw1 20
	lr-route-add lr0 0.0.0.0/0 172.168.0.1
	lr-nat-add lr0 snat 172.168.0.100 10.0.0.0/24
	lr-nat-add lr0 dnat_and_snat 172.168.0.110 10.0.0.3 sw0-p1 30:54:00:00:00:03
	lr-nat-add lr0 dnat_and_snat 172.168.0.120 20.0.0.3
	acl-add sw0 to-lport 1002 'outport == "sw0-p2" && tcp.dst == 22' drop
	acl-add sw0 from-lport 1002 'inport == "sw0-p1" && ip4 && udp.dst == 53' allow-related
	--log --name=no-telnet acl-add sw0 to-lport 1003 'outport == "sw0-p2" && tcp.dst == 23' reject
	acl-add sw0 to-lport 1001 'ip' allow-related
	lb-add lb0 10.0.0.100:80 10.0.0.3:8080,10.0.0.4:8080 tcp
	lb-add lb1 172.168.0.200:443 20.0.0.3:8443 tcp
	ls-lb-add sw0 lb0
	lr-lb-add lr0 lb0
	lr-lb-add lr0 lb1
	dhcp-options-create 10.0.0.0/24
	sb: lsp-bind sw0-p1 gw1
	sb: lsp-bind sw0-p2 gw1
	sb: lsp-bind sw0-p3 gw1
	sb: lsp-bind sw1-p1 gw1
`

func TestAgreesWithOVNTrace(t *testing.T) {
	c := tracetest.StartCentral(t)
	c.Configure(topology)
	id := strings.TrimSpace(c.NBCtl("dhcp-options-list"))
	c.Configure("dhcp-options-set-options " + id + " server_id=10.0.0.1 server_mac=00:00:00:00:ff:01 lease_time=3600 router=10.0.0.1\nlsp-set-dhcpv4-options sw0-p2 " + id)
	c.Compare(c.Network(), questions())
}

// Bits of microflows: senders, and what they send.
var senders = []struct{ port, mac, ip4, ip6 string }{
	{"sw0-p1", "50:54:00:00:00:01", "10.0.0.3", "fd00::3"},
	{"sw0-p2", "50:54:00:00:00:02", "10.0.0.4", "fd00::4"},
	{"sw0-p3", "50:54:00:00:00:03", "10.0.0.5", "fd00::5"},
	{"sw1-p1", "50:54:00:00:01:01", "20.0.0.3", "fd01::3"},
	{"ln-public", "0a:00:00:00:00:09", "172.168.0.1", "fd09::1"},
}

func questions() []tracetest.Question {
	var qs []tracetest.Question
	router := map[string]string{"sw0": "00:00:00:00:ff:01", "sw1": "00:00:00:00:ff:02", "ln-": "00:00:20:20:12:13"}
	ips := []string{"10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.1", "10.0.0.100", "20.0.0.3", "20.0.0.77", "172.168.0.1", "172.168.0.100", "172.168.0.110", "172.168.0.120", "172.168.0.200", "8.8.8.8"}
	payloads := []string{"icmp4.type == 8", "tcp.dst == 22", "tcp.dst == 23", "tcp.dst == 80 && tcp.src == 4000", "tcp.dst == 443", "udp.dst == 53", "ip.proto == 47"}
	cts := [][]string{nil, {"new"}, {"est"}, {"new", "new"}, {"est,rpl"}, {"inv"}, {"rel"}, {"dnat,est"}}
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(list []string) string { return list[rng.IntN(len(list))] }
	for range 80 {
		s := senders[rng.IntN(len(senders))]
		dstMAC := router[s.port[:3]]
		if rng.IntN(3) == 0 {
			dstMAC = pick([]string{"50:54:00:00:00:01", "50:54:00:00:00:02", "50:54:00:00:00:03", "50:54:00:00:00:04", "50:54:00:00:00:99", "ff:ff:ff:ff:ff:ff", "30:54:00:00:00:03"})
		}
		flow := fmt.Sprintf(`inport == "%s" && eth.src == %s && eth.dst == %s && ip4.src == %s && ip4.dst == %s && ip.ttl == %d && %s`,
			s.port, s.mac, dstMAC, s.ip4, pick(ips), []int{64, 1}[rng.IntN(8)/7], pick(payloads))
		qs = append(qs, tracetest.Question{Microflow: flow, CT: cts[rng.IntN(len(cts))], LBDst: pick([]string{"10.0.0.3:8080", "10.0.0.4:8080"})})
	}
	for _, s := range senders {
		head := fmt.Sprintf(`inport == "%s" && eth.src == %s`, s.port, s.mac)
		for _, to := range []string{"10.0.0.1", "10.0.0.4", "10.0.0.100", "20.0.0.3", "172.168.0.110", "172.168.0.100"} {
			qs = append(qs, tracetest.Question{Microflow: head + fmt.Sprintf(` && eth.dst == ff:ff:ff:ff:ff:ff && arp.op == 1 && arp.sha == %s && arp.spa == %s && arp.tpa == %s`, s.mac, s.ip4, to)})
		}
		qs = append(qs,
			tracetest.Question{Microflow: head + ` && eth.dst == 33:33:ff:00:00:01 && ip6.src == ` + s.ip6 + ` && ip6.dst == ff02::1:ff00:1 && ip.ttl == 255 && icmp6.type == 135 && icmp6.code == 0 && nd.target == fd00::1 && nd.sll == ` + s.mac},
			tracetest.Question{Microflow: head + ` && eth.dst == ` + router[s.port[:3]] + ` && ip6.src == ` + s.ip6 + ` && ip6.dst == fd01::3 && ip.ttl == 64 && udp.dst == 5353`},
			tracetest.Question{Microflow: head + ` && eth.dst == ff:ff:ff:ff:ff:ff && ip4.src == 0.0.0.0 && ip4.dst == 255.255.255.255 && ip.ttl == 64 && udp.src == 68 && udp.dst == 67`},
			tracetest.Question{Microflow: head + ` && eth.dst == ff:ff:ff:ff:ff:ff`},
			tracetest.Question{Microflow: head + ` && eth.dst == 01:00:5e:01:02:03 && ip4.src == ` + s.ip4 + ` && ip4.dst == 239.1.2.3 && ip.ttl == 8 && igmp`},
			tracetest.Question{Microflow: head + ` && eth.dst == ` + router[s.port[:3]] + ` && vlan.tci == 0x1007 && ip4.src == ` + s.ip4 + ` && ip4.dst == 8.8.8.8 && ip.ttl == 3 && ip.frag == 3 && ip.proto == 17`})
	}
	return qs
}

func TestCTOption(t *testing.T) {
	for text, want := range map[string]uint64{
		"trk,est": ir.CTTrk | ir.CTEst, "new": ir.CTTrk | ir.CTNew, "est rpl|dnat": ir.CTTrk | ir.CTEst | ir.CTRpl | ir.CTDNAT, "": ir.CTTrk,
	} {
		if got, err := trace.ParseCT(text); err != nil || got != want {
			t.Errorf("%q: %s, %v", text, ir.CTStateString(got), err)
		}
	}
	if _, err := trace.ParseCT("est,foo"); err == nil || !strings.Contains(err.Error(), "foo") {
		t.Errorf("error %v", err)
	}
}

func TestAgreesOnGeneratedNetworks(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			net := tracetest.NewTopology(seed, "gw1")
			c := tracetest.StartCentral(t)
			c.Configure(net.Script())
			c.Compare(c.Network(), net.Questions(25))
		})
	}
}
