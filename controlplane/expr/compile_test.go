package expr

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// texts is a normal form as sorted lines: base, then the dimensions in braces.
func texts(ks []Conj) []string {
	var out []string
	for _, k := range ks {
		s := k.Base.String()
		for _, d := range k.Dims {
			var alts []string
			for _, m := range d {
				alts = append(alts, m.String())
			}
			slices.Sort(alts)
			s += " {" + strings.Join(alts, " | ") + "}"
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func compileText(text string, env Env) ([]Conj, Deps, error) {
	e, err := NewSymtab().Parse(text)
	if err != nil {
		return nil, Deps{}, err
	}
	return Compile(e, env)
}

// TestCompile has the cases of OVN's tests of "converting expressions to flows".
func TestCompile(t *testing.T) {
	const v4, v6 = "eth.type=2048", "eth.type=34525"
	src := func(n int) string { return fmt.Sprintf("ip4.src=0xa%06x", n) }
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"1", []string{"any"}},
		{"0", nil},
		{`inport == "eth0"`, []string{"inport=5"}},
		{`inport == "eth2"`, nil},
		{`inport == "eth0" && ip`, []string{"inport=5, " + v6, "inport=5, " + v4}},
		{`inport == "eth2" && ip`, nil},
		{`inport == {"eth0", "eth1", "eth2", "LOCAL"}`, []string{"inport=5", "inport=6", "inport=65534"}},
		{`inport == "eth0" && inport == "eth1"`, nil},
		{`remote_outport == "eth0"`, []string{"reg1=5"}},
		{"from_evpn_vtep", []string{"inport=0x80000000/0x80000000"}},
		{"outport == @pg1", []string{"outport=17", "outport=18", "outport=19"}},
		{"outport == {@pg_empty}", nil},
		{`outport == {"lsp1", @pg_empty}`, []string{"outport=17"}},
		{`(inport == "lsp1" || inport == "lsp2") && ip4`, []string{"inport=17, " + v4, "inport=18, " + v4}},

		{"ip4.src == {10.0.0.1, 10.0.0.2, 10.0.0.3}",
			[]string{v4 + ", " + src(1), v4 + ", ip4.src=0xa000002/0xfffffffe"}},
		{"ip4.src == $set1", []string{v4 + ", " + src(1), v4 + ", ip4.src=0xa000002/0xfffffffe"}},
		{"ip4.src == {$set4}", nil},
		{"ip4.src == {1.2.3.4, $set4}", []string{v4 + ", ip4.src=0x1020304"}},
		{"ip4.src == 1.2.3.4 || ip4.src == {$set4}", []string{v4 + ", ip4.src=0x1020304"}},
		{"ip4.src != {$set4}", []string{"any"}},
		{"ip4.src != {1.0.0.0/8, $set4}", []string{
			v4 + ", ip4.src=0/0xff000000", v4 + ", ip4.src=0x2000000/0xfe000000",
			v4 + ", ip4.src=0x4000000/0xfc000000", v4 + ", ip4.src=0x8000000/0xf8000000",
			v4 + ", ip4.src=0x10000000/0xf0000000", v4 + ", ip4.src=0x20000000/0xe0000000",
			v4 + ", ip4.src=0x40000000/0xc0000000", v4 + ", ip4.src=0x80000000/0x80000000"}},
		{"ip4.dst == 172.27.0.65 && ip4.src == {1.1.1.1, 2.2.2.2} && ip4.dst != 10.128.0.0/14", []string{
			v4 + ", ip4.src=0x1010101, ip4.dst=0xac1b0041", v4 + ", ip4.src=0x2020202, ip4.dst=0xac1b0041"}},
		{"ip4.src == 172.168.0.0/16 && ip4.src != {172.168.13.0/24, 172.168.14.0/24}", []string{
			v4 + ", ip4.src=0xaca80000/0xfffff800", v4 + ", ip4.src=0xaca80800/0xfffffc00",
			v4 + ", ip4.src=0xaca80c00/0xffffff00", v4 + ", ip4.src=0xaca80f00/0xffffff00",
			v4 + ", ip4.src=0xaca81000/0xfffff000", v4 + ", ip4.src=0xaca82000/0xffffe000",
			v4 + ", ip4.src=0xaca84000/0xffffc000", v4 + ", ip4.src=0xaca88000/0xffff8000"}},
		{"ip4.src == $masked", []string{v4 + ", ip4.src=0xa000000/0xff0000ff", v4 + ", ip4.src=0x1020304"}},

		// Special cases of simplification.
		{"eth.dst == 0/0", []string{"any"}},
		{"eth.dst != 0/0", nil},
		{"tcp.dst >= 0", []string{v4 + ", ip.proto=6", v6 + ", ip.proto=6"}},
		{"ip4 && tcp.dst > 65533", []string{v4 + ", ip.proto=6, tcp.dst=65534/65534"}},
		{"vlan.present", []string{"vlan.tci=4096/4096"}},
		{"!vlan.present", []string{"vlan.tci=0/4096"}},
		{"vlan.vid == 5", []string{"vlan.tci=4101/8191"}},
		{"!vlan.pcp", []string{"vlan.tci=4096/61440"}},
		{"xxreg0[0..63] == 0x100000002 && reg1 == 7", []string{"reg1=7, reg2=1, reg3=2"}},
		{"reg0 == 1 && xreg0 == 0x200000000", nil},
		{"xxreg1 == {1, 0x10000000000000000}", []string{"reg4=0, reg5=0, reg6=0, reg7=1",
			"reg4=0, reg5=1, reg6=0, reg7=0"}},
		{"flags.loopback && flags.network_id == 3", []string{"flags=0x30000001/0xf0000001"}},
		{"rarp.op == 3", []string{"eth.type=32821, arp.op=3"}},
		{"ct_label.ecmp_reply_port == 0xffff", []string{"ct_label=0xffff00000000000000000000/0xffff00000000000000000000"}},

		{"vlan.present == {0, 1}", []string{"vlan.tci=0/4096", "vlan.tci=4096/4096"}},
		{"vlan.present != {0, 1}", nil},
		{"vlan.present != {1}", []string{"vlan.tci=0/4096"}},
		{"ip4 && ip != {0}", []string{v4}},
		{"eth.dst != {00:00:00:00:00:01/00:00:00:00:00:05}", []string{"eth.dst=0/5", "eth.dst=4/4"}},
		{"reg0 == {1/5, 5/5, 0/0}", []string{"any"}},

		// Prerequisites.
		{"nd.target == fe80::1", []string{
			v6 + ", ip.proto=58, ip.ttl=255, icmp6.type=135, icmp6.code=0, nd.target=0xfe800000000000000000000000000001",
			v6 + ", ip.proto=58, ip.ttl=255, icmp6.type=136, icmp6.code=0, nd.target=0xfe800000000000000000000000000001"}},
		{"ip.first_frag", []string{v4 + ", ip.frag=1", v6 + ", ip.frag=1"}},
		{"ip4 && ip.ttl == {0, 1} && !ip.later_frag", []string{
			v4 + ", ip.ttl=0, ip.frag=0/2", v4 + ", ip.ttl=1, ip.frag=0/2"}},
		{"ip4 && !ip4.mcast", []string{
			"eth.dst=0/0x10000000000, " + v4,
			v4 + ", ip4.dst=0/0x80000000", v4 + ", ip4.dst=0x80000000/0xc0000000",
			v4 + ", ip4.dst=0xc0000000/0xe0000000", v4 + ", ip4.dst=0xf0000000/0xf0000000"}},
		{"ip && (!ct.est || (ct.est && ct_mark.blocked == 1))", []string{
			"ct_state=32/34, " + v6, "ct_state=32/34, " + v4,
			"ct_state=34/34, ct_mark=1/1, " + v6, "ct_state=34/34, ct_mark=1/1, " + v4}},
		{"ct.est || ct.new", []string{"ct_state=33/33", "ct_state=34/34"}},
		{"tcp.dst == 80 || udp.dst == 53", []string{v6 + ", ip.proto=17, udp.dst=53", v6 + ", ip.proto=6, tcp.dst=80",
			v4 + ", ip.proto=17, udp.dst=53", v4 + ", ip.proto=6, tcp.dst=80"}},

		{"ip4 && (!ip.is_frag || ip4)", []string{v4}},
		{"ip4 && (!ip.is_frag || !ip4.src_mcast)", []string{v4 + ", ip.frag=0/1",
			v4 + ", ip4.src=0/0x80000000", v4 + ", ip4.src=0x80000000/0xc0000000",
			v4 + ", ip4.src=0xc0000000/0xe0000000", v4 + ", ip4.src=0xf0000000/0xf0000000"}},

		// Residency decides before anything else.
		{`is_chassis_resident("eth1") && reg0 == 1`, []string{"reg0=1"}},
		{`!is_chassis_resident("eth1") && reg0 == 1`, nil},
		{`reg0 == 1 || is_chassis_resident("eth1")`, []string{"any"}},

		// Products.
		{"ip4.src == {10.0.0.1, 10.0.0.3, 10.0.0.5, 10.0.0.7, 10.0.0.9} && ip4.dst == {20.0.0.1, 20.0.0.3, 20.0.0.5, 20.0.0.7}",
			[]string{v4 + " {" + strings.Join([]string{src(1), src(3), src(5), src(7), src(9)}, " | ") + "} " +
				"{ip4.dst=0x14000001 | ip4.dst=0x14000003 | ip4.dst=0x14000005 | ip4.dst=0x14000007}"}},
		{"ip4.src == {1.1.1.1, 2.2.2.2} && tcp.dst == {80, 443}", []string{
			v4 + ", ip.proto=6, ip4.src=0x1010101, tcp.dst=80", v4 + ", ip.proto=6, ip4.src=0x1010101, tcp.dst=443",
			v4 + ", ip.proto=6, ip4.src=0x2020202, tcp.dst=80", v4 + ", ip.proto=6, ip4.src=0x2020202, tcp.dst=443"}},
	} {
		ks, _, err := compileText(c.in, testEnv())
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		want := slices.Clone(c.want)
		for i, w := range want {
			if !strings.ContainsAny(w, "{") {
				want[i] = canonicalTerms(w)
			}
		}
		slices.Sort(want)
		if d := cmp.Diff(want, texts(ks)); d != "" {
			t.Errorf("%s: -want +got:\n%s", c.in, d)
		}
	}
}

// canonicalTerms puts the terms of a match's text in field order.
func canonicalTerms(s string) string {
	parts := strings.Split(s, ", ")
	field := func(p string) ir.Field {
		name, _, _ := strings.Cut(p, "=")
		f, _ := ir.FieldByName(name)
		return f
	}
	slices.SortFunc(parts, func(a, b string) int { return int(field(a)) - int(field(b)) })
	return strings.Join(parts, ", ")
}

func TestCompileErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"ip4.src == {1.2.3.4, $nope}", "column 22: address set $nope does not exist; the flow waits for it"},
		{"inport == @nope", "column 11: port group @nope does not exist on this datapath; the flow waits for it"},
		{"ip4.src == $set2", "column 12: address set $set2: 128-bit constant ::1 is not compatible with 32-bit field ip4.src"},
		{"!ip.is_frag", "column 2: match needs an inequality or masked test of eth.type, which can only be tested for equality: " +
			"add a positive test beside it, e.g. `ip4 && !ip.is_frag'"},
		{"eth.type == 0x800/0xff00", "column 1: match needs an inequality or masked test of eth.type, which can only be tested " +
			"for equality: add a positive test beside it, e.g. `ip4 && !ip.is_frag'"},
	} {
		_, _, err := compileText(c.in, testEnv())
		if err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.in, err, c.want)
		}
	}
}

// conjunctsOfProducts is a conjunction of n disjunctions of two products of two sets of
// so many values, all on different bits.
func conjunctsOfProducts(n, values int) string {
	var bits []string
	for _, f := range []string{"reg0", "reg1", "reg2", "reg3", "reg4", "reg5", "reg6", "reg7", "reg8", "reg9",
		"flags", "ct_mark", "pkt.mark", "ct_label"} {
		for lo := 0; lo+8 <= symbols.Lookup(f).Width; lo += 8 {
			bits = append(bits, fmt.Sprintf("%s[%d..%d]", f, lo, lo+7))
		}
	}
	set := func() string {
		var vs []string
		for i := range values {
			vs = append(vs, fmt.Sprint(2*i))
		}
		b := bits[0]
		bits = bits[1:]
		return b + " == {" + strings.Join(vs, ", ") + "}"
	}
	var parts []string
	for range n {
		parts = append(parts, "(("+set()+" && "+set()+") || ("+set()+" && "+set()+"))")
	}
	return strings.Join(parts, " && ")
}

// TestManyDims: what is over the limit of dimensions is written out.
func TestManyDims(t *testing.T) {
	var parts []string
	for i := range 66 {
		parts = append(parts, fmt.Sprintf("reg%d[%d..%d] == {0, 3}", i/10, i%10*2, i%10*2+1))
	}
	ks, _, err := compileText(strings.Join(parts, " && "), testEnv())
	if err != nil || len(ks) != 4 {
		t.Fatalf("%d parts, %v", len(ks), err)
	}
	for _, k := range ks {
		if len(k.Dims) != maxDims {
			t.Errorf("%d dimensions", len(k.Dims))
		}
	}
}

// TestNoBlowUp compiles what has 2^17 products when multiplied out.
func TestNoBlowUp(t *testing.T) {
	ks, _, err := compileText(conjunctsOfProducts(17, 10), testEnv())
	flows := 0
	for _, k := range ks {
		flows += k.Flows()
	}
	if err != nil || flows > 17*200+1 {
		t.Errorf("%d flows, %v", flows, err)
	}
}

func TestTooLarge(t *testing.T) {
	if _, _, err := compileText(conjunctsOfProducts(17, 100), testEnv()); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	// Few bits of many addresses: what is left when all are taken away.
	var masked []string
	for i := range 60 {
		masked = append(masked, fmt.Sprintf("0x%x/0x%x", 0x10001<<(i%7), 0x15001<<(i%11)|1<<(i%31)))
	}
	if _, _, err := compileText("ip4.src != {"+strings.Join(masked, ", ")+"}", testEnv()); err != nil && !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want a result or ErrTooLarge", err)
	}
}

func TestDeps(t *testing.T) {
	_, deps, err := compileText(`is_chassis_resident("r1") || (ip4.src == {$set1, $set4} && inport == {@pg1, "gone"} && `+
		`ip4.dst == $set1 && ip4.dst == $nope)`, testEnv())
	var unknown *UnknownSetError
	if !errors.As(err, &unknown) || unknown.Name != "nope" || unknown.Group || unknown.Column != 119 {
		t.Errorf("got %v, want UnknownSetError for nope", err)
	}
	want := Deps{AddressSets: []string{"set1", "set4", "nope"}, PortGroups: []string{"pg1"}, Residents: []string{"r1"},
		Ports: []string{"lsp1", "lsp2", "lsp3", "gone"}}
	if d := cmp.Diff(want, deps); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	// Decided by residency: nothing else was asked.
	_, deps, err = compileText(`ip4.src == $nope && is_chassis_resident("r1")`, testEnv())
	if d := cmp.Diff(Deps{Residents: []string{"r1"}}, deps); d != "" || err != nil {
		t.Errorf("error %v, -want +got:\n%s", err, d)
	}
}

func TestExpandTemplates(t *testing.T) {
	vars := func(n string) (string, bool) {
		v, ok := map[string]string{"vip": "10.0.0.1", "port": "80"}[n]
		return v, ok
	}
	got, refs, err := ExpandTemplates(`ip4.dst == ^vip && tcp.dst == ^port && "^vip" == inport && ip4.src == ^vip`, vars)
	want := `ip4.dst == 10.0.0.1 && tcp.dst == 80 && "^vip" == inport && ip4.src == 10.0.0.1`
	if got != want || err != nil || !slices.Equal(refs, []string{"vip", "port"}) {
		t.Errorf("got %q %q %v", got, refs, err)
	}
	_, refs, err = ExpandTemplates("ip4.dst == ^gone && tcp.dst == ^port", vars)
	if err == nil || err.Error() != "column 12: template variable ^gone has no value on this chassis" ||
		!slices.Equal(refs, []string{"gone", "port"}) {
		t.Errorf("got %q %v", refs, err)
	}
}

func TestACLConntrackSymtab(t *testing.T) {
	e, err := NewACLConntrackSymtab().Parse("tcp.dst == {80, 443} && ip4")
	if err != nil {
		t.Fatal(err)
	}
	ks, _, err := Compile(e, testEnv())
	want := []string{"ct_state=32/48, ct_proto=6, ct_tp.dst=443, eth.type=2048",
		"ct_state=32/48, ct_proto=6, ct_tp.dst=80, eth.type=2048"}
	if d := cmp.Diff(want, texts(ks)); d != "" || err != nil {
		t.Errorf("error %v, -want +got:\n%s", err, d)
	}
}

// TestErrorColumns: also what is wrong only where the datapath is known, is found in the text.
func TestErrorColumns(t *testing.T) {
	for text, want := range map[string]string{
		"ip4.src == $nope":                            "column 12: address set $nope does not exist; the flow waits for it",
		"tcp && ip4.dst == {10.0.0.1, $nope}":         "column 30: address set $nope does not exist; the flow waits for it",
		"ip4 && inport == {\"lsp1\", @pg9}":           "column 27: port group @pg9 does not exist on this datapath; the flow waits for it",
		"reg0 == 1 && !ip.is_frag":                    "column 15: match needs an inequality or masked test of eth.type",
		"eth.type == 0x800 && eth.type == {1, $set1}": "column 38: address set $set1: ",
	} {
		_, _, err := compileText(text, testEnv())
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	e, err := NewSymtab().Parse("reg0 == 1 || ip4.src == $nope")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Eval(e, testEnv(), Packet{}); err == nil || !strings.HasPrefix(err.Error(), "column 25: address set $nope") {
		t.Errorf("evaluated: %v", err)
	}
}

// TestManyInequalities: what is not equal to any of many values needs at most one flow for each bit of each value, and two such
// sets their sum, not their product.
func TestManyInequalities(t *testing.T) {
	const n = 500
	rnd := rand.New(rand.NewPCG(1, 2))
	set := func(width int) string {
		var all []string
		for range n {
			v := ir.V(rnd.Uint64()).Shl(64).Or(ir.V(rnd.Uint64())).And(ir.Ones(width))
			all = append(all, string(appendHex(nil, v)))
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	for _, tt := range []struct {
		match string
		most  int
	}{
		{"ip4.src != " + set(32), n * 32},
		{"ip6.dst != " + set(128), n * 128},
		{"eth.src != " + set(48), n * 48},
		{"ip4.src != " + set(32) + " && ip4.dst != " + set(32), n*64 + 1},
		{"ip4.src != " + set(32) + " && tcp.dst == {1, 5, 9} && ip4.dst != " + set(32), n*64 + 4},
	} {
		e, err := symbols.Parse(tt.match)
		if err != nil {
			t.Fatal(err)
		}
		c := &compiler{env: testEnv()}
		s, err := c.sum(e, false)
		if err != nil {
			t.Fatal(err)
		}
		ks, err := emit(s)
		if err != nil {
			t.Fatal(err)
		}
		flows := 0
		for _, k := range ks {
			flows += k.Flows()
		}
		if flows < n || flows > tt.most || c.work > tt.most || len(ks) > tt.most {
			t.Errorf("%.30s...: %d flows in %d matches with %d splits, want %d flows at most", tt.match, flows, len(ks), c.work, tt.most)
		}
	}
}
