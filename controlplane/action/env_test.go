package action

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

func mustParse(t testing.TB, p *Parser, text string) *Actions {
	t.Helper()
	a, err := p.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustLower(t testing.TB, a *Actions, env *Env) (string, Deps) {
	t.Helper()
	ops, deps, err := a.Lower(env)
	if err != nil {
		t.Fatal(err)
	}
	return ir.NewProgram(ops...).String(), deps
}

func TestDeps(t *testing.T) {
	p := testParser(t)
	for _, tt := range []struct {
		in   string
		want Deps
	}{
		{"next;", Deps{}},
		{`outport = "lsp1"; inport = ""; output;`, Deps{Ports: []string{"lsp1"}}},
		{`clone { outport = "nowhere"; output; };`, Deps{Ports: []string{"nowhere"}, Missing: []string{"nowhere"}}},
		{`bind_vport("lsp1", inport);`, Deps{Ports: []string{"lsp1"}, Meters: []string{"arp"}}},
		{`mirror("lsp2");`, Deps{Ports: []string{"lsp2"}}},
		{`ct_lb_mark_local(backends="lsp1":1.1.1.1,"lsp2":1.1.1.2);`, Deps{Resident: []string{"lsp1", "lsp2"}}},
		{`fwd_group(liveness="true", childports="lsp1", "x");`, Deps{
			Ports: []string{"lsp1", "x"}, Missing: []string{"x"}, Watch: []string{"lsp1"}}},
		{"sample(probability=1,collector_set=3);", Deps{Collectors: []uint32{3}}},
		{"arp { output; };", Deps{Meters: []string{"arp"}}},
		{`log(verdict=drop, meter="acl");`, Deps{Meters: []string{"acl"}}},
		{`trigger_event(event = "empty_lb_backends", meter = "ev");`, Deps{Meters: []string{"ev"}}},
		{`trigger_event(event = "empty_lb_backends");`, Deps{Meters: []string{"arp"}}},
	} {
		env := switchEnv()
		env.Meter = "arp"
		_, deps := mustLower(t, mustParse(t, p, tt.in), env)
		if diff := cmp.Diff(tt.want, deps); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.in, diff)
		}
	}
}

func TestEnv(t *testing.T) {
	p := testParser(t)
	for _, tt := range []struct {
		name, in, want string
		env            Env
	}{
		{"output of egress", "output;", "call save_inport;", Env{}},
		{"next in egress", "next; next(pipeline=ingress, table=0);", "call egress.1; call ingress.0;", Env{}},
		{"arp in egress", "arp { output; };", "punt arp pause {call save_inport;}; call save_inport;", Env{}},
		{"controller meter", "igmp;", `punt igmp meter="igmp-meter";`, Env{Meter: "igmp-meter"}},
		{"meter of log is its own", "log(verdict=allow);", "punt log args=0006;", Env{Meter: "other"}},
		{"common zone is DNAT's", "ct_snat_in_czone;", "ct zone=dnat_zone[0..15] next=egress.1 nat();", Env{}},
		{"common zone is SNAT's", "ct_dnat_in_czone(10.0.0.1);",
			"ct zone=snat_zone[0..15] commit next=egress.1 nat(dst=10.0.0.1);", Env{SNATZoneCommon: true}},
		{"zone of ct_dnat stays", "ct_dnat;", "ct zone=dnat_zone[0..15] next=egress.1 nat();", Env{SNATZoneCommon: true}},
		{"all-zero SNAT", "ct_commit { ct_mark = 1; };", "ct zone=dnat_zone[0..15] commit nat(src) exec {ct_mark = 1;};",
			Env{ZeroSNAT: true}},
		{"all-zero SNAT, old form", "ct_commit(ct_mark=1);", "ct zone=ct_zone[0..15] commit nat(src) exec {ct_mark = 1;};",
			Env{ZeroSNAT: true, Switch: true}},
		{"no functions", `outport = "a"; mirror("b"); fwd_group(liveness="true", childports="c"); sample(probability=1); ` +
			`ct_lb_mark_local(backends="d":1.1.1.1);`, "outport = 0;", Env{}},
		{"longest pipeline", "next(63);", "call egress.63;", Env{IngressLen: 1000, EgressLen: -1}},
	} {
		got, _ := mustLower(t, mustParse(t, p, tt.in), &tt.env)
		if got != tt.want {
			t.Errorf("%s:\n got  %s\n want %s", tt.name, got, tt.want)
		}
	}
}

func TestAffinityRegisters(t *testing.T) {
	p := testParser(t)
	v4 := `commit_lb_aff(vip = "10.0.0.1:80", backend = "10.0.0.2:81", proto = tcp, timeout = 9);`
	v6 := `commit_lb_aff(vip = "[::1]:80", backend = "[::2]:81", proto = tcp, timeout = 9);`
	for _, tt := range []struct {
		name, in string
		env      Env
		want     []ir.Sub
	}{
		{"old", v4, Env{}, []ir.Sub{ir.All(ir.Reg4), ir.Bits(ir.Reg8, 0, 16)}},
		{"old, switch, IPv6", v6, Env{Switch: true}, []ir.Sub{ir.All(ir.XXReg0), ir.Bits(ir.Reg8, 0, 16)}},
		{"old, router, IPv6", v6, Env{}, []ir.Sub{ir.All(ir.XXReg1), ir.Bits(ir.Reg8, 0, 16)}},
		{"new", v4, Env{Affinity: NewAffinityRegs()}, []ir.Sub{ir.All(ir.Reg4), ir.Bits(ir.Reg2, 0, 16)}},
		{"new, switch, IPv6", v6, Env{Switch: true, Affinity: NewAffinityRegs()}, []ir.Sub{ir.All(ir.XXReg1), ir.Bits(ir.Reg2, 0, 16)}},
	} {
		ops, _, err := mustParse(t, p, tt.in).Lower(&tt.env)
		if err != nil {
			t.Fatal(err)
		}
		var got []ir.Sub
		for _, load := range ops[0].(ir.Learn).Loads[1:] {
			got = append(got, load.Dst)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
	}
}

// One parsed text is lowered for many logical flows: nothing of one may stay in it.
func TestLowerIsRepeatable(t *testing.T) {
	p := testParser(t)
	a := mustParse(t, p, `reg0[0] = lookup_arp(inport, ip4.dst, eth.src); icmp4 { icmp4.frag_mtu = 5; }; arp { output; };`)
	first, _ := mustLower(t, a, switchEnv())
	other := routerEnv()
	other.Ingress = false
	mustLower(t, a, other)
	if again, _ := mustLower(t, a, switchEnv()); again != first {
		t.Errorf("got %s\nthen %s", first, again)
	}
}

func TestFormatAnywhere(t *testing.T) {
	p := testParser(t)
	for in, want := range map[string]string{
		"drop;":                             "drop;",
		"next; next(3);":                    "next; next(3);",
		"next(pipeline=egress);":            "next(pipeline=egress);",
		"next(pipeline=ingress);":           "next(pipeline=ingress);",
		"next(table=4, pipeline=ingress);":  "next(pipeline=ingress, table=4);",
		"clone { next(pipeline=egress); };": "clone { next(pipeline=egress); };",
	} {
		if got := mustParse(t, p, in).String(); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestDrop(t *testing.T) {
	p := testParser(t)
	if !mustParse(t, p, "drop;").Drop() || !mustParse(t, p, "").Drop() || mustParse(t, p, "next;").Drop() {
		t.Error("only texts without actions drop")
	}
}
