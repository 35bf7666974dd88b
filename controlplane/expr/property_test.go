package expr

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// generator makes random expressions as text.
type generator struct {
	t     *rapid.T
	names []string
	tab   *Symtab
}

// Names whose prerequisites are related, so that random conjunctions of them can
// be true, and their values.
var families = [][]string{
	{"ip4.src", "ip4.dst", "ip4", "ip", "ip.proto", "ip.ttl", "ip.frag", "tcp.src", "tcp.dst", "tcp", "udp.dst",
		"ip.is_frag", "ip.later_frag", "ip.first_frag", "icmp4.type", "eth.type", "ip4.mcast", "eth.mcast", "igmp"},
	{"ip6.src", "ip6.dst", "ip6", "icmp6.type", "icmp6.code", "nd", "nd.target", "nd.sll", "nd.tll", "nd_ns", "nd_rs",
		"ip6.mcast", "ip6.mcast_flood", "eth.mcastv6", "mldv1", "ip.ttl", "ip6.label"},
	{"ct.trk", "ct.new", "ct.est", "ct.inv", "ct_state", "ct_mark", "ct_mark.blocked", "ct_label.nf_id", "ct_label"},
	{"vlan.tci", "vlan.present", "vlan.pcp", "vlan.vid", "eth.src", "eth.dst", "eth.bcast", "arp.op", "arp.spa", "rarp.op",
		"arp", "rarp"},
	{"inport", "outport", "remote_outport", "reg0", "reg1", "xreg0", "xxreg0", "flags", "flags.loopback",
		"flags.network_id", "__inport", "from_evpn_vtep"},
}

var ports = []string{"eth0", "eth1", "LOCAL", "lsp1", "unknown"}

func (g *generator) int(lo, hi int) int { return rapid.IntRange(lo, hi).Draw(g.t, "n") }

func (g *generator) pick(xs []string) string { return xs[g.int(0, len(xs)-1)] }

// number is a constant that f can be compared with, from few values.
func (g *generator) number(f ir.Field, width int) string {
	v := g.value(f)
	if g.int(0, 3) == 0 {
		v = ir.V(uint64(g.int(0, 9)))
	}
	v = v.And(ir.Ones(width))
	return string(appendHex(nil, v))
}

// value is a likely value of f.
func (g *generator) value(f ir.Field) ir.Value {
	likely := map[ir.Field][]uint64{
		ir.EthType: {0x800, 0x86dd, 0x806, 0x8035}, ir.IPProto: {1, 2, 6, 17, 58}, ir.IPTTL: {0, 1, 255},
		ir.ICMP6Type: {130, 133, 135, 136}, ir.ICMP6Code: {0, 1}, ir.IPFrag: {0, 1, 3},
		ir.Inport: {5, 6, 0x11, 0x80000005}, ir.Outport: {5, 6, 0xfffe}, ir.Reg1: {0, 5, 6},
		ir.CTState: {0, 0x21, 0x22, 0x30, 0x2a}, ir.EthDst: {0xffffffffffff, 0x333300000001, 0x010000000000, 2},
		ir.IP4Dst: {0xe0000001, 0x0a000001, 0x0a000002}, ir.VLANTCI: {0, 0x1000, 0x3005, 0xf005},
	}
	if vs := likely[f]; vs != nil {
		return ir.V(vs[g.int(0, len(vs)-1)])
	}
	if f == ir.IP6Dst || f == ir.IP6Src {
		return NewLexer(g.pick([]string{"ff02::1", "ff02::1:ff00:5", "fe80::1", "::1", "ff02::16"})).Tok.Const.Value
	}
	return ir.V(uint64(g.int(0, 7)))
}

func (g *generator) values(s *Symbol, width int, allowMask bool) string {
	one := func() string {
		n := g.number(s.Sub.Field, width)
		if allowMask && g.int(0, 3) == 0 {
			return n + "/" + string(appendHex(nil, ir.Ones(width).And(ir.V(uint64(g.int(0, 255))))))
		}
		return n
	}
	n := g.int(0, 6)
	if n <= 2 {
		return one()
	}
	var xs []string
	for range n {
		xs = append(xs, one())
	}
	return "{" + strings.Join(xs, ", ") + "}"
}

func (g *generator) comparison() string {
	name := g.pick(g.names)
	s := g.tab.Lookup(name)
	switch {
	case s.IsString():
		if g.int(0, 3) == 0 {
			return name + " == {" + Quote(g.pick(ports)) + ", @pg1, " + Quote(g.pick(ports)) + "}"
		}
		return name + " == " + Quote(g.pick(ports))
	case s.Predicate != nil || s.Width == 1:
		if s.Level != Nominal && g.int(0, 1) == 0 {
			return "!" + name
		}
		return name
	case s.Level == Nominal:
		return name + " == " + g.values(s, s.Width, false)
	}
	ref, width := name, s.Width
	if g.int(0, 2) == 0 {
		lo := g.int(0, s.Width-1)
		hi := g.int(lo, s.Width-1)
		width = hi - lo + 1
		ref = fmt.Sprintf("%s[%d..%d]", name, lo, hi)
	}
	switch g.int(0, 5) {
	case 0:
		return ref + " " + g.pick([]string{"<", "<=", ">", ">="}) + " " + g.number(s.Sub.Field, width)
	case 1:
		return ref + " != " + g.values(s, width, true)
	case 2:
		if name == "ip4.src" || name == "ip4.dst" {
			return name + g.pick([]string{" == ", " != "}) + g.pick([]string{"$set1", "$masked", "{$set1, 10.0.0.0/30}", "$set4"})
		}
	}
	return ref + " == " + g.values(s, width, true)
}

func (g *generator) expr(depth int) string {
	k := g.int(0, 9)
	if depth == 0 || k < 2 {
		if k == 0 && depth < 2 {
			return g.pick([]string{"1", "0", `is_chassis_resident("eth1")`, `!is_chassis_resident("lsp1")`})
		}
		return g.comparison()
	}
	op := g.pick([]string{" && ", " && ", " || "})
	var xs []string
	for range g.int(2, 4) {
		x := g.expr(depth - 1)
		if strings.Contains(x, " && ") || strings.Contains(x, " || ") {
			x = "(" + x + ")"
		}
		xs = append(xs, x)
	}
	return strings.Join(xs, op)
}

// product is a conjunction of two or three sets that are too large to write out.
func (g *generator) product() string {
	var parts []string
	for _, f := range []string{"reg7", "xxreg1[64..95]", "eth.src[3..20]"}[:g.int(2, 3)] {
		set := []string{"0", "3", "5", "6", "9", "10", "12"} // no two are halves of one prefix
		for range g.int(0, 9) {
			set = append(set, fmt.Sprint(g.int(0, 1<<16)))
		}
		parts = append(parts, f+" == {"+strings.Join(set, " ")+"}")
	}
	return strings.Join(parts, " && ")
}

func (g *generator) packet() Packet {
	p := Packet{}
	for f := ir.FieldNone + 1; f < ir.NumFields; f++ {
		if f.Parts() == nil {
			p[f] = g.value(f).And(ir.Ones(f.Width()))
		}
	}
	return p
}

var symbols = NewSymtab()

// TestCompileAgreesWithEval is the main property: an expression and its normal form
// match the same packets, and the normal form can be installed.
func TestCompileAgreesWithEval(t *testing.T) {
	env := testEnv()
	compiled, refused, products, matched := 0, 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t, tab: symbols}
		g.names = families[g.int(0, len(families)-1)]
		if g.int(0, 3) == 0 {
			g.names = append(g.names[:len(g.names):len(g.names)], families[g.int(0, len(families)-1)]...)
		}
		text := g.expr(3)
		if g.int(0, 5) == 0 {
			text = g.product() + " && (" + text + ")"
		}
		e, err := symbols.Parse(text)
		if err != nil {
			// The generator knows no levels inside negated parts; it makes none.
			t.Fatalf("%s: %v", text, err)
		}
		again, err := symbols.Parse(Canonical(e))
		if err != nil || Canonical(again) != Canonical(e) {
			t.Fatalf("%s\ncanonical %s\nread back %v %v", text, Canonical(e), again, err)
		}
		ks, _, err := Compile(e, env)
		var mask *MaskError
		if errors.As(err, &mask) || errors.Is(err, ErrTooLarge) {
			refused++
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		compiled++
		for _, k := range ks {
			checkInstallable(t, text, k)
			if len(k.Dims) > 0 {
				products++
			}
		}
		for range 20 {
			pkt := g.packet()
			checkAllYields(t, ks, pkt)
			want, err := Eval(e, env, pkt)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if want {
				matched++
			}
			if got := AnyMatches(ks, pkt); got != want {
				t.Fatalf("%s\npacket %v\nEval %v, normal form %v:\n%s", text, pkt, want, got, strings.Join(texts(ks), "\n"))
			}
		}
	})
	t.Logf("%d compiled, %d refused, %d products, %d packets matched", compiled, refused, products, matched)
	if compiled < refused || matched == 0 || products == 0 {
		t.Error("the generator is no good")
	}
}

// checkAllYields checks that writing out the products changes nothing.
func checkAllYields(t *rapid.T, ks []Conj, pkt Packet) {
	for _, k := range ks {
		if len(k.Dims) == 0 || k.Flows() > 60 {
			continue
		}
		any := false
		for m := range k.All() {
			any = any || Matches(m, pkt)
		}
		if any != k.Matches(pkt) {
			t.Fatalf("packet %v: written out %v, product %v", pkt, any, k)
		}
	}
}

// checkInstallable checks the contract of Conj and that each of its matches names
// the protocols that its fields belong to, as OpenFlow demands.
func checkInstallable(t *rapid.T, text string, k Conj) {
	if len(k.Dims) == 1 || len(k.Dims) > maxDims {
		t.Fatalf("%s: %d dimensions", text, len(k.Dims))
	}
	if missing := missingPrereq(k.Base); len(k.Dims) == 0 && missing != "" {
		t.Fatalf("%s: %s in %s", text, missing, k.Base)
	}
	for _, d := range k.Dims {
		if len(d) < 2 {
			t.Fatalf("%s: dimension of %d", text, len(d))
		}
		for _, m := range d {
			for term := range m.Terms() {
				if mustCross(term.Field) {
					t.Fatalf("%s: dimension on %s", text, term.Field)
				}
			}
			all, ok := k.Base.And(m)
			if !ok {
				t.Fatalf("%s: alternative %s contradicts base %s", text, m, k.Base)
			}
			if missing := missingPrereq(all); missing != "" {
				t.Fatalf("%s: %s in %s", text, missing, all)
			}
		}
	}
}

// missingPrereq names a field of m whose protocol m does not fix (ovs-fields(7),
// "Prerequisites").
func missingPrereq(m ir.Match) string {
	needs := func(f ir.Field, want ...uint64) bool {
		t, ok := m.Term(f)
		if !ok || t.Mask != ir.Ones(f.Width()) {
			return false
		}
		for _, w := range want {
			if t.Value == ir.V(w) {
				return true
			}
		}
		return len(want) == 0
	}
	ip4 := func() bool { return needs(ir.EthType, 0x800) }
	ip6 := func() bool { return needs(ir.EthType, 0x86dd) }
	ip := func() bool { return ip4() || ip6() }
	for t := range m.Terms() {
		ok := true
		switch t.Field {
		case ir.IPProto, ir.IPDSCP, ir.IPECN, ir.IPTTL, ir.IPFrag:
			ok = ip()
		case ir.IP4Src, ir.IP4Dst:
			ok = ip4()
		case ir.IP6Src, ir.IP6Dst, ir.IP6Label:
			ok = ip6()
		case ir.ARPOp, ir.ARPSPA, ir.ARPTPA, ir.ARPSHA, ir.ARPTHA:
			ok = needs(ir.EthType, 0x806, 0x8035)
		case ir.ICMP4Type, ir.ICMP4Code:
			ok = ip4() && needs(ir.IPProto, 1)
		case ir.ICMP6Type, ir.ICMP6Code:
			ok = ip6() && needs(ir.IPProto, 58)
		case ir.NDTarget:
			ok = needs(ir.ICMP6Type, 135, 136) && needs(ir.ICMP6Code, 0)
		case ir.NDSLL:
			ok = needs(ir.ICMP6Type, 135) && needs(ir.ICMP6Code, 0)
		case ir.NDTLL:
			ok = needs(ir.ICMP6Type, 136) && needs(ir.ICMP6Code, 0)
		case ir.TCPSrc, ir.TCPDst, ir.TCPFlags:
			ok = ip() && needs(ir.IPProto, 6)
		case ir.UDPSrc, ir.UDPDst:
			ok = ip() && needs(ir.IPProto, 17)
		case ir.SCTPSrc, ir.SCTPDst:
			ok = ip() && needs(ir.IPProto, 132)
		}
		if !ok {
			return t.Field.String() + " without its protocol"
		}
	}
	return ""
}
