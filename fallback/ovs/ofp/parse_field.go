package ofp

import (
	"fmt"
	"strings"
)

// fieldByName finds fields by their ovs-ofctl name, alias, or NXM or OXM name.
var fieldByName = func() map[string]Field {
	m := make(map[string]Field, 4*numFields)
	for f := FieldNone + 1; f < numFields; f++ {
		i := f.info()
		for _, n := range [...]string{i.name, i.alias, i.nxmName, i.oxmName} {
			if n != "" {
				m[n] = f
			}
		}
	}
	return m
}()

// FieldByName finds a field by a name of ovs-fields(7): "eth_src", "dl_src",
// "NXM_OF_ETH_SRC" and "OXM_OF_ETH_SRC" are the same.
func FieldByName(name string) (Field, bool) { f, ok := fieldByName[name]; return f, ok }

// parseSub reads "NXM_NX_REG0[3..5]", "reg0[3]" or "reg0[]".
func parseSub(s string) (Sub, error) {
	name, rest, ok := strings.Cut(s, "[")
	f, known := FieldByName(name)
	if !known {
		return Sub{}, fmt.Errorf("%q is no field", name)
	}
	if !ok {
		return All(f), nil
	}
	inner, ok := strings.CutSuffix(rest, "]")
	if !ok {
		return Sub{}, fmt.Errorf("%q: there is no closing bracket", s)
	}
	if inner == "" {
		return All(f), nil
	}
	lo, hi, isRange := strings.Cut(inner, "..")
	first, err := parseUint(lo, 16)
	if err != nil {
		return Sub{}, fmt.Errorf("%s: %w", s, err)
	}
	last := first
	if isRange {
		if last, err = parseUint(hi, 16); err != nil {
			return Sub{}, fmt.Errorf("%s: %w", s, err)
		}
	}
	sub := Bits(f, int(first), int(last)-int(first)+1)
	if last < first || !sub.valid() {
		return Sub{}, fmt.Errorf("%s: the field has bits 0..%d", s, f.Width()-1)
	}
	return sub, nil
}

// parseFieldValue reads a value, with "/mask" or not, as ovs-ofctl writes f.
func parseFieldValue(f Field, s string) (value, mask Value, err error) {
	mask = f.full()
	if s == "*" {
		return Value{}, Value{}, nil
	}
	switch f.info().fmt {
	case fmtPort:
		p, err := parsePort(s)
		if f == InPortNXM {
			n, ok := p.to16()
			if err == nil && !ok {
				err = fmt.Errorf("port %s does not fit into 16 bits", s)
			}
			return V(uint64(n)), mask, err
		}
		return V(uint64(p)), mask, err
	case fmtFrag:
		for _, k := range fragKinds {
			if k.name == s {
				return V(k.value), V(k.mask), nil
			}
		}
		return value, mask, fmt.Errorf("%q is none of no, yes, first, later, not_later", s)
	case fmtCTState:
		return parseFlagValue(ctStateNames, s, 0xff, mask)
	case fmtTCPFlags:
		return parseFlagValue(tcpFlagNames, s, 0xfff, mask)
	case fmtTunFlags:
		return parseFlagValue(tunFlagNames, s, 1, mask)
	case fmtPacketType:
		return value, mask, fmt.Errorf("only Ethernet packets are supported")
	}
	text, maskText, masked := strings.Cut(s, "/")
	one := valueParser(f)
	if value, err = one(text); err == nil && masked {
		mask, err = parseMaskText(f, maskText, one)
	}
	if err != nil {
		return value, mask, err
	}
	if full := f.full(); !value.AndNot(full).IsZero() || !mask.AndNot(full).IsZero() {
		return value, mask, fmt.Errorf("%s does not fit into %d bits", s, full.Len())
	}
	return value.And(mask), mask, nil
}

// valueParser reads one value or mask of f.
func valueParser(f Field) func(string) (Value, error) {
	switch f.info().fmt {
	case fmtMAC:
		return parseMAC
	case fmtIPv4:
		return func(s string) (Value, error) { return parseAddr(s, 32) }
	case fmtIPv6:
		return func(s string) (Value, error) { return parseAddr(s, 128) }
	}
	return parseNumber
}

// parseMaskText reads a mask: for addresses it may be a prefix length.
func parseMaskText(f Field, s string, one func(string) (Value, error)) (Value, error) {
	if k := f.info().fmt; k == fmtIPv4 || k == fmtIPv6 {
		if n, err := parseUint(s, 8); err == nil {
			if int(n) > f.Width() {
				return Value{}, fmt.Errorf("prefix length %d: the most is %d", n, f.Width())
			}
			return Ones(int(n)).Shl(f.Width() - int(n)), nil
		}
	}
	if s == "-1" {
		return f.full(), nil
	}
	return one(s)
}

// parseFlagValue reads flags by name, or a number with or without a mask.
func parseFlagValue(names flagNames, s string, all uint64, full Value) (value, mask Value, err error) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		v, k, err := names.parse(s, all)
		return V(v), V(k).And(full), err
	}
	text, maskText, masked := strings.Cut(s, "/")
	mask = V(all)
	if value, err = parseNumber(text); err == nil && masked {
		mask, err = parseNumber(maskText)
	}
	if err == nil && (!value.AndNot(V(all)).IsZero() || !mask.AndNot(V(all)).IsZero()) {
		err = fmt.Errorf("%s has flags that do not exist", s)
	}
	return value.And(mask), mask, err
}

// tunMetadataFor gives f, when it is tunnel metadata without a length, the
// shortest length of an option that holds v.
func tunMetadataFor(f Field, v Value) Field {
	if !f.isTunMetadata() || f>>8 != 0 {
		return f
	}
	return f | Field(max(4, (v.Len()+31)/32*4))<<8
}
