package ovs

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/lflow"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// matchEnv answers what matches ask: one address set, one port group, three ports.
type matchEnv struct{}

var matchPorts = map[string]uint32{"p1": 1, "p2": 2, "p3": 0x8003}

func (matchEnv) AddressSet(name string) (*expr.Set, bool) {
	s, _ := expr.ParseSet([]string{"10.0.0.1", "10.0.0.4/30", "10.0.1.9"})
	return s, name == "as"
}
func (matchEnv) PortGroup(name string) ([]string, bool) { return []string{"p1", "p3"}, name == "pg" }
func (matchEnv) Resident(port string) bool              { return port == "p1" }
func (matchEnv) Port(name string) (uint32, bool)        { k, ok := matchPorts[name]; return k, ok }

// matchGen makes random matches, and packets that they have a chance to match.
type matchGen struct{ t *rapid.T }

func (g matchGen) n(lo, hi int) int { return rapid.IntRange(lo, hi).Draw(g.t, "n") }

func (g matchGen) pick(list ...string) string { return rapid.SampledFrom(list).Draw(g.t, "pick") }

// Comparisons by protocol family, with # for a small number: those of one family can hold together.
var matchFamilies = [][]string{
	{"ip4", "ip4.src == 10.0.0.#", "ip4.dst != 10.0.0.#", "ip4.src == {10.0.0.#, 10.0.0.#, 10.0.1.9}", "ip4.dst == $as", "ip4.src != $as", "ip4.dst[0..7] > #", "ip.ttl == {1, 64}",
		"ip.proto == 17", "tcp", "tcp.dst == #", "tcp.src == {#, #, 1#}", "tcp.dst != {#, #}", "tcp.flags[1] == 1", "udp.dst > #", "sctp.src == #", "sctp.dst == {1, #, 6}",
		"icmp4.type == 8", "icmp4.code == #", "ip.is_frag", "ip.later_frag", "ip.first_frag", "!ip.later_frag", "ip.dscp == #", "ip.ecn == 1", "ip4.mcast"},
	{"ip6", "ip6.src == fd00::#", "ip6.dst == {fd00::#, fd00::#, fd01::/64}", "ip6.dst != fd00::#", "ip6.mcast", "icmp6.type == {133, 135, 136}", "nd", "nd_ns", "nd_na", "nd_rs",
		"nd.target == fd00::#", "nd.sll == 00:00:00:00:00:0#", "nd.tll == 00:00:00:00:00:0#", "tcp.dst == #", "ip6.label == #", "udp.src == {#, #}", "mldv1", "ip.ttl == 255"},
	{"arp", "arp.op == 1", "arp.op == {1, 2}", "arp.spa == 10.0.0.#", "arp.tpa == {10.0.0.#, 10.0.0.#}", "arp.sha == 00:00:00:00:00:0#", "arp.tha[0..1] == 1", "rarp", "rarp.op == 3"},
	{"ct.trk", "ct.est && !ct.new", "ct.new", "!ct.inv", "ct_mark == #", "ct_mark.blocked", "ct_mark[4..6] != #", "ct_label.label == #", "ct_label.nf_id > #", "ct_label[0..3] == {1, 2, #}",
		"ct_label.ecmp_reply_eth == 00:00:00:00:00:0#"},
	{"inport == \"p1\"", "inport == @pg", "outport == {\"p1\", \"p2\"}", "flags.loopback", "!flags.loopback", "reg0 == {#, #, 1#}", "reg0[0..3] < #", "xxreg0[3..70] == #", "xreg1 != #",
		"eth.src == 00:00:00:00:00:0#", "eth.dst == {00:00:00:00:00:01, 00:00:00:00:00:0#}", "eth.mcast", "vlan.present", "vlan.vid == #", "vlan.pcp > #", "!vlan.present", "vlan.tci == 0", "vlan.tci != 0", "vlan.tci[12..15] == #", "vlan.tci[13..15] == #", "vlan.tci[14] == 0", "vlan.tci[0..14] == #",
		"is_chassis_resident(\"p1\")", "pkt.mark == #"},
}

func (g matchGen) comparison(family []string) string {
	var b strings.Builder
	for _, r := range g.pick(family...) {
		if r == '#' {
			b.WriteByte("01234567"[g.n(0, 7)])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (g matchGen) expr(depth int) string {
	family := matchFamilies[g.n(0, len(matchFamilies)-1)]
	if depth == 0 {
		return g.comparison(family)
	}
	var parts []string
	for range g.n(1, 3) {
		if g.n(0, 2) == 0 {
			parts = append(parts, "("+g.expr(depth-1)+")")
		} else {
			parts = append(parts, "("+g.comparison(family)+")")
		}
	}
	return strings.Join(parts, g.pick(" && ", " && ", " || "))
}

// product is a conjunction of sets that becomes a conjunctive match.
func (g matchGen) product() string {
	return g.pick("ip4.src == {10.0.0.1, 10.0.0.2, 10.0.0.4, 10.0.0.7, 10.0.1.9} && tcp.dst == {1, 2, 4, 7, 80}",
		"ip6.dst == {fd00::1, fd00::2, fd00::4, fd00::7} && reg0 == {1, 2, 4, 7} && udp.src == {1, 2, 4, 7}",
		"eth.src == {00:00:00:00:00:01, 00:00:00:00:00:02, 00:00:00:00:00:04} && ct_label[0..3] == {1, 2, 4} && reg0 == {1, 2, 4}")
}

// packet makes a packet of some protocol whose fields have small values.
func (g matchGen) packet() *ir.Packet {
	p := &ir.Packet{}
	small := func() ir.Value { return ir.V(uint64(g.n(0, 7))) }
	for f := ir.FieldNone + 1; f < ir.NumFields; f++ {
		if f.Parts() == nil {
			p.Put(f, small())
		}
	}
	of := func(f ir.Field, values ...uint64) { p.Put(f, ir.V(rapid.SampledFrom(values).Draw(g.t, f.String()))) }
	of(ir.EthType, 0x800, 0x800, 0x86dd, 0x86dd, 0x806, 0x8035, 0x88cc)
	of(ir.IPProto, 1, 6, 6, 17, 58, 58, 132)
	of(ir.IPTTL, 1, 64, 255)
	of(ir.IPFrag, 0, 0, 0, 1, 3)
	of(ir.ICMP4Type, 0, 8)
	of(ir.ICMP6Type, 130, 133, 135, 136)
	of(ir.ICMP6Code, 0, 0, 1)
	of(ir.CTState, 0, 0x21, 0x22, 0x2a, 0x30)
	of(ir.Inport, 1, 2, 0x8003)
	of(ir.Outport, 1, 2, 0x8003)
	of(ir.VLANTCI, 0, 0x1000, 0x1001, 0x3003, 0xf007)
	of(ir.EthDst, 1, 2, 0x01005e000001, 0x333300000001)
	for _, f := range []ir.Field{ir.IP4Src, ir.IP4Dst, ir.ARPSPA, ir.ARPTPA} {
		of(f, 0x0a000001, 0x0a000002, 0x0a000004, 0x0a000007, 0x0a000109, 0xe0000001)
	}
	for _, f := range []ir.Field{ir.IP6Src, ir.IP6Dst, ir.NDTarget} {
		hi := rapid.SampledFrom([]uint64{0xfd00 << 48, 0xfd00 << 48, 0xfd01 << 48, 0xff02 << 48}).Draw(g.t, f.String())
		p.Put(f, ir.Value{Hi: hi, Lo: uint64(g.n(0, 7))})
	}
	if g.n(0, 1) == 0 {
		p.Put(ir.CTLabel, ir.Value{Hi: uint64(g.n(0, 7)) << 32, Lo: uint64(g.n(0, 0xff))})
	}
	return p
}

// hits tells whether a packet has what a match of OpenFlow asks for, but for conjunctions. The text and not the program says what that is.
func hits(t testing.TB, m ofp.Match, p *ir.Packet) bool {
	for term, err := range m.Terms() {
		if err != nil {
			t.Fatal(err)
		}
		var have ir.Value
		switch term.Field {
		case ofp.ConjID:
			continue
		case ofp.VLANVID:
			have = p.Get(ir.VLANTCI).And(ir.V(0x1fff))
		case ofp.VLANPCP:
			have = p.Get(ir.VLANTCI).Shr(13)
		default:
			f, ok := irField(term.Field)
			if !ok {
				if have, ok = register(p, term.Field); !ok {
					t.Fatalf("no field is %s", term.Field)
				}
				break
			}
			if !p.Has(f) {
				return false
			}
			have = p.Get(f)
		}
		if have.And(ir.Value(term.Mask)) != ir.Value(term.Value) {
			return false
		}
	}
	return true
}

// register is the value of a pair or of four of the switch's registers.
func register(p *ir.Packet, f ofp.Field) (v ir.Value, ok bool) {
	var first, n int
	switch {
	case f >= ofp.XReg(0) && f <= ofp.XReg(7):
		first, n = 2*int(f-ofp.XReg(0)), 2
	case f >= ofp.XXReg(0) && f <= ofp.XXReg(3):
		first, n = 4*int(f-ofp.XXReg(0)), 4
	}
	for i := range n {
		r, known := irField(ofp.Reg(first + i))
		if !known {
			return v, false
		}
		v = v.Shl(32).Or(p.Get(r))
	}
	return v, n > 0
}

// matches tells whether one of the flows matches a packet, conjunctions resolved as ovs-fields(7) describes them.
func matches(t testing.TB, flows []*ofp.FlowMod, p *ir.Packet) bool {
	clauses := map[uint32]map[uint8]bool{}
	need := map[uint32]uint8{}
	for _, f := range flows {
		if _, final := f.Match.Term(ofp.ConjID); final || !hits(t, f.Match, p) {
			continue
		}
		conj := false
		for a, err := range f.Actions.All() {
			if err != nil {
				t.Fatal(err)
			}
			if c, ok := a.(ofp.Conjunction); ok {
				conj = true
				need[c.ID] = c.N
				if clauses[c.ID] == nil {
					clauses[c.ID] = map[uint8]bool{}
				}
				clauses[c.ID][c.Clause] = true
			}
		}
		if !conj {
			return true
		}
	}
	return slices.ContainsFunc(flows, func(f *ofp.FlowMod) bool {
		id, final := f.Match.Term(ofp.ConjID)
		n := uint32(id.Value.Lo)
		return final && need[n] > 0 && len(clauses[n]) == int(need[n]) && hits(t, f.Match, p)
	})
}

// TestTextAgreesWithExpression closes the triangle: a match as the parser read it, and the text of the OpenFlow flows that it becomes,
// read back, match the same packets. expr's own tests hold the normal form against the former.
func TestTextAgreesWithExpression(t *testing.T) {
	compiler, err := lflow.NewCompiler(action.OptionTable{}, action.OptionTable{})
	if err != nil {
		t.Fatal(err)
	}
	plain, acl := expr.NewSymtab(), expr.NewACLConntrackSymtab()
	compiled, conjunctive, matched := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		g := matchGen{rt}
		text := g.expr(2)
		if g.n(0, 3) == 0 {
			text = g.product() + " && (" + text + ")"
		}
		lf := &lflow.Flow{Ingress: true, Table: 1, Priority: 7, Match: text, Actions: "next;", ACLConntrack: g.n(0, 4) == 0}
		symbols := plain
		if lf.ACLConntrack {
			symbols = acl
		}
		e, err := symbols.Parse(text)
		if err != nil {
			rt.Fatalf("%s: %v", text, err)
		}
		rules, _, err := compiler.Compile(lf, &lflow.View{Env: matchEnv{}, Action: action.Env{}})
		if err != nil { // such as bits of a field that only can be compared as a whole
			return
		}
		compiled++
		d := newDesired(ProfileFor(northd))
		d.apply(backend.Delta{Put: rules, Reset: true})
		for _, f := range d.failed {
			if strings.Contains(f.Detail, "not later fragments") { // they have no ports: the switch refuses such flows, and the status says so
				return
			}
			rt.Fatalf("%s: %s", text, f.Detail)
		}
		var flows []*ofp.FlowMod
		var lines []string
		for _, f := range d.flows {
			var m ofp.FlowMod
			f.mod(&m)
			line := m.Flow().String()
			read, err := ofp.ParseFlow(line)
			if err != nil {
				rt.Fatalf("%s: %s: %v", text, line, err)
			}
			flows, lines = append(flows, read), append(lines, line)
			if strings.Contains(line, "conjunction(") {
				conjunctive++
			}
		}
		for range 20 {
			p := g.packet()
			want, err := expr.Eval(e, matchEnv{}, p)
			if err != nil {
				rt.Fatal(err)
			}
			if want {
				matched++
			}
			if got := matches(t, flows, p); got != want {
				rt.Fatalf("%s\npacket %s\nexpression %v, flows %v:\n%s", text, p, want, got, strings.Join(lines, "\n"))
			}
		}
	})
	if compiled == 0 || conjunctive == 0 || matched == 0 {
		t.Errorf("%d compiled, %d conjunctive flows, %d packets matched: the generator is no good", compiled, conjunctive, matched)
	}
	t.Logf("%d compiled, %d conjunctive flows, %d packets matched", compiled, conjunctive, matched)
}

// TestSwitchAgreesWithExpression does the same with what a real switch says of the flows that it was given, as ovs-ofctl(8) prints them.
func TestSwitchAgreesWithExpression(t *testing.T) {
	r := newRig(t)
	r.start()
	compiler, err := lflow.NewCompiler(action.OptionTable{}, action.OptionTable{})
	if err != nil {
		t.Fatal(err)
	}
	type sample struct {
		text    string
		e       expr.Expr
		packets []*ir.Packet
	}
	symbols := expr.NewSymtab()
	draw := rapid.Custom(func(rt *rapid.T) sample {
		g := matchGen{rt}
		s := sample{text: g.expr(2)}
		if g.n(0, 3) == 0 {
			s.text = g.product() + " && (" + s.text + ")"
		}
		for range 20 {
			s.packets = append(s.packets, g.packet())
		}
		return s
	})
	samples := map[uint64]sample{} // each on a datapath of its own
	var all []ir.Rule
	for i := range 150 {
		s := draw.Example(i)
		if s.e, err = symbols.Parse(s.text); err != nil {
			t.Fatalf("%s: %v", s.text, err)
		}
		key := uint64(i + 1)
		rules, _, err := compiler.Compile(&lflow.Flow{Ingress: true, Table: 1, Priority: 7, Match: s.text, Actions: "next;"},
			&lflow.View{Key: uint32(key), Env: matchEnv{}, Action: action.Env{}})
		if err == nil {
			samples[key] = s
			all = append(all, rules...)
		}
	}
	for _, f := range r.send(backend.Delta{Reset: true, Put: all}) {
		if !strings.Contains(f.Detail, "not later fragments") {
			t.Errorf("refused: %s", f.Detail)
		}
		i := slices.IndexFunc(all, func(x ir.Rule) bool { return x.ID == f.Rule })
		delete(samples, uint64(all[i].Datapath))
	}
	flows := map[uint64][]*ofp.FlowMod{}
	for _, line := range r.flows() {
		f, err := ofp.ParseFlow(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		dp, _ := f.Match.Term(ofp.Metadata)
		flows[dp.Value.Lo] = append(flows[dp.Value.Lo], f)
	}
	matched := 0
	for key, s := range samples {
		for _, p := range s.packets {
			p.Put(ir.Datapath, ir.V(key))
			want, err := expr.Eval(s.e, matchEnv{}, p)
			if err != nil {
				t.Fatal(err)
			}
			if want {
				matched++
			}
			if got := matches(t, flows[key], p); got != want {
				t.Errorf("%s\npacket %s\nexpression %v, switch %v", s.text, p, want, got)
			}
		}
	}
	r.start()
	r.send(backend.Delta{Reset: true, Put: all})
	if st := r.status(); st.Added != 0 || st.Removed != 0 {
		t.Errorf("a second backend added %d flows and removed %d", st.Added, st.Removed)
	}
	if len(samples) < 100 || matched == 0 {
		t.Errorf("%d samples, %d packets matched: the generator is no good", len(samples), matched)
	}
}
