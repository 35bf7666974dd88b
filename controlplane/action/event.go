package action

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// triggerEvent is `trigger_event(event = "empty_lb_backends", ...);`.
type triggerEvent struct {
	meter string // until OVN 21.06; since then the logical flow's is used
	opts  []eventOption
}

type eventOption struct{ name, value string }

var uuidText = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func parseTriggerEvent(p *parser) node {
	var n triggerEvent
	p.force(expr.LParen)
	if !p.matchID("event") {
		p.syntax("expecting 'event' option")
	}
	p.force(expr.Equals)
	if !p.is(expr.String) {
		p.syntax("expecting string")
	} else if p.lex.Tok.Text != "empty_lb_backends" {
		p.syntax("unknown event %q: expecting empty_lb_backends", p.lex.Tok.Text)
	}
	p.lex.Next()
	p.match(expr.Comma)
	for !p.failed() && !p.match(expr.RParen) {
		name := p.argument("event empty_lb_backends", "meter", "vip", "protocol", "load_balancer")
		value := p.quoted("expecting string")
		switch {
		case p.failed():
		case name == "meter":
			n.meter = value
		default:
			p.checkEvent(name, value)
			n.opts = append(n.opts, eventOption{name, value})
		}
		p.match(expr.Comma)
	}
	return n
}

func (p *parser) checkEvent(name, value string) {
	switch {
	case name == "vip" && !isVIP(value):
		p.errorf("Invalid load balancer VIP '%s'", value)
	case name == "protocol" && value != "tcp" && value != "udp" && value != "sctp":
		p.errorf("Load balancer protocol '%s' is not 'tcp', 'udp', or 'sctp'", value)
	case name == "load_balancer" && !uuidText.MatchString(value):
		p.errorf("Load balancer '%s' is not a UUID", value)
	}
}

func isVIP(s string) bool {
	_, _, ok := parseEndpoint(s)
	return ok
}

// parseEndpoint parses "A", "A:port", "[A6]" or "[A6]:port"; port is 0 when there is none.
func parseEndpoint(s string) (a netip.Addr, port uint16, ok bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr(), ap.Port(), ap.Addr().Zone() == ""
	}
	if inner, found := strings.CutPrefix(s, "["); found {
		if s, found = strings.CutSuffix(inner, "]"); !found {
			return a, 0, false
		}
	}
	a, err := netip.ParseAddr(s)
	return a, 0, err == nil && a.Zone() == ""
}

func (n triggerEvent) format(b []byte, _ Position) []byte {
	b = append(b, `trigger_event(event = "empty_lb_backends"`...)
	if n.meter != "" {
		b = expr.AppendQuoted(append(b, ", meter = "...), n.meter)
	}
	for _, o := range n.opts {
		b = append(append(append(b, ", "...), o.name...), " = "...)
		b = expr.AppendQuoted(b, o.value)
	}
	return append(b, ");"...)
}

func (n triggerEvent) lower(l *lowering) {
	var a EventArgs
	for _, o := range n.opts {
		switch o.name {
		case "vip":
			a.VIP = o.value
		case "protocol":
			a.Protocol = o.value
		case "load_balancer":
			a.LoadBalancer = o.value
		}
	}
	meter := n.meter
	if meter == "" {
		meter = l.env.Meter
	}
	l.meter(meter)
	l.emit(ir.Punt{Opcode: ir.OpEvent, Args: a.Encode(), Meter: meter})
}
