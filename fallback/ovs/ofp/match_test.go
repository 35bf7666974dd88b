package ofp

import "testing"

// A register is found in a canonical match, which has registers in pairs, and not for the other one of its pair.
func TestRegisterTerm(t *testing.T) {
	var b MatchBuilder
	b.Set(Reg(0), 7)
	b.Set(Reg(1), 8)
	b.SetMasked(Reg(3), V(0x10), V(0xf0))
	m, err := b.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		n     int
		value uint64
		mask  uint64 // 0: not tested
	}{{0, 7, 0xffffffff}, {1, 8, 0xffffffff}, {2, 0, 0}, {3, 0x10, 0xf0}, {4, 0, 0}} {
		got, ok := m.Term(Reg(c.n))
		want := Term{Reg(c.n), V(c.value), V(c.mask)}
		if ok != (c.mask != 0) || ok && got != want {
			t.Errorf("reg%d: %v, %v", c.n, got, ok)
		}
	}
}
