package flatten

import (
	"cmp"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// rule is a rule in the form that evaluations work with. It does not change while
// it is known, apart from usedBy.
type rule struct {
	ir.Rule
	asks  []literal  // the match and the datapath, in the order of its shape
	needs []ir.Field // fields that it asks for and whose prerequisites it does not
	dims  [][]option // of its product
	// floods says that its program sends copies several ways.
	floods bool

	// learned marks what a rule of the pipeline may have taught the switch: a rule
	// that may be there or not, with by as the teacher.
	learned bool
	by      *rule

	usedBy map[*segment]struct{} // segments with it in the lineage of a path
}

// option is one alternative of a dimension of a product.
type option struct {
	asks  []literal
	needs []ir.Field
}

func newRule(r ir.Rule) *rule {
	c := &rule{Rule: r, asks: literalsOf(r.Match), floods: isFlood(r.Program.Ops)}
	if r.Datapath != 0 {
		c.asks = literals(c.asks, ir.Exact(ir.Datapath, uint64(r.Datapath)))
	}
	slices.SortFunc(c.asks, byUse)
	c.needs = needsOf(r.Match, c.asks)
	if r.Product != nil {
		for _, dim := range r.Product.Dims {
			var opts []option
			for _, m := range dim {
				ls := literalsOf(m)
				opts = append(opts, option{ls, needsOf(m, append(slices.Clone(c.asks), ls...))})
			}
			c.dims = append(c.dims, opts)
		}
	}
	return c
}

func needsOf(m ir.Match, asks []literal) []ir.Field {
	var fs []ir.Field
	for t := range m.Terms() {
		if !implied(t.Field, asks) {
			fs = append(fs, t.Field)
		}
	}
	return fs
}

// byUse orders what a rule asks for. What comes first rejects a rule first, and what
// is not asked for need not be the same for a segment to be shared: so the input
// port, in which all ingresses differ, comes last, and headers before it.
func byUse(a, b literal) int {
	rank := func(l literal) int {
		switch {
		case l.field == ir.Inport || l.field == ir.InPort:
			return 3
		case l.field == ir.Datapath || l.field == ir.Outport:
			return 0
		case l.field < ir.PktMark:
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.word, b.word), cmp.Compare(a.mask, b.mask))
}

// byPriority is the order in which rules of a stage are tried. Which of several of
// one priority is used is not defined; the ID decides, as in ir. What may have been
// learned comes before what has its priority.
func byPriority(a, b *rule) int {
	if c := cmp.Compare(b.Priority, a.Priority); c != 0 {
		return c
	}
	if a.learned != b.learned {
		if a.learned {
			return -1
		}
		return 1
	}
	if c := cmp.Compare(a.ID, b.ID); c != 0 || !a.learned {
		return c
	}
	return cmp.Compare(a.by.ID, b.by.ID)
}

// lessons are the rules that r may teach the switch.
func (r *rule) lessons() []*rule {
	var out []*rule
	eachOp(r.Program.Ops, func(op ir.Op, before []ir.Op) {
		l, ok := op.(ir.Learn)
		if !ok {
			return
		}
		var terms []ir.Term
		datapath := uint32(0)
		for _, m := range l.Matches {
			if m.Dst == ir.All(ir.Datapath) && m.Src == m.Dst && untouched(ir.Datapath, before) {
				datapath = r.Datapath
			} else if v, known := r.taught(m, before); known {
				terms = append(terms, ir.TermOf(m.Dst, v))
			}
		}
		if m, ok := ir.NewMatch(terms...); ok {
			x := newRule(ir.NewRule(l.Stage, l.Priority, datapath, m, nil, ir.NewProgram(), r.Owner))
			x.learned, x.by = true, r
			out = append(out, x)
		}
	})
	return out
}

// taught is the value that a term of a learned rule has in any case: a constant, or
// a field that r asks for and that the operations before have not changed.
func (r *rule) taught(m ir.LearnMatch, before []ir.Op) (ir.Value, bool) {
	if m.Src.Field == ir.FieldNone {
		return m.Value, true
	}
	t, ok := r.Match.Term(m.Src.Field)
	want := ir.Ones(int(m.Src.N)).Shl(int(m.Src.Ofs))
	if !ok || t.Mask.And(want) != want || !untouched(m.Src.Field, before) {
		return ir.Value{}, false
	}
	return t.Value.Shr(int(m.Src.Ofs)).And(ir.Ones(int(m.Src.N))), true
}

// untouched tells whether f is after ops what it was before.
func untouched(f ir.Field, ops []ir.Op) bool {
	for _, op := range ops {
		switch op := op.(type) {
		case ir.Learn:
		case ir.Set:
			if op.Dst.Field == f || op.Dst.Field.Info().View {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// eachOp calls f for every operation of ops and of the lists within, with what runs
// before it; of a list within, before is what makes it unknown: the list's owner.
func eachOp(ops []ir.Op, f func(op ir.Op, before []ir.Op)) {
	for i, op := range ops {
		f(op, ops[:i])
		nested := func(inner []ir.Op) {
			eachOp(inner, func(x ir.Op, before []ir.Op) { f(x, append(ops[:i:i], append([]ir.Op{op}, before...)...)) })
		}
		switch o := op.(type) {
		case ir.Clone:
			nested(o.Ops)
		case ir.Select:
			for _, k := range o.Buckets {
				nested(k.Ops)
			}
		case ir.Punt:
			nested(o.Inner)
		}
	}
}
