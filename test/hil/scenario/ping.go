package scenario

import (
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/test/probe"
)

// ping is "ping ADDRESS [count N] [size N] [df] => answered|silence": echo requests, every one of which is answered, or none.
type ping struct {
	alone
	to       netip.Addr
	options  probe.PingOptions
	expected string
}

func parsePing(w, e *words) action {
	p := ping{to: w.addr("destination"), options: probe.PingOptions{Count: 3}, expected: e.next("outcome")}
	for w.more() {
		switch word := w.next("word"); word {
		case "count":
			p.options.Count = w.number("count", 1000)
		case "size":
			p.options.Size = w.number("size", 65000)
		case "df":
			p.options.DontFragment = true
		default:
			w.fail("ping: %q is not understood", word)
		}
	}
	if p.expected != answered && p.expected != silence {
		e.fail("a ping is %s or finds %s: not %q", answered, silence, p.expected)
	}
	return p
}

func (p ping) play(from Port, _ []Port) (Outcome, error) {
	p.options.Timeout = from.wait(p.expected)
	r, err := from.Host.Ping(p.to, p.options)
	switch {
	case err != nil:
		return Outcome{}, err
	case p.expected == silence && r.Received > 0:
		return Outcome{}, fmt.Errorf("%d of %d pings were answered", r.Received, r.Sent)
	case p.expected == silence:
		return Outcome{}, nil
	}
	return Outcome{Latency: r.Median()}, r.Err()
}
