package flatten

import (
	"math/bits"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// All fields of a packet lie side by side in 64-bit words: a position is
// word*64+bit. A field of up to 64 bits is within one word, a wider one in two
// that follow each other. The registers are laid so that the views of ir (xreg,
// xxreg) are runs of bits too.
const words = 42

// position is the place of one bit.
type position uint16

func (p position) word() int { return int(p >> 6) }
func (p position) bit() int  { return int(p & 63) }

// layout says where fields are.
type layout struct {
	at [ir.NumFields]position // of bit 0
	of [words * 64]ir.Field   // which field a bit belongs to; views never
	in [words]uint64          // bits that belong to a field
	// pipeline are the bits of fields that no packet brings along: the datapath and
	// the registers. tracking are those of connection tracking.
	pipeline, tracking [words]uint64
}

var fields = layOut()

// carriedBits are those that no packet brings along, with those of connection tracking.
var carriedBits = func() (m [words]uint64) {
	for w := range m {
		m[w] = fields.pipeline[w] | fields.tracking[w]
	}
	return m
}()

// registers in the order that makes views runs of bits.
var registers = []ir.Field{ir.Reg3, ir.Reg2, ir.Reg1, ir.Reg0, ir.Reg7, ir.Reg6, ir.Reg5, ir.Reg4, ir.Reg9, ir.Reg8}

// layOut places the registers first, then the other fields by width, each into the
// first word with room.
func layOut() *layout {
	l := &layout{}
	var used [words]int // bits taken
	place := func(f ir.Field, p position) {
		l.at[f] = p
		for i := range f.Width() {
			b := p + position(i)
			l.of[b] = f
			l.in[b.word()] |= 1 << b.bit()
			switch {
			case f < ir.PktMark:
				l.pipeline[b.word()] |= 1 << b.bit()
			case f >= ir.CTState && f <= ir.CTTPDst:
				l.tracking[b.word()] |= 1 << b.bit()
			}
		}
		used[p.word()] = max(used[p.word()], p.bit()+f.Width())
	}
	for i, f := range registers {
		place(f, position(32*i))
	}
	for width := 128; width > 0; width-- {
		for f := ir.FieldNone + 1; f < ir.NumFields; f++ {
			if f.Width() != width || f.Info().View || f >= ir.Reg0 && f <= ir.Reg9 {
				continue
			}
			w := 0
			for w < words && used[w]+min(width, 64) > 64 {
				w++
			}
			if w == words {
				panic("offload/flatten: the fields of controlplane/ir need more words: raise the constant")
			}
			place(f, position(64*w+used[w]))
			if width > 64 {
				used[w], used[w+1] = 64, 64
			}
		}
	}
	l.at[ir.XXReg0], l.at[ir.XXReg1] = l.at[ir.Reg3], l.at[ir.Reg7]
	for i := range ir.Field(5) {
		l.at[ir.XReg0+i] = l.at[ir.Reg1+2*i]
	}
	return l
}

// place is the position of the first bit of s.
func place(s ir.Sub) position { return fields.at[s.Field] + position(s.Ofs) }

// low has the n lowest bits of a word.
func low(n int) uint64 {
	if n >= 64 {
		return ^uint64(0)
	}
	return 1<<n - 1
}

// literal asks for some bits of one field in one word: word&mask == val.
type literal struct {
	word      uint8
	field     ir.Field
	val, mask uint64
}

// literals appends the parts of a term, one for each word.
func literals(ls []literal, t ir.Term) []literal {
	p := fields.at[t.Field]
	if t.Mask.Lo != 0 {
		ls = append(ls, literal{uint8(p.word()), t.Field, t.Value.Lo << p.bit(), t.Mask.Lo << p.bit()})
	}
	if t.Mask.Hi != 0 { // a field of two words begins with one
		ls = append(ls, literal{uint8(p.word() + 1), t.Field, t.Value.Hi, t.Mask.Hi})
	}
	return ls
}

// literalsOf are the parts of all terms of m.
func literalsOf(m ir.Match) []literal {
	var ls []literal
	for t := range m.Terms() {
		ls = literals(ls, t)
	}
	return ls
}

// fieldsIn calls f for each field that has bits in m of word w, with those bits.
func fieldsIn(w int, m uint64, f func(ir.Field, uint64)) {
	for m != 0 {
		field := fields.of[w*64+bits.TrailingZeros64(m)]
		p := fields.at[field]
		own := ^uint64(0)
		if field.Width() <= 64 {
			own = low(field.Width()) << p.bit()
		}
		f(field, m&own)
		m &^= own
	}
}
