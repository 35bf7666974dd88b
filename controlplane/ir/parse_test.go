package ir_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/ir/irtest"
)

func TestParseMatchInvertsString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := irtest.Match().Draw(t, "match")
		got, err := ir.ParseMatch(m.String())
		if err != nil || got != m {
			t.Fatalf("ParseMatch(%s) = %s, %v", m, got, err)
		}
	})
}

func TestParseProgramInvertsString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := irtest.Program().Draw(t, "program")
		got, err := ir.ParseProgram(p.String())
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Ops) == 0 && len(got.Ops) == 0 {
			return
		}
		if !reflect.DeepEqual(got.Ops, p.Ops) {
			t.Fatalf("%s parsed to %#v, want %#v", p, got.Ops, p.Ops)
		}
	})
}

func TestParseRuleInvertsString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := irtest.Rule().Draw(t, "rule")
		got, err := ir.ParseRule(r.String())
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != r.String() || got.ID != r.ID {
			t.Fatalf("%s (%x) parsed to %s (%x)", r, r.ID, got, got.ID)
		}
	})
}

// Every operation of the package occurs in the random programs, so the tests
// above cannot miss an operation that is added later.
func TestGeneratorKnowsEveryOp(t *testing.T) {
	want := opTypes(t)
	seen := map[string]bool{}
	for i := 0; i < 5000 && len(seen) < len(want); i++ {
		seen[reflect.TypeOf(irtest.Op(1).Example(i)).Name()] = true
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("irtest.Op never generates %s", name)
		}
	}
}

// opTypes reads the types with an AppendText method that return to being an Op out of the source.
func opTypes(t *testing.T) map[string]bool {
	t.Helper()
	notOps := map[string]bool{"Sub": true, "ZoneRef": true}
	types := map[string]bool{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "AppendText" {
				continue
			}
			if id, ok := fn.Recv.List[0].Type.(*ast.Ident); ok && !notOps[id.Name] {
				types[id.Name] = true
			}
		}
	}
	if len(types) < 15 {
		t.Fatalf("found only %d operations in the source", len(types))
	}
	return types
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		parse func(string) error
		text  string
		want  string
	}{
		{match, "", `column 1: want a field`},
		{match, "reg99=1", `column 1: want a field, got "reg99=1"`},
		{match, "eth.type=0x10000", `column 10: want a number of at most 16 bits`},
		{match, "reg0=1, reg0=2", `do not contradict`},
		{match, "reg0=1 reg1=2", `want the end, got "reg1=2"`},
		{match, "reg0=0x", `want a number`},
		{match, "ct_label=0x1ffffffffffffffffffffffffffffffff", `at most 128 bits`},
		{program, "", `an operation or \"drop;\"`},
		{program, "call nowhere;", `want a stage`},
		{program, "reg0 = 1", `want ";"`},
		{program, "reg0[40] = 1;", `bits of reg0, 0..31`},
		{program, "reg0[4..2] = 1;", `bits of reg0, 0..31`},
		{program, "reg0[0..1] = reg1;", `as wide as reg0[0..1]`},
		{program, "reg0[0..1] = 4;", `at most 2 bits`},
		{program, "reg0 = longer 5;", `one bit`},
		{program, "punt dance;", `an opcode`},
		{program, "punt arp args=abc;", `hexadecimal bytes`},
		{program, "ct zone=0 nat(src=1.2.3);", `an IP address`},
		{program, `meter "";`, `not empty`},
		{program, strings.Repeat("clone {", 200), `nested`},
		{rule, "ingress.0 70000 match(any) { drop; }", `at most 16 bits`},
		{rule, "ingress.0 1 match(any) any-of(reg0=1) { drop; }", `two dimensions`},
		{rule, "ingress.0 1 { drop; }", `\"match(\"`},
	}
	for _, tt := range tests {
		err := tt.parse(tt.text)
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(tt.want, `\"`, `"`)) {
			t.Errorf("%q: error %v, want one with %s", tt.text, err, tt.want)
		}
		var syntax *ir.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: error %v is not a SyntaxError", tt.text, err)
		}
	}
}

func match(s string) error   { _, err := ir.ParseMatch(s); return err }
func program(s string) error { _, err := ir.ParseProgram(s); return err }
func rule(s string) error    { _, err := ir.ParseRule(s); return err }

// Text that parses is a fixed point after one round: bad text never panics,
// and good text means the same after it is written out.
func FuzzParse(f *testing.F) {
	f.Add("ingress.3 100 datapath=7 match(reg0=1/3, ip4.src=0x0a000000/0xff000000) { reg1 = 5; call egress.2; }")
	f.Add("local_output 0 match(any) any-of(tcp.src=1 | any) any-of(tcp.dst=2) { drop; }")
	f.Add("log_to_phy 1 match(xxreg0=0xff) { ct zone=ct_zone[0..15] commit next=ingress.4 nat(src=1.1.1.1-1.1.1.9 port=1-9 hash) exec {ct_mark[0] = 1;}; }")
	f.Add(`output 1 match(any) { select hash=ip4.src bucket(weight=1 watch=2 {to_port in_port;}); punt arp pause result=reg0[3] meter="a\"b" args=0102{eth.dst = 1;}; }`)
	f.Add("output 1 match(any) { learn ecmp_nh priority=1 idle=3 match(eth.src = eth.dst) load(reg0 = 7); sample probability=1 collector_set=2 obs_domain=3 obs_point=reg1; }")
	f.Add("output 1 match(any) { first_up 1 2; push_vlan 0x8100; reg0[1] = longer 1500; meter rate=1 burst=2; clone {dec_ttl;}; }")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ir.ParseRule(text)
		if err != nil {
			return
		}
		again, err := ir.ParseRule(r.String())
		if err != nil {
			t.Fatalf("%q parsed, but its canonical text does not: %v", text, err)
		}
		if again.String() != r.String() || again.ID != r.ID {
			t.Fatalf("%q: %s then %s", text, r, again)
		}
	})
}
