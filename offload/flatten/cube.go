package flatten

import "github.com/sluice-gw/sluice/controlplane/ir"

// cube is a set of packets: those that have val in the bits of mask.
type cube struct{ val, mask [words]uint64 }

// add keeps the packets with val in the bits of mask in word w; false when none is left.
func (c *cube) add(w int, val, mask uint64) bool {
	if (c.val[w]^val)&c.mask[w]&mask != 0 {
		return false
	}
	c.mask[w] |= mask
	c.val[w] |= val & mask
	return true
}

// hasTransport tells whether no packet of c is a later fragment: in those all fields
// behind the IP header are 0.
func (c *cube) hasTransport() bool {
	for w, m := range transportBits {
		if c.val[w]&m != 0 {
			return true
		}
	}
	return false
}

// within tells whether all packets of c have what ls ask for.
func (c *cube) within(ls []literal) bool {
	for i := range ls {
		l := &ls[i]
		if c.mask[l.word]&l.mask != l.mask || (c.val[l.word]^l.val)&l.mask != 0 {
			return false
		}
	}
	return true
}

// beyond are the literals, one for each field and word, that c asks for and o does not.
func (c *cube) beyond(o *cube) []literal {
	var ls []literal
	for w := range c.mask {
		if m := c.mask[w] &^ o.mask[w]; m != 0 {
			fieldsIn(w, m, func(f ir.Field, m uint64) {
				ls = append(ls, literal{uint8(w), f, c.val[w] & m, m})
			})
		}
	}
	return ls
}

// match is the cube as a match.
func (c *cube) match() ir.Match {
	var buf [24]ir.Term
	terms := buf[:0]
	for f := ir.FieldNone + 1; f < ir.NumFields; f++ {
		if f.Info().View {
			continue
		}
		p := fields.at[f]
		w, b := p.word(), p.bit()
		ones := ir.Ones(f.Width())
		mask := ir.V(c.mask[w] >> b)
		val := ir.V(c.val[w] >> b)
		if f.Width() > 64 {
			mask.Hi, val.Hi = c.mask[w+1], c.val[w+1]
		}
		if mask = mask.And(ones); !mask.IsZero() {
			terms = append(terms, ir.Term{Field: f, Value: val.And(mask), Mask: mask})
		}
	}
	m, _ := ir.NewMatch(terms...)
	return m
}
