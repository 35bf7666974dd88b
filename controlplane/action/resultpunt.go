package action

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// dnsLookup is "R = dns_lookup();".
type dnsLookup struct{ dst field }

func parseDNSLookup(p *parser, dst field) node {
	p.noArgs("dns_lookup")
	p.check(dst, 1, true)
	p.prereq("udp")
	return dnsLookup{dst}
}

func (n dnsLookup) format(b []byte, _ Position) []byte {
	return appendCall(append(n.dst.append(b), " = "...), "dns_lookup")
}

func (n dnsLookup) lower(l *lowering) {
	l.punt(ir.Punt{Opcode: ir.OpDNSLookup, Pause: true, Result: n.dst.sub()})
}

// dhcpRelay is "R = dhcp_relay_req_chk(RELAY, SERVER);" and the same for responses.
type dhcpRelay struct {
	response bool
	dst      field
	args     DHCPRelayArgs
}

func parseDHCPRelay(response bool) func(*parser, field) node {
	return func(p *parser, dst field) node {
		p.check(dst, 1, true)
		p.force(expr.LParen)
		relay := p.ip4("expecting IPv4 dhcp relay and server ips")
		p.match(expr.Comma)
		server := p.ip4("expecting IPv4 dhcp server ip")
		p.force(expr.RParen)
		return dhcpRelay{response, dst, DHCPRelayArgs{relay, server}}
	}
}

// ip4 parses an IPv4 address.
func (p *parser) ip4(want string) netip.Addr {
	if p.lex.Tok.Const.Format != expr.IPv4 {
		p.syntax("%s", want)
	}
	a, ok := p.ip()
	if !ok {
		p.syntax("%s", want)
	}
	return a
}

func (n dhcpRelay) format(b []byte, _ Position) []byte {
	b = append(n.dst.append(b), " = "...)
	if n.response {
		b = append(b, "dhcp_relay_resp_chk("...)
	} else {
		b = append(b, "dhcp_relay_req_chk("...)
	}
	b = append(n.args.Relay.AppendTo(b), ", "...)
	return append(n.args.Server.AppendTo(b), ");"...)
}

func (n dhcpRelay) lower(l *lowering) {
	op := ir.OpDHCPRelayReqChk
	if n.response {
		op = ir.OpDHCPRelayRespChk
	}
	l.punt(ir.Punt{Opcode: op, Args: n.args.Encode(), Pause: true, Result: n.dst.sub()})
}
