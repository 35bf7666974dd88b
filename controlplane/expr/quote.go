package expr

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Quote is s as a string of the language: in double quotes, escaped as JSON.
func Quote(s string) string { return string(AppendQuoted(nil, s)) }

// AppendQuoted appends s in double quotes, escaped as JSON (RFC 8259). The lexer
// reads it back to s when s is valid UTF-8.
func AppendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			if c < ' ' || c == 0x7f {
				b = append(b, `\u00`...)
				b = append(b, hexDigits[c>>4], hexDigits[c&15])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}

// unescape resolves the escapes of a JSON string; problem is not empty when s is
// not well-formed.
func unescape(s string) (text, problem string) {
	var b strings.Builder
	for i := 0; i < len(s); {
		c := s[i]
		i++
		if c != '\\' {
			b.WriteByte(c)
			continue
		}
		if i == len(s) {
			return "", "quoted string may not end with backslash"
		}
		c = s[i]
		i++
		switch c {
		case '"', '\\', '/':
			b.WriteByte(c)
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r, n, problem := unescapeUnicode(s[i:])
			if problem != "" {
				return "", problem
			}
			b.WriteRune(r)
			i += n
		default:
			return "", "bad escape \\" + string(rune(c))
		}
	}
	return b.String(), ""
}

// unescapeUnicode reads the digits behind \u and a second \uXXXX when the first
// is half of a surrogate pair; n is how much it read.
func unescapeUnicode(s string) (r rune, n int, problem string) {
	hex4 := func(s string) (rune, bool) {
		if len(s) < 4 {
			return 0, false
		}
		v, err := strconv.ParseUint(s[:4], 16, 16)
		return rune(v), err == nil
	}
	r, ok := hex4(s)
	if !ok {
		return 0, 0, `\u must be followed by 4 hex digits`
	}
	if r == 0 {
		return 0, 0, "null bytes not supported in quoted strings"
	}
	if !utf16.IsSurrogate(r) {
		return r, 4, ""
	}
	if strings.HasPrefix(s[4:], `\u`) {
		if lo, ok := hex4(s[6:]); ok {
			if p := utf16.DecodeRune(r, lo); p != utf8.RuneError {
				return p, 10, ""
			}
		}
	}
	return 0, 0, `\u surrogate without its other half`
}
