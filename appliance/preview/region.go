package preview

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// region is a set of packets: a match, and conditions that hold beside it.
type region struct {
	match ir.Match
	// old is on the state of the connection that the packet has before the change, where that is of another zone than the
	// one after the change: nothing follows from one for the other.
	old   ir.Match
	conds []flatten.Condition
}

// asked is what a path asks for; apart tells that the state of its connections is old.
func asked(p *flatten.Path, apart bool) region {
	if !apart {
		return region{match: p.Match, conds: p.If}
	}
	var headers, state []ir.Term
	for t := range p.Match.Terms() {
		if isState(t.Field) {
			state = append(state, t)
		} else {
			headers = append(headers, t)
		}
	}
	return region{ir.MustMatch(headers...), ir.MustMatch(state...), p.If}
}

// isState tells what connection tracking finds.
func isState(f ir.Field) bool { return ir.CTState <= f && f <= ir.CTTPDst }

// and is the packets that are in both; ok is false for none.
func (r region) and(o region) (both region, ok bool) {
	if both.match, ok = r.match.And(o.match); !ok {
		return both, false
	}
	if both.old, ok = r.old.And(o.old); !ok {
		return both, false
	}
	both.conds = r.conds
	for _, c := range o.conds {
		switch holds, known := r.knows(c); {
		case known && !holds:
			return both, false
		case !known:
			both.conds = append(slices.Clip(both.conds), c)
		}
	}
	return both, true
}

// knows tells what is known of a condition in r.
func (r region) knows(c flatten.Condition) (holds, known bool) {
	for _, o := range r.conds {
		if o.Kind == c.Kind && o.N == c.N && o.Rule == c.Rule {
			return o.Not == c.Not, true
		}
	}
	return false, false
}

// equal tells whether r has the same terms as o, which r has been made smaller from.
func (r region) equal(o region) bool {
	return r.match == o.match && r.old == o.old && len(r.conds) == len(o.conds)
}

// minus are parts of r, without packets in common, that make up all of it that is not in o. Some of it is.
func (r region) minus(o region) (parts []region) {
	rest := r
	for _, x := range []struct {
		of   ir.Match
		part *ir.Match
	}{{o.match, &rest.match}, {o.old, &rest.old}} {
		for t := range x.of.Terms() {
			known, _ := x.part.Term(t.Field)
			for bits := t.Mask.And(known.Mask.Not()); !bits.IsZero(); {
				bit := ir.V(1).Shl(bits.Len() - 1)
				bits = bits.And(bit.Not())
				same := *x.part
				*x.part, _ = same.And(ir.MustMatch(ir.Term{Field: t.Field, Value: t.Value.Xor(bit).And(bit), Mask: bit}))
				parts = append(parts, rest)
				*x.part, _ = same.And(ir.MustMatch(ir.Term{Field: t.Field, Value: t.Value.And(bit), Mask: bit}))
			}
		}
	}
	for _, c := range o.conds {
		if _, known := r.knows(c); known {
			continue
		}
		conds, not := slices.Clip(rest.conds), c
		not.Not = !c.Not
		rest.conds = append(conds, not)
		parts = append(parts, rest)
		rest.conds = append(conds, c)
	}
	return parts
}

// effort bounds the parts that are looked at for one question.
const effort = 20000

// outside tells whether there are packets of r that are in none of some regions. When that takes too long to find out the
// answer is yes: a plan rather warns once too often.
func outside(r region, covers []region) bool {
	left := effort
	var find func(r region, covers []region) bool
	find = func(r region, covers []region) bool {
		var meet []region
		for _, c := range covers {
			switch both, ok := r.and(c); {
			case !ok:
			case both.equal(r):
				return false
			default:
				meet = append(meet, c)
			}
		}
		if left--; len(meet) == 0 || left <= 0 {
			return true
		}
		return slices.ContainsFunc(r.minus(meet[0]), func(part region) bool { return find(part, meet[1:]) })
	}
	return find(r, covers)
}
