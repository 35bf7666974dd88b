package ofp

import (
	"fmt"
	"iter"
	"net/netip"
	"strconv"
	"strings"
)

// pair is one item of the text form: "key", "key=value", "key:value",
// "key(value)" or "key(value)->tail".
type pair struct {
	key, value string
	tail       string // behind ")->"
	args       bool   // the value was in parentheses
	text       string // the whole item
}

const delimiters = ", \t\r\n"

// pairs splits s into items, as OVS's ofputil_parse_key_value does.
func pairs(s string) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		for {
			s = strings.TrimLeft(s, delimiters)
			if s == "" {
				return
			}
			p, n, err := nextPair(s)
			if !yield(p, err) || err != nil {
				return
			}
			s = s[n:]
		}
	}
}

// nextPair reads the item at the start of s and returns its length.
func nextPair(s string) (pair, int, error) {
	k := strings.IndexAny(s, ":=("+delimiters)
	if k < 0 {
		k = len(s)
	}
	p := pair{key: s[:k]}
	n := k
	switch {
	case k == len(s) || strings.IndexByte(delimiters, s[k]) >= 0:
	case s[k] == '(':
		n = closing(s, k)
		if n < 0 {
			return pair{}, 0, fmt.Errorf("%q: there is no closing parenthesis", s)
		}
		p.value, p.args = s[k+1:n-1], true
		if rest, ok := strings.CutPrefix(s[n:], "->"); ok {
			m := valueEnd(rest)
			p.tail = rest[:m]
			n += 2 + m
		}
	default:
		m := valueEnd(s[k+1:])
		p.value = s[k+1 : k+1+m]
		n = k + 1 + m
	}
	p.text = s[:n]
	return p, n, nil
}

// closing is the index behind the parenthesis that closes the one at s[open]; -1
// when there is none.
func closing(s string, open int) int {
	level := 0
	for i := open; i < len(s); i++ {
		switch s[i] {
		case '(':
			level++
		case ')':
			if level--; level == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// valueEnd is the length of the value at the start of s: it ends at a delimiter
// that is in no parentheses.
func valueEnd(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '(' {
			end := closing(s, i)
			if end < 0 {
				return len(s)
			}
			i = end - 1
		} else if strings.IndexByte(delimiters, s[i]) >= 0 {
			return i
		}
	}
	return len(s)
}

// parseUint reads a decimal or hexadecimal number of up to n bits.
func parseUint(s string, n int) (uint64, error) {
	v, err := parseNumber(s)
	if err != nil {
		return 0, err
	}
	if v.Len() > n {
		return 0, fmt.Errorf("%s does not fit into %d bits", s, n)
	}
	return v.Lo, nil
}

// parseNumber reads a number of up to 128 bits when it is hexadecimal, of 64
// when it is decimal.
func parseNumber(s string) (Value, error) {
	hex, ok := strings.CutPrefix(strings.ToLower(s), "0x")
	if !ok {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return Value{}, fmt.Errorf("%q is no number", s)
		}
		return V(n), nil
	}
	hi := ""
	hex = strings.TrimLeft(hex[:max(0, len(hex)-1)], "0") + hex[max(0, len(hex)-1):]
	if len(hex) > 16 {
		hi, hex = hex[:len(hex)-16], hex[len(hex)-16:]
	}
	v := Value{}
	var err error
	if v.Lo, err = strconv.ParseUint(hex, 16, 64); err == nil && hi != "" {
		v.Hi, err = strconv.ParseUint(hi, 16, 64)
	}
	if err != nil {
		return Value{}, fmt.Errorf("%q is no number of 128 bits", s)
	}
	return v, nil
}

// parseMAC reads six pairs of hexadecimal digits.
func parseMAC(s string) (Value, error) {
	parts := strings.Split(s, ":")
	var v uint64
	for _, p := range parts {
		n, err := strconv.ParseUint(p, 16, 8)
		if err != nil || len(parts) != 6 {
			return Value{}, fmt.Errorf("%q is no Ethernet address", s)
		}
		v = v<<8 | n
	}
	return V(v), nil
}

// parseAddr reads an address of width 32 or 128 bits.
func parseAddr(s string, width int) (Value, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.BitLen() != width || a.Zone() != "" {
		return Value{}, fmt.Errorf("%q is no IPv%d address", s, map[int]int{32: 4, 128: 6}[width])
	}
	v, _ := bytesValue(a.AsSlice())
	return v, nil
}

// parsePort reads a port number or the name of a reserved port.
func parsePort(s string) (Port, error) {
	for p, name := range reservedPorts {
		if strings.EqualFold(s, name) {
			return p, nil
		}
	}
	if strings.EqualFold(s, "none") {
		return PortAny, nil
	}
	n, err := parseUint(s, 32)
	if err != nil {
		return 0, fmt.Errorf("port %w", err)
	}
	if n < uint64(PortMax) && n > 0xffff {
		return 0, fmt.Errorf("port %d: the highest is %d", n, 0xfeff)
	}
	if n <= 0xffff {
		return PortFrom16(uint16(n)), nil
	}
	return Port(n), nil
}

// bit finds a flag by name.
func (n flagNames) bit(name string) (uint64, bool) {
	for i, s := range n {
		if s == name && s != "" {
			return 1 << i, true
		}
	}
	return 0, false
}

// parse reads "+a-b" as value and mask, or "a|b" as a value with mask full.
func (n flagNames) parse(s string, full uint64) (value, mask uint64, err error) {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		for s != "" {
			sign := s[0]
			end := strings.IndexAny(s[1:], "+-") + 1
			if end == 0 {
				end = len(s)
			}
			b, ok := n.bit(s[1:end])
			if !ok || sign != '+' && sign != '-' {
				return 0, 0, fmt.Errorf("%q is no flag", s[1:end])
			}
			mask |= b
			if sign == '+' {
				value |= b
			}
			s = s[end:]
		}
		return value, mask, nil
	}
	for _, name := range strings.Split(s, "|") {
		b, ok := n.bit(name)
		if !ok {
			return 0, 0, fmt.Errorf("%q is no flag", name)
		}
		value |= b
	}
	return value, full, nil
}
