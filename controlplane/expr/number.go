package expr

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// number reads a number, perhaps with a mask, at the lexer's position.
func (l *Lexer) number() Kind {
	if !l.plainNumber(&l.Tok.Const) {
		return Invalid
	}
	if l.next < len(l.in) && l.in[l.next] == '/' && !l.commentAt(l.next) {
		return l.mask()
	}
	return Integer
}

// numberEnd finds where a number that starts at i ends. Two dots are a range, and
// a colon behind a dot belongs to a port number ("1.2.3.4:80"): an IPv6 address
// never has a colon behind a dot.
func numberEnd(s string, i int) int {
	dot := false
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.':
			if i+1 < len(s) && s[i+1] == '.' {
				return i
			}
			dot = true
		case c == ':':
			if dot {
				return i
			}
		case class[c]&(classDigit|classLetter) == 0:
			return i
		}
	}
	return i
}

// plainNumber reads one number without mask into c.
func (l *Lexer) plainNumber(c *Constant) bool {
	end := numberEnd(l.in, l.next)
	s := l.in[l.next:end]
	at := l.next
	l.next = end
	switch {
	case s == "":
		return l.fail(at, "integer constant expected")
	case onlyDigits(s):
		return l.decimal(s, at, c)
	case len(s) == 17 && parseMAC(s, &c.Value):
		c.Format = Ethernet
		return true
	case s[0] == '0' && len(s) > 1 && (s[1] == 'x' || s[1] == 'X'):
		return l.hex(s, at, c)
	}
	if parseIPv4(s, &c.Value) {
		c.Format = IPv4
		return true
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Is6() {
		b := a.As16()
		c.Value, c.Format = ir.BytesValue(b[:]), IPv6
		return true
	}
	return l.fail(at, "invalid numeric constant "+Quote(s)+
		": want decimal, 0x hexadecimal, IPv4, IPv6 or Ethernet address")
}

func (l *Lexer) decimal(s string, at int, c *Constant) bool {
	if s[0] == '0' && len(s) > 1 {
		return l.fail(at, "decimal constant "+Quote(s)+" must not have leading zeros")
	}
	var v uint64
	for i := 0; i < len(s); i++ {
		d := uint64(s[i] - '0')
		if v > (1<<64-1-d)/10 {
			return l.fail(at, "decimal constant "+Quote(s)+" must be less than 2**64")
		}
		v = v*10 + d
	}
	c.Value, c.Format = ir.V(v), Decimal
	return true
}

func (l *Lexer) hex(s string, at int, c *Constant) bool {
	if len(s) == 2 {
		return l.fail(at, "hex digits expected following "+s)
	}
	var v ir.Value
	for i := 2; i < len(s); i++ {
		d, ok := hexDigit(s[i])
		if !ok {
			return l.fail(at, "invalid syntax in hexadecimal constant "+Quote(s))
		}
		if v.Hi>>60 != 0 {
			return l.fail(at, "hexadecimal constant "+Quote(s)+" requires more than 128 bits")
		}
		v = v.Shl(4)
		v.Lo |= uint64(d)
	}
	c.Value, c.Format = v, Hex
	return true
}

// mask reads "/" and a mask behind the value in l.Tok.Const.
func (l *Lexer) mask() Kind {
	at := l.next
	l.next++
	var m Constant
	if !l.plainNumber(&m) {
		return Invalid
	}
	c := &l.Tok.Const
	switch w := formatWidth[c.Format]; {
	case m.Format == c.Format:
		c.Mask = m.Value
	case (c.Format == IPv4 || c.Format == IPv6) && m.Format == Decimal && m.Value.Lo <= uint64(w):
		n := int(m.Value.Lo)
		c.Mask = ir.Ones(n).Shl(w - n)
	case c.Format == Decimal && m.Format == Hex && c.Value.IsZero():
		c.Format, c.Mask = Hex, m.Value // 0/0x1234
	default:
		l.fail(at, "value and mask of "+Quote(l.in[l.start:l.next])+" have incompatible formats")
		return Invalid
	}
	c.Masked = true
	c.Value = c.Value.And(c.Mask)
	return Masked
}

func onlyDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// parseMAC reads "xx:xx:xx:xx:xx:xx".
func parseMAC(s string, v *ir.Value) bool {
	var n uint64
	for i := 0; i < 17; i += 3 {
		hi, ok1 := hexDigit(s[i])
		lo, ok2 := hexDigit(s[i+1])
		if !ok1 || !ok2 || i < 15 && s[i+2] != ':' {
			return false
		}
		n = n<<8 | uint64(hi<<4|lo)
	}
	*v = ir.V(n)
	return true
}

// parseIPv4 reads "a.b.c.d". Leading zeros are accepted, as OVS accepts them.
func parseIPv4(s string, v *ir.Value) bool {
	var addr, octet uint64
	digits, dots := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			octet = octet*10 + uint64(c-'0')
			digits++
			if octet > 255 {
				return false
			}
		case c == '.' && digits > 0 && dots < 3:
			addr = addr<<8 | octet
			octet, digits = 0, 0
			dots++
		default:
			return false
		}
	}
	if dots != 3 || digits == 0 {
		return false
	}
	*v = ir.V(addr<<8 | octet)
	return true
}
