package action

import "github.com/sluice-gw/sluice/controlplane/ir"

// widest is s as bits of the widest view of its field, so that a register and the
// views of it can be compared.
func widest(s ir.Sub) ir.Sub {
	ofs := int(s.Ofs)
	switch f := s.Field; {
	case f >= ir.Reg0 && f <= ir.Reg7:
		i := int(f - ir.Reg0)
		return ir.Bits(ir.XXReg0+ir.Field(i/4), 32*(3-i%4)+ofs, int(s.N))
	case f == ir.Reg8 || f == ir.Reg9:
		return ir.Bits(ir.XReg4, 32*int(ir.Reg9-f)+ofs, int(s.N))
	case f >= ir.XReg0 && f <= ir.XReg3:
		i := int(f - ir.XReg0)
		return ir.Bits(ir.XXReg0+ir.Field(i/2), 64*(1-i%2)+ofs, int(s.N))
	}
	return s
}

// narrowest is s as bits of one register where s is inside one: that is what
// rules match on, and it leaves nothing to interpret for a target.
func narrowest(s ir.Sub) ir.Sub {
	parts := s.Field.Parts()
	if parts == nil || s.N == 0 {
		return s
	}
	lo, hi := int(s.Ofs)/32, (int(s.Ofs)+int(s.N)-1)/32
	if lo != hi {
		return s
	}
	return ir.Bits(parts[len(parts)-1-lo], int(s.Ofs)%32, int(s.N))
}

func sameBits(a, b ir.Sub) bool { return widest(a) == widest(b) }

// partlySame tells whether a and b have some bits in common but are not the same.
func partlySame(a, b ir.Sub) bool {
	a, b = widest(a), widest(b)
	return a.Field == b.Field && a != b && a.Ofs < b.Ofs+b.N && b.Ofs < a.Ofs+a.N
}
