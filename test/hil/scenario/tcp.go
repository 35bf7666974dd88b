package scenario

import (
	"net/netip"
	"time"
)

// tcp is "tcp ADDRESS:PORT [bytes N] => answered|refused|silence": bytes go to an echo server and come back unchanged.
type tcp struct {
	alone
	to       netip.AddrPort
	bytes    int
	expected string
}

func parseTCP(w, e *words) action {
	t := tcp{to: w.addrPort("destination"), bytes: 20_000, expected: e.next("outcome")}
	if w.accept("bytes") {
		t.bytes = w.number("bytes", 1<<30)
	}
	if t.expected != answered && t.expected != refused && t.expected != silence {
		e.fail("a connection is %s, %s or finds %s: not %q", answered, refused, silence, t.expected)
	}
	return t
}

func (t tcp) play(from Port, _ []Port) (Outcome, error) {
	if t.expected != answered {
		took, err := from.Host.DialTCP(t.to, from.wait(t.expected))
		if got := outcomeOf(err); got != t.expected {
			return Outcome{}, differs("the outcome", describe(got, err), t.expected)
		}
		if t.expected == silence {
			took = 0
		}
		return Outcome{Latency: took}, nil
	}
	r, err := from.Host.TransferTCP(t.to, t.bytes, 2*from.Timeout+time.Duration(t.bytes)*time.Microsecond)
	return Outcome{Latency: r.Total}, err
}
