package expr

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// smallSymtab has number variables n0, n1 of so many bits and string variables s0, s1.
func smallSymtab(bits int) *Symtab {
	b := newBuilder()
	b.field("reg0", ir.Reg0, "")
	b.field("reg1", ir.Reg1, "")
	b.sub("n0", fmt.Sprintf("reg0[0..%d]", bits-1), "")
	b.sub("n1", fmt.Sprintf("reg1[3..%d]", bits+2), "")
	b.str("s0", ir.Inport)
	b.str("s1", ir.Outport)
	return b.t
}

// terminals is every comparison of the variables of smallSymtab.
func terminals(bits int, relations []string, strings bool) []string {
	var out []string
	for v := range 2 {
		for _, r := range relations {
			for k := range 1 << bits {
				out = append(out, fmt.Sprintf("n%d %s %d", v, r, k))
			}
		}
		if strings {
			for _, p := range []string{"eth0", "eth1", "unknown"} {
				out = append(out, fmt.Sprintf("s%d == %q", v, p))
			}
		}
	}
	return out
}

// allPackets is every assignment of the variables.
func allPackets(bits int, strings bool) []Packet {
	var out []Packet
	keys := []uint64{0}
	if strings {
		keys = []uint64{5, 6, 7}
	}
	for a := range uint64(1 << bits) {
		for b := range uint64(1 << bits) {
			for _, s0 := range keys {
				for _, s1 := range keys {
					// Bits outside of the variables are set: they must not matter.
					out = append(out, Packet{ir.Reg0: ir.V(a | 0xf00), ir.Reg1: ir.V(b<<3 | 7 | 0xf00),
						ir.Inport: ir.V(s0), ir.Outport: ir.V(s1)})
				}
			}
		}
	}
	return out
}

func checkAll(t *testing.T, tab *Symtab, text string, packets []Packet) {
	t.Helper()
	env := testEnv()
	e, err := tab.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	ks, _, err := Compile(e, env)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, p := range packets {
		want, err := Eval(e, env, p)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := AnyMatches(ks, p); got != want {
			t.Fatalf("%s: packet %v: Eval %v, normal form %v %v", text, p, want, got, texts(ks))
		}
	}
}

var allRelations = []string{"==", "!=", "<", "<=", ">", ">="}

// TestExhaustive2 tests every expression of one and two comparisons.
func TestExhaustive2(t *testing.T) {
	const bits = 2
	tab, packets := smallSymtab(bits), allPackets(bits, true)
	terms := terminals(bits, allRelations, true)
	for i, a := range terms {
		checkAll(t, tab, a, packets)
		for _, b := range terms[i:] {
			checkAll(t, tab, a+" && "+b, packets)
			checkAll(t, tab, a+" || "+b, packets)
		}
	}
	for _, a := range terminals(bits, allRelations, false) {
		checkAll(t, tab, "!("+a+")", packets)
	}
}

// TestExhaustive3 tests every shape of three comparisons.
func TestExhaustive3(t *testing.T) {
	const bits = 2
	tab, packets := smallSymtab(bits), allPackets(bits, false)
	terms := terminals(bits, []string{"==", "!=", "<"}, false)
	for i, a := range terms {
		for j, b := range terms[i:] {
			for _, c := range terms[i+j:] {
				checkAll(t, tab, a+" && "+b+" && "+c, packets)
				checkAll(t, tab, "("+a+" || "+b+") && "+c, packets)
				checkAll(t, tab, "!(("+a+" && "+b+") || "+c+")", packets)
			}
		}
	}
}

// TestSetsExhaustive tests every set of values of a small variable, equal and
// unequal, and that the normal form is no larger than it must be.
func TestSetsExhaustive(t *testing.T) {
	const bits = 4
	tab := smallSymtab(bits)
	var packets []Packet
	for v := range uint64(1 << bits) {
		packets = append(packets, Packet{ir.Reg0: ir.V(v)})
	}
	for set := 1; set < 1<<(1<<bits); set += 13 { // a sample of all 65535
		var values []Operand
		for v := range 1 << bits {
			if set>>v&1 == 1 {
				values = append(values, Operand{Const: Constant{Value: ir.V(uint64(v))}})
			}
		}
		in := string(AppendConstants([]byte("n0 == "), values, true))
		checkAll(t, tab, in, packets)
		checkAll(t, tab, "!("+in+")", packets)
	}
	ks, _, err := Compile(mustParse(t, tab, "n0 != {3, 5}"), testEnv())
	// 0..2 is 0/14 and 2; 4; 6..15 is 6/14 and 8/8.
	if got := texts(ks); err != nil || len(got) != 5 {
		t.Errorf("n0 != {3, 5}: %v %v", got, err)
	}
}

func mustParse(t *testing.T, tab *Symtab, text string) Expr {
	t.Helper()
	e, err := tab.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

func TestPrefixes(t *testing.T) {
	const w = 5
	in := func(s prefixes, v ir.Value) bool {
		return slices.ContainsFunc(s, func(p prefix) bool { return v.And(p.mask(w)) == p.v })
	}
	sets := []prefixes{}
	for seed := range uint64(200) {
		var s prefixes
		for i := range seed % 7 {
			n := int((seed*7 + i*3) % (w + 1))
			s = append(s, prefix{ir.V(seed * 31 * (i + 1) % 32).And(ir.Ones(n).Shl(w - n)), uint8(n)})
		}
		raw := slices.Clone(s)
		s = s.normal(w, seed%2 == 0)
		c := s.complement(w)
		for v := range uint64(32) {
			x := ir.V(v)
			if in(raw, x) != in(s, x) || in(s, x) == in(c, x) {
				t.Fatalf("%v: normal %v complement %v: wrong for %d", raw, s, c, v)
			}
			for _, o := range sets {
				if in(s.intersect(o, w), x) != (in(s, x) && in(o, x)) {
					t.Fatalf("%v and %v: wrong for %d", s, o, v)
				}
			}
		}
		if len(sets) < 20 {
			sets = append(sets, s)
		}
	}
	if got := (prefixes{}).complement(128); len(got) != 1 || got[0].n != 0 {
		t.Errorf("complement of nothing: %v", got)
	}
}
