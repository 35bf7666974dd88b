package ofp

// fragKind is how ovs-ofctl names tests of the fragment bits (ovs-fields(7), ip_frag).
type fragKind struct {
	name        string
	value, mask uint64
}

var fragKinds = [...]fragKind{
	{"no", 0, 3}, {"first", 1, 3}, {"later", 3, 3}, {"no", 0, 1}, {"yes", 1, 1}, {"not_later", 0, 2}, {"later", 2, 2},
}

func fragName(v, mask uint64) string {
	for _, k := range fragKinds {
		if k.value == v && k.mask == mask {
			return k.name
		}
	}
	return "<error>"
}

// appendFieldValue appends value/mask of f as ovs-ofctl writes it in actions.
func appendFieldValue(b []byte, f Field, value, mask Value) []byte {
	full := mask == f.full()
	if mask.IsZero() {
		return append(b, "ANY"...)
	}
	switch f.info().fmt {
	case fmtMAC:
		b = appendMAC(b, value.Lo)
		if !full {
			b = appendMAC(append(b, '/'), mask.Lo)
		}
		return b
	case fmtIPv4:
		return appendAddr(b, value, mask, 32)
	case fmtIPv6:
		return appendAddr(b, value, mask, 128)
	case fmtPort:
		if full {
			return append(b, portOf(f, value).String()...)
		}
	case fmtFrag:
		return append(b, fragName(value.Lo, mask.Lo)...)
	case fmtCTState:
		return ctStateNames.appendMasked(b, value.Lo, mask.Lo, 0xffff)
	case fmtTCPFlags:
		return tcpFlagNames.appendMasked(b, value.Lo, mask.Lo&0xfff, 0xfff)
	case fmtTunFlags:
		return tunFlagNames.appendMasked(b, value.Lo, mask.Lo&1, 1)
	case fmtDec:
		b = appendUint(b, value.Lo)
		if !full {
			b = appendHex(append(b, '/'), mask)
		}
		return b
	}
	b = appendHex(b, value)
	if !full {
		b = appendHex(append(b, '/'), mask)
	}
	return b
}

func portOf(f Field, v Value) Port {
	if f == InPortNXM {
		return PortFrom16(uint16(v.Lo))
	}
	return Port(v.Lo)
}

// AppendText appends s as ovs-ofctl writes it: "NXM_NX_REG0[3..5]".
func (s Sub) AppendText(b []byte) []byte {
	_, name := s.Field.info().preferNXM()
	if name == "" {
		name = "<unknown>"
	}
	b = append(b, name...)
	b = append(b, '[')
	// ovs-ofctl does not know how long an option is and takes it for the longest.
	if !s.whole() || s.Field.isTunMetadata() && s.N != 8*maxTunMetadata {
		b = appendUint(b, uint64(s.Ofs))
		if s.N != 1 {
			b = appendUint(append(b, ".."...), uint64(s.Ofs)+uint64(s.N)-1)
		}
	}
	return append(b, ']')
}
