package action

import (
	"net/netip"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/expr"
)

// gen draws random actions: it knows what each node may hold, and of text only that of options.
type gen struct {
	t  *rapid.T
	ps *Parser
}

var (
	anyWidth   = []string{"reg0", "reg9[3]", "xreg4[8..23]", "xxreg0", "tcp.dst", "vlan.pcp", "eth.src", "ip6.dst", "pkt.mark", "flags.loopback"}
	bit        = []string{"reg0[0]", "reg9[31]", "xxreg1[77]", "flags.loopback", "eth.dst[40]", "vlan.tci[12]"}
	addr4s     = []string{"reg0", "reg5", "ip4.dst", "arp.spa", "xxreg0[32..63]"}
	addr6s     = []string{"xxreg0", "xxreg1", "ip6.dst", "nd.target"}
	macs       = []string{"eth.src", "eth.dst", "arp.sha", "nd.sll", "xreg0[0..47]"}
	portFields = []string{"inport", "outport", "remote_outport"}
	commitable = []string{"ct_mark", "ct_mark.blocked", "ct_label", "ct_label.ecmp_reply_eth", "ct_label[3..9]"}
	names      = []string{"lsp1", "none", "", `a "quoted" \ port`, "_MC_flood"}
)

func (g gen) n(lo, hi int) int { return rapid.IntRange(lo, hi).Draw(g.t, "n") }
func (g gen) flag() bool       { return rapid.Bool().Draw(g.t, "flag") }
func (g gen) u16() uint16      { return rapid.Uint16().Draw(g.t, "u16") }
func (g gen) u32() uint32      { return rapid.Uint32().Draw(g.t, "u32") }
func (g gen) name() string     { return rapid.SampledFrom(names).Draw(g.t, "name") }

func (g gen) field(from []string) field {
	var l expr.Lexer
	l.Init(rapid.SampledFrom(from).Draw(g.t, "field"))
	ref, ok := g.ps.symbols.ParseField(&l)
	if !ok {
		g.t.Fatal(l.Err())
	}
	return field{ref}
}

func (g gen) addr() netip.Addr {
	if g.flag() {
		return netip.AddrFrom4([4]byte{byte(g.n(0, 255)), 0, 0, byte(g.n(0, 255))})
	}
	return netip.AddrFrom16([16]byte{0xfd, 15: byte(g.n(0, 255))})
}

func (g gen) addr4() netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(g.n(0, 255))}) }

// constant parses the text that it draws, so that it is as the lexer makes it.
func (g gen) constant(f field) expr.Operand {
	from := []string{"0", "1", "0x1", "1/1", "0/0x1"}
	switch {
	case f.isString():
		from = []string{`"lsp1"`, `""`}
	case f.ref.Symbol.Width >= 128:
		from = append(from, "fe80::1", "aef0::/64", "0x1020304050607080910111213141516", "10.0.0.0/8", "00:00:00:00:00:01")
	case f.ref.Symbol.Width >= 48:
		from = append(from, "10.0.0.0/8", "00:11:22:33:44:55", "00:00:00:00:00:01/00:00:00:00:00:01")
	case f.ref.Symbol.Width >= 32:
		from = append(from, "10.0.0.1", "10.1.0.0/255.255.0.255", "0xffff0000", "4294967295")
	}
	var l expr.Lexer
	l.Init(rapid.SampledFrom(from).Draw(g.t, "constant"))
	o, ok := expr.ParseConstant(&l, f.ref)
	if !ok {
		g.t.Fatal(l.Err())
	}
	return o
}

func (g gen) some(lo, hi int, one func()) {
	for range g.n(lo, hi) {
		one()
	}
}

// list draws actions with at most so many levels of braces.
func (g gen) list(depth int) (l list) {
	g.some(0, 4, func() { l.nodes = append(l.nodes, g.node(depth)) })
	return l
}

func (g gen) node(depth int) node {
	kinds := []func() node{g.basic, g.assign, g.conntrack, g.balance, g.lookup, g.question, g.punt, g.misc}
	if depth > 0 {
		kinds = append(kinds, func() node { return g.nested(depth - 1) })
	}
	return rapid.SampledFrom(kinds).Draw(g.t, "kind")()
}
