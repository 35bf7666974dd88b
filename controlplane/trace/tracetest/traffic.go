package tracetest

import "fmt"

// Questions asks about n packets of all who send.
func (t *Topology) Questions(n int) []Question {
	qs := make([]Question, 0, n)
	for range n {
		x := t.stations[t.IntN(len(t.stations))]
		q := Question{LBDst: t.stations[t.IntN(2)].ip4 + ":8080", SelectID: 1 + t.IntN(2)}
		q.Microflow = fmt.Sprintf(`inport == "%s" && eth.src == %s && `, x.port, x.mac)
		switch {
		case t.chance(20):
			q.Microflow += t.asking(x)
		case t.chance(20):
			q.Microflow += t.unicast6(x)
		default:
			q.Microflow += t.unicast4(x)
		}
		for range t.IntN(3) {
			q.CT = append(q.CT, pick(t, "new", "est", "est,rpl", "rel", "inv", "new,dnat"))
		}
		qs = append(qs, q)
	}
	return qs
}

func (t *Topology) dst(x station) string {
	if t.chance(25) {
		return t.stations[t.IntN(len(t.stations))].mac
	}
	return x.router
}

func (t *Topology) unicast4(x station) string {
	return fmt.Sprintf(`eth.dst == %s && ip4.src == %s && ip4.dst == %s && ip.ttl == %d && %s`, t.dst(x), x.ip4, pick(t, t.ips...), pick(t, 64, 64, 64, 1, 0),
		pick(t, "icmp4.type == 8", "tcp.dst == 22 && tcp.src == 5000", "tcp.dst == 80", "udp.dst == 80", "udp.dst == 22", "tcp.dst == 2000 && tcp.flags == 4"))
}

func (t *Topology) unicast6(x station) string {
	return fmt.Sprintf(`eth.dst == %s && ip6.src == %s && ip6.dst == fd00:%d::%d && ip.ttl == 64 && %s`, t.dst(x), x.ip6, pick(t, 1, 2, 3, 9), pick(t, 1, 10, 11, 40, 99),
		pick(t, "icmp6.type == 128 && icmp6.code == 0", "tcp.dst == 22", "udp.dst == 53"))
}

// asking is what a station asks its neighbours, routers and DHCP servers.
func (t *Topology) asking(x station) string {
	switch t.IntN(6) {
	case 0:
		return fmt.Sprintf(`eth.dst == ff:ff:ff:ff:ff:ff && arp.op == 1 && arp.sha == %s && arp.spa == %s && arp.tpa == %s`, x.mac, x.ip4, pick(t, t.ips...))
	case 1:
		return fmt.Sprintf(`eth.dst == 33:33:ff:00:00:01 && ip6.src == %s && ip6.dst == ff02::1:ff00:1 && ip.ttl == 255 && `+
			`icmp6.type == 135 && icmp6.code == 0 && nd.target == fd00:%d::%d && nd.sll == %s`, x.ip6, 1+t.IntN(2), pick(t, 1, 10, 40), x.mac)
	case 2:
		return `eth.dst == 33:33:00:00:00:02 && ip6.src == fe80::1 && ip6.dst == ff02::2 && ip.ttl == 255 && icmp6.type == 133 && icmp6.code == 0`
	case 3:
		return `eth.dst == ff:ff:ff:ff:ff:ff && ip4.src == 0.0.0.0 && ip4.dst == 255.255.255.255 && ip.ttl == 64 && udp.src == 68 && udp.dst == 67`
	case 4:
		return `eth.dst == 33:33:00:01:00:02 && ip6.src == fe80::1 && ip6.dst == ff02::1:2 && ip.ttl == 1 && udp.src == 546 && udp.dst == 547`
	}
	return fmt.Sprintf(`eth.dst == %s`, pick(t, "ff:ff:ff:ff:ff:ff", "01:00:5e:01:02:03"))
}
