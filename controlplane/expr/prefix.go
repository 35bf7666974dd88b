package expr

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// prefix is all values of a width that begin with the n most significant bits of v;
// the other bits of v are 0.
type prefix struct {
	v ir.Value
	n uint8
}

// prefixes is a set of values as prefixes, sorted, none inside another.
type prefixes []prefix

func (p prefix) mask(w int) ir.Value { return ir.Ones(int(p.n)).Shl(w - int(p.n)) }

// last is the greatest value in p.
func (p prefix) last(w int) ir.Value { return p.v.Or(ir.Ones(w - int(p.n))) }

func comparePrefix(a, b prefix) int {
	if c := a.v.Cmp(b.v); c != 0 {
		return c
	}
	return int(a.n) - int(b.n)
}

// normal sorts s in place and removes what is inside another prefix. With merge it
// also replaces two halves by the whole.
func (s prefixes) normal(w int, merge bool) prefixes {
	if !slices.IsSortedFunc(s, comparePrefix) {
		slices.SortFunc(s, comparePrefix)
	}
	out := s[:0]
	for _, p := range s {
		if k := len(out); k > 0 && p.v.Cmp(out[k-1].last(w)) <= 0 {
			continue // inside the one before
		}
		out = append(out, p)
		for merge && len(out) > 1 {
			a, b := out[len(out)-2], out[len(out)-1]
			if a.n != b.n || a.n == 0 {
				break
			}
			half := ir.V(1).Shl(w - int(a.n))
			if a.v.Xor(b.v) != half {
				break
			}
			out = out[:len(out)-1]
			out[len(out)-1] = prefix{a.v, a.n - 1} // a is the lower half
		}
	}
	return out
}

// complement is all values of w bits that are not in s, which is normal.
func (s prefixes) complement(w int) prefixes {
	var out prefixes
	var next ir.Value // least value not yet decided
	for _, p := range s {
		if next.Cmp(p.v) < 0 {
			out = out.appendRange(next, p.v.Sub(ir.V(1)), w)
		}
		last := p.last(w)
		if last == ir.Ones(w) {
			return out
		}
		next = last.Add(ir.V(1))
	}
	return out.appendRange(next, ir.Ones(w), w)
}

// appendRange appends the least number of prefixes that make up lo..hi.
func (s prefixes) appendRange(lo, hi ir.Value, w int) prefixes {
	for {
		// The greatest block that starts at lo and ends at hi or before.
		free := trailingZeros(lo, w)
		for free > 0 && lo.Or(ir.Ones(free)).Cmp(hi) > 0 {
			free--
		}
		s = append(s, prefix{lo, uint8(w - free)})
		last := lo.Or(ir.Ones(free))
		if last.Cmp(hi) >= 0 {
			return s
		}
		lo = last.Add(ir.V(1))
	}
}

func trailingZeros(v ir.Value, w int) int {
	n := v.Xor(v.Sub(ir.V(1))).Len() - 1 // v ^ (v-1) is ones up to the lowest 1
	if v.IsZero() || n > w {
		return w
	}
	return n
}

// intersect is the values that are in both sets, which are normal.
func (s prefixes) intersect(o prefixes, w int) prefixes {
	var out prefixes
	for i, j := 0, 0; i < len(s) && j < len(o); {
		a, b := s[i], o[j]
		la, lb := a.last(w), b.last(w)
		switch {
		case la.Cmp(b.v) < 0:
			i++
		case lb.Cmp(a.v) < 0:
			j++
		case a.n >= b.n: // a is inside b
			out = append(out, a)
			i++
		default:
			out = append(out, b)
			j++
		}
	}
	return out
}
