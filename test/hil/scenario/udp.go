package scenario

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
)

// parseUDP understands the things that start with a datagram:
//
//	udp ADDRESS:PORT => answered [seen as ADDRESS]|refused|silence
//	udp ADDRESS:PORT [ttl N] [size N] => icmp TYPE/CODE from ADDRESS [mtu N]
//	udp ADDRESS:PORT flows N => spread over HOST HOST...
func parseUDP(w, e *words) action {
	to := w.addrPort("destination")
	switch e.peek() {
	case "icmp":
		return parseICMPError(to, w, e)
	case "spread":
		return parseSpread(to, w, e)
	}
	u := udp{to: to, expected: e.next("outcome")}
	switch u.expected {
	case answered:
		if e.accept("seen") {
			e.expect("as")
			u.seenAs = e.addr("source")
		}
	case refused, silence:
	default:
		e.fail("a datagram is %s or %s, finds %s, an icmp error, or is spread over hosts: not %q", answered, refused, silence, u.expected)
	}
	return u
}

type udp struct {
	alone
	to       netip.AddrPort
	expected string
	seenAs   netip.Addr // the source that the receiver sees; the zero value is any
}

func (u udp) play(from Port, _ []Port) (Outcome, error) {
	r, err := from.Host.AskUDP(u.to, from.wait(u.expected))
	if got := outcomeOf(err); got != u.expected {
		return Outcome{}, differs("the outcome", describe(got, err), u.expected)
	}
	if u.expected != answered {
		return Outcome{}, nil
	}
	if u.seenAs.IsValid() && r.SeenAs.Addr() != u.seenAs {
		return Outcome{}, differs("the source that the receiver saw", r.SeenAs.Addr(), u.seenAs)
	}
	return Outcome{Latency: r.RTT, Detail: "seen as " + r.SeenAs.Addr().String()}, nil
}

// outcomeOf names what became of a datagram or connection; it is empty for an error of another kind.
func outcomeOf(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return answered
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return silence
	}
	return ""
}

func describe(outcome string, err error) string {
	if outcome == "" {
		return fmt.Sprintf("%q", err)
	}
	return outcome
}
