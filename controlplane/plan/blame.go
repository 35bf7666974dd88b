package plan

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// blame finds the rule of a path that made something necessary: the last one for
// which guilty holds, or the last one of all.
func blame(path *flatten.Path, guilty func(*ir.Rule) bool) ir.RuleID {
	last := ir.RuleID(0)
	for r := range path.Lineage() {
		if guilty(r) {
			return r.ID
		}
		if last == 0 {
			last = r.ID
		}
	}
	return last
}

// lastRule is the rule that the packets of a path come to last; 0 for none.
func lastRule(path *flatten.Path) ir.RuleID {
	return blame(path, func(*ir.Rule) bool { return true })
}

// asksFor tells rules that match on f.
func asksFor(f ir.Field) func(*ir.Rule) bool {
	return func(r *ir.Rule) bool {
		if _, ok := r.Match.Term(f); ok {
			return true
		}
		return r.Product != nil && slices.ContainsFunc(r.Product.Dims, func(alts []ir.Match) bool {
			return slices.ContainsFunc(alts, func(m ir.Match) bool { _, ok := m.Term(f); return ok })
		})
	}
}

// does tells rules with an operation for which is holds.
func does(is func(ir.Op) bool) func(*ir.Rule) bool {
	var in func(ops []ir.Op) bool
	in = func(ops []ir.Op) bool {
		return slices.ContainsFunc(ops, func(op ir.Op) bool {
			switch o := op.(type) {
			case ir.Clone:
				return in(o.Ops)
			case ir.Select:
				return slices.ContainsFunc(o.Buckets, func(b ir.Bucket) bool { return in(b.Ops) })
			}
			return is(op)
		})
	}
	return func(r *ir.Rule) bool { return in(r.Program.Ops) }
}

// writes tells operations that change f.
func writes(f ir.Field) func(ir.Op) bool {
	return func(op ir.Op) bool {
		switch o := op.(type) {
		case ir.Set:
			return o.Dst.Field == f
		case ir.Copy:
			return o.Dst.Field == f
		case ir.Pop:
			return o.Dst.Field == f
		}
		return false
	}
}

// isA tells operations of one type.
func isA[T ir.Op](op ir.Op) bool { _, is := op.(T); return is }
