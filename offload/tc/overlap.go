package tc

import (
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// overlaps finds those of a list of matches that have packets in common with another one. They are filed by each field that
// tells the paths of a segment apart, so that a match with such a field is compared with few.
type overlaps[T any] struct {
	all     []filed[T]
	byField [len(discriminators)]fieldFile
}

type filed[T any] struct {
	terms []ir.Term
	what  T
}

// fieldFile are the matches, by their numbers, by their value of one field, and those that do not ask for all of it.
type fieldFile struct {
	exact map[ir.Value][]int32
	other []int32
}

var discriminators = [...]ir.Field{ir.IP4Dst, ir.EthDst, ir.IP4Src, ir.TunOpt, ir.IP6Dst, ir.TunID, ir.EthSrc, ir.TCPDst, ir.UDPDst, ir.EthType}

func (o *overlaps[T]) add(m ir.Match, what T) {
	f := filed[T]{terms: make([]ir.Term, 0, 8), what: what}
	for t := range m.Terms() {
		f.terms = append(f.terms, t)
	}
	n := int32(len(o.all))
	o.all = append(o.all, f)
	for i, d := range discriminators {
		file := &o.byField[i]
		v, ok := exactly(f.terms, d)
		if !ok {
			file.other = append(file.other, n)
			continue
		}
		if file.exact == nil {
			file.exact = map[ir.Value][]int32{}
		}
		file.exact[v] = append(file.exact[v], n)
	}
}

// each calls f with what has packets in common with m, until f returns false.
func (o *overlaps[T]) each(m ir.Match, f func(T) bool) {
	terms := make([]ir.Term, 0, 16) // on the stack
	for t := range m.Terms() {
		terms = append(terms, t)
	}
	var best *fieldFile
	var exact []int32
	few := len(o.all)
	for i, d := range discriminators {
		if v, ok := exactly(terms, d); ok {
			file := &o.byField[i]
			if n := len(file.exact[v]) + len(file.other); n < few {
				best, exact, few = file, file.exact[v], n
			}
		}
	}
	if best == nil {
		for i := range o.all {
			if meet(terms, o.all[i].terms) && !f(o.all[i].what) {
				return
			}
		}
		return
	}
	for _, list := range [2][]int32{exact, best.other} {
		for _, n := range list {
			if meet(terms, o.all[n].terms) && !f(o.all[n].what) {
				return
			}
		}
	}
}

// exactly is the value of f that terms ask for, when they ask for all of it.
func exactly(terms []ir.Term, f ir.Field) (ir.Value, bool) {
	for i := range terms {
		if terms[i].Field == f {
			return terms[i].Value, terms[i].Mask == ir.Ones(f.Width())
		}
	}
	return ir.Value{}, false
}

// meet tells whether two lists of terms, each in field order, have packets in common.
func meet(a, b []ir.Term) bool {
	for len(a) > 0 && len(b) > 0 {
		switch x, y := &a[0], &b[0]; {
		case x.Field < y.Field:
			a = a[1:]
		case x.Field > y.Field:
			b = b[1:]
		case !x.Value.Xor(y.Value).And(x.Mask).And(y.Mask).IsZero():
			return false
		default:
			a, b = a[1:], b[1:]
		}
	}
	return true
}
