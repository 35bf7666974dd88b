package expr

import "testing"

// tokens is all tokens of s as text, separated by spaces, or the error.
func tokens(s string) string {
	var b []byte
	l := NewLexer(s)
	for ; l.Tok.Kind != End; l.Next() {
		if len(b) > 0 {
			b = append(b, ' ')
		}
		if l.Tok.Kind == Invalid {
			return string(b) + "!" + l.Err().Error()
		}
		b = l.Tok.AppendText(b)
	}
	return string(b)
}

func TestLexer(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"foo bar.baz _x a1", ""},
		{"a.b.c..d", "a.b.c..d"}, // dots are part of a name
		{`"abc" "a\"b" "\u00e9"`, `"abc" "a\"b" "é"`},
		{`"\ud83d\ude00"`, `"😀"`},
		{`"`, "!column 1: input ends inside quoted string"},
		{`x "\`, "x !column 3: input ends inside quoted string"},
		{`"\q"`, `!column 1: bad escape \q`},
		{`"\ud83d"`, `!column 1: \u surrogate without its other half`},
		{`"\u0000"`, "!column 1: null bytes not supported in quoted strings"},
		{"$set @group ^var", ""},
		{"$", "!column 1: `$' must be followed by a valid identifier"},
		{"a @1", "a !column 3: `@' must be followed by a valid identifier"},
		{"^", "!column 1: `^' must be followed by a valid identifier"},
		{"a/**/b // c\n/* d */e", "a b e"},
		{"/*x", "!column 1: `/*' without matching `*/'"},
		{"/*x\n*/", "!column 1: `/*' without matching `*/'"},
		{"a/", "a !column 2: `/' is only valid as part of `//' or `/*'"},
		{"(){}[]==!=<<=>>=!&&||..,;=<->--:", "( ) { } [ ] == != < <= > >= ! && || .. , ; = <-> -- :"},
		{"- -", ""},
		{"&", "!column 1: `&' is only valid as part of `&&'"},
		{"|", "!column 1: `|' is only valid as part of `||'"},
		{".", "!column 1: `.' is only valid as part of `..' or a number"},
		{"a # b", "a !column 3: invalid character `#' in input"},
		{"a é b", "a !column 3: invalid character `é' in input"},
		{"\x01", "!column 1: invalid byte 0x01 in input"},
		{"\xff", "!column 1: invalid byte 0xff in input"},

		{"0 1 12345 18446744073709551615", ""},
		{"18446744073709551616", `!column 1: decimal constant "18446744073709551616" must be less than 2**64`},
		{"9999999999999999999999", `!column 1: decimal constant "9999999999999999999999" must be less than 2**64`},
		{"01", `!column 1: decimal constant "01" must not have leading zeros`},
		{"123..456", "123 .. 456"},
		{"0/0", ""}, {"0/1", ""}, {"1/0", "0/0"}, {"1/1", ""}, {"128/384", ""}, {"1/3", ""},
		{"1/", "!column 3: integer constant expected"},
		{"1/0x123", `!column 2: value and mask of "1/0x123" have incompatible formats`},
		{"0x1234", ""}, {"0x01234", "0x1234"}, {"0x0", "0"}, {"0x000", "0"},
		{"0xfedcba9876543210", ""}, {"0XFEDCBA9876543210", "0xfedcba9876543210"},
		{"0xfedcba9876543210fedcba9876543210", ""},
		{"0x0000fedcba9876543210fedcba9876543210", "0xfedcba9876543210fedcba9876543210"},
		{"0x1fedcba9876543210fedcba9876543210",
			`!column 1: hexadecimal constant "0x1fedcba9876543210fedcba9876543210" requires more than 128 bits`},
		{"0x", "!column 1: hex digits expected following 0x"},
		{"0X", "!column 1: hex digits expected following 0X"},
		{"0x.", `!column 1: invalid syntax in hexadecimal constant "0x."`},
		{"0x0/0x1", "0/0x1"}, {"0xffff/0x1ffff", ""},
		{"192.168.128.1 1.2.3.4 255.255.255.255 0.0.0.0", ""},
		{"256.1.2.3", `!column 1: invalid numeric constant "256.1.2.3": ` +
			"want decimal, 0x hexadecimal, IPv4, IPv6 or Ethernet address"},
		{"192.168.0.0/16", ""}, {"192.168.0.0/255.255.0.0", "192.168.0.0/16"},
		{"192.168.0.0/255.255.0.255", ""}, {"192.168.0.0/255.0.0.0", "192.0.0.0/8"},
		{"192.168.0.0/32", ""}, {"192.168.0.2/30", "192.168.0.0/30"},
		{"10.0.0.0/33", `!column 9: value and mask of "10.0.0.0/33" have incompatible formats`},
		{"1.2.3.4:5", "1.2.3.4 : 5"},
		{":: ::1", ""}, {"ff00::1234", ""}, {"2001:db8:85a3::8a2e:370:7334", ""},
		{"2001:0db8:85a3:0000:0000:8a2e:0370:7334", "2001:db8:85a3::8a2e:370:7334"},
		{"::ffff:192.0.2.128", ""}, {"::ffff:c000:0280", "::ffff:192.0.2.128"},
		{"::1/::1", ""}, {"::1/128", ""}, {"ff00::/8", ""}, {"ff00::/ff00::", "ff00::/8"},
		{"::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::1/128"},
		{"01:23:45:67:AB:CD", "01:23:45:67:ab:cd"}, {"fe:dc:ba:98:76:54", ""},
		{"01:00:00:00:00:00/01:00:00:00:00:00", ""},
		{"ff:ff:ff:ff:ff:ff/fe:ff:ff:ff:ff:ff", "fe:ff:ff:ff:ff:ff/fe:ff:ff:ff:ff:ff"},
		{"fe:x", `!column 1: invalid numeric constant "fe:x": want decimal, 0x hexadecimal, IPv4, IPv6 or Ethernet address`},
		{"00:01:02:03:04:x", `!column 1: invalid numeric constant "00:01:02:03:04:x": ` +
			"want decimal, 0x hexadecimal, IPv4, IPv6 or Ethernet address"},
	} {
		want := c.want
		if want == "" {
			want = c.in
		}
		if got := tokens(c.in); got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.in, got, want)
		}
	}
}

func TestPeek(t *testing.T) {
	l := NewLexer("a ( 1 &")
	if l.Peek() != LParen || l.Tok.Kind != ID || l.Tok.Text != "a" {
		t.Errorf("Peek changed the token: %v", l.Tok)
	}
	l.Next()
	l.Next()
	if l.Peek() != Invalid || l.Failed() {
		t.Error("Peek must not record the error of the next token")
	}
}
