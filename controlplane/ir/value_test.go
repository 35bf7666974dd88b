package ir_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/ir/irtest"
)

func toBig(v ir.Value) *big.Int {
	n := new(big.Int).SetUint64(v.Hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(v.Lo))
}

func fromBig(n *big.Int) ir.Value {
	mod := new(big.Int).Lsh(big.NewInt(1), 128)
	return ir.BytesValue(new(big.Int).Mod(n, mod).Bytes())
}

// math/big is the oracle of the 128-bit arithmetic.
func TestValueAgreesWithBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := irtest.Value(128).Draw(t, "a"), irtest.Value(128).Draw(t, "b")
		n := rapid.IntRange(0, 130).Draw(t, "n")
		x, y := toBig(a), toBig(b)
		check := func(what string, got ir.Value, want *big.Int) {
			t.Helper()
			if got != fromBig(want) {
				t.Fatalf("%s of %s, %s, %d = %s, want %x", what, a, b, n, got, want)
			}
		}
		z := func() *big.Int { return new(big.Int) }
		check("Add", a.Add(b), z().Add(x, y))
		check("Sub", a.Sub(b), z().Sub(x, y))
		check("And", a.And(b), z().And(x, y))
		check("Or", a.Or(b), z().Or(x, y))
		check("Xor", a.Xor(b), z().Xor(x, y))
		check("Not", a.Not(), z().Not(x))
		check("Shl", a.Shl(n), z().Lsh(x, uint(n)))
		check("Shr", a.Shr(n), z().Rsh(x, uint(n)))
		check("Ones", ir.Ones(n), z().Sub(z().Lsh(big.NewInt(1), uint(min(n, 128))), big.NewInt(1)))
		if a.Cmp(b) != x.Cmp(y) || a.Len() != x.BitLen() || a.IsZero() != (x.Sign() == 0) {
			t.Fatalf("Cmp, Len or IsZero of %s, %s", a, b)
		}
		if n < 128 && a.Bit(n) != int(x.Bit(n)) {
			t.Fatalf("Bit(%d) of %s", n, a)
		}
		ones := 0
		for i := range 128 {
			ones += int(x.Bit(i))
		}
		if a.OnesCount() != ones {
			t.Fatalf("OnesCount of %s = %d, want %d", a, a.OnesCount(), ones)
		}
		if got := ir.BytesValue(a.AppendBytes(nil, 16)); got != a {
			t.Fatalf("BytesValue(AppendBytes(%s)) = %s", a, got)
		}
	})
}

func TestValueString(t *testing.T) {
	tests := []struct {
		v    ir.Value
		want string
	}{
		{ir.V(0), "0"},
		{ir.V(65535), "65535"},
		{ir.V(65536), "0x10000"},
		{ir.V(0xa000001), "0xa000001"},
		{ir.Value{Hi: 1}, "0x10000000000000000"},
		{ir.Value{Hi: 0xfe80 << 48, Lo: 1}, "0xfe800000000000000000000000000001"},
	}
	for _, tt := range tests {
		if got := tt.v.String(); got != tt.want {
			t.Errorf("String = %s, want %s", got, tt.want)
		}
	}
}
