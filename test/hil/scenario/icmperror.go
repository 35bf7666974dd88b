package scenario

import (
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/test/probe"
)

// icmpError is a datagram that somebody on the way answers with an ICMP error.
type icmpError struct {
	alone
	to        netip.AddrPort
	ttl, size int
	want      probe.ICMPError
}

func parseICMPError(to netip.AddrPort, w, e *words) action {
	i := icmpError{to: to, ttl: 64, size: 32}
	for w.more() {
		switch word := w.next("word"); word {
		case "ttl":
			i.ttl = w.number("time to live", 255)
		case "size":
			i.size = w.number("size", 65000)
		default:
			w.fail("udp: %q is not understood", word)
		}
	}
	e.expect("icmp")
	if _, err := fmt.Sscanf(e.next("type and code"), "%d/%d", &i.want.Type, &i.want.Code); err != nil {
		e.fail("type and code: %w", err)
	}
	e.expect("from")
	i.want.From = e.addr("sender")
	if e.accept("mtu") {
		i.want.MTU = uint32(e.number("MTU", 65535))
	}
	if i.want.From.Is6() || to.Addr().Is6() {
		e.fail("errors of ICMPv6 cannot be looked at")
	}
	return i
}

func (i icmpError) play(from Port, _ []Port) (Outcome, error) {
	got, err := from.Host.ProvokeICMPError(i.to, i.ttl, i.size, from.Timeout)
	if err != nil {
		return Outcome{}, err
	}
	took := got.RTT
	got.RTT = 0
	if got != i.want {
		return Outcome{}, differs("the ICMP error", fmt.Sprintf("%s mtu %d", got, got.MTU), fmt.Sprintf("%s mtu %d", i.want, i.want.MTU))
	}
	return Outcome{Latency: took}, nil
}
