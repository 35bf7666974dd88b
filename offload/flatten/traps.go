package flatten

import (
	"math/bits"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Traps are the paths, of those that are not offloaded, that must be programmed as
// traps: those behind which there is an offloaded path with a packet in common. The
// others need nothing, since what matches no path goes to the fallback. offloaded
// tells which paths are; paths are those of a segment in order, and so are the traps.
func Traps(paths []*Path, offloaded func(*Path) bool) []*Path {
	var traps []*Path
	behind := &Overlaps{}
	for _, p := range slices.Backward(paths) {
		ls := literalsOf(p.Match)
		switch {
		case offloaded(p):
			behind.add(ls, 0)
		case behind.meets(ls):
			traps = append(traps, p)
		}
	}
	slices.Reverse(traps)
	return traps
}

// Overlaps finds those of many matches that have packets in common with another. They
// are filed by each field that they ask for all of, so that a match with the same
// field is compared with few.
type Overlaps struct {
	all     []*filed
	byField [ir.NumFields]fieldFile
}

type filed struct {
	asks []literal
	n    int
}

// fieldFile are the matches by their value of one field, and those without one.
type fieldFile struct {
	exact map[ir.Value][]*filed
	other []*filed
}

// discriminators are the fields that matches are filed by: what tells the paths of a
// segment apart.
var discriminators = []ir.Field{ir.IP4Dst, ir.EthDst, ir.IP4Src, ir.TunOpt, ir.IP6Dst, ir.TunID, ir.EthSrc, ir.TCPDst, ir.UDPDst, ir.EthType}

// Add files a match under a number.
func (o *Overlaps) Add(m ir.Match, n int) { o.add(literalsOf(m), n) }

func (o *Overlaps) add(asks []literal, n int) {
	f := &filed{asks, n}
	o.all = append(o.all, f)
	for _, d := range discriminators {
		file := &o.byField[d]
		if v, ok := exact(asks, d); ok {
			if file.exact == nil {
				file.exact = map[ir.Value][]*filed{}
			}
			file.exact[v] = append(file.exact[v], f)
		} else {
			file.other = append(file.other, f)
		}
	}
}

// Each calls do with the number of each match that has packets in common with m, in
// no order, until do returns false.
func (o *Overlaps) Each(m ir.Match, do func(n int) bool) { o.each(literalsOf(m), do) }

// meets tells whether a match has packets in common with one of those that were added.
func (o *Overlaps) meets(asks []literal) (met bool) {
	o.each(asks, func(int) bool { met = true; return false })
	return met
}

func (o *Overlaps) each(asks []literal, do func(n int) bool) {
	lists, few := [2][]*filed{o.all}, len(o.all)
	for _, d := range discriminators {
		v, ok := exact(asks, d)
		if !ok {
			continue
		}
		file := &o.byField[d]
		if n := len(file.exact[v]) + len(file.other); n < few {
			lists, few = [2][]*filed{file.exact[v], file.other}, n
		}
	}
	for _, list := range lists {
		for _, f := range list {
			if overlap(asks, f.asks) && !do(f.n) {
				return
			}
		}
	}
}

// exact is the value of f that asks ask for, when they ask for all of it.
func exact(asks []literal, f ir.Field) (v ir.Value, ok bool) {
	n := 0
	for _, l := range asks {
		if l.field != f {
			continue
		}
		n += bits.OnesCount64(l.mask)
		if int(l.word) == fields.at[f].word() {
			v.Lo = l.val >> fields.at[f].bit()
		} else {
			v.Hi = l.val
		}
	}
	return v, n == f.Width()
}

// overlap tells whether two matches, each in field order, have packets in common.
func overlap(a, b []literal) bool {
	for len(a) > 0 && len(b) > 0 {
		x, y := &a[0], &b[0]
		switch {
		case x.field < y.field || x.field == y.field && x.word < y.word:
			a = a[1:]
		case x.field > y.field || x.word > y.word:
			b = b[1:]
		default:
			if (x.val^y.val)&x.mask&y.mask != 0 {
				return false
			}
			a, b = a[1:], b[1:]
		}
	}
	return true
}
