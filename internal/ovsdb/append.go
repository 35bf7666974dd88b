package ovsdb

import "unicode/utf8"

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if plain[c] {
				b = append(b, c)
			} else {
				b = appendEscape(b, c)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		b = utf8.AppendRune(b, r)
		i += n
	}
	return append(b, '"')
}

func appendEscape(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\t':
		return append(b, '\\', 't')
	case '\r':
		return append(b, '\\', 'r')
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// AppendUUID appends ["uuid", "..."].
func AppendUUID(b []byte, u UUID) []byte {
	b = append(b, `["uuid","`...)
	b = u.AppendText(b)
	return append(b, `"]`...)
}

// AppendNamedUUID appends ["named-uuid", "..."].
func AppendNamedUUID(b []byte, name NamedUUID) []byte {
	b = append(b, `["named-uuid",`...)
	b = AppendString(b, string(name))
	return append(b, ']')
}
