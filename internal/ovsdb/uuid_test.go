package ovsdb

import (
	"strings"
	"testing"
)

func TestParseUUID(t *testing.T) {
	const text = "01234567-89ab-cdef-0123-456789abcdef"
	u, err := ParseUUID(text)
	if err != nil || u.String() != text {
		t.Fatalf("ParseUUID(%s) = %s, %v", text, u, err)
	}
	if upper, err := ParseUUID(strings.ToUpper(text)); err != nil || upper != u {
		t.Errorf("upper case digits: %s, %v", upper, err)
	}
	for _, bad := range []string{
		"",
		text[:35],
		text + "0",
		"0123456-789ab-cdef-0123-456789abcdef0",
		"01234567-89ab-cdef-0123-456789abcde-",
		"--234567-89ab-cdef-0123-456789abcdef",
		"01234567-89ab-cdef-0123-456789abcdeg",
		"01234567089ab-cdef-0123-456789abcdef",
	} {
		if u, err := ParseUUID(bad); err == nil {
			t.Errorf("ParseUUID(%q) = %s, expected an error", bad, u)
		}
	}
}

func TestNewUUID(t *testing.T) {
	a, b := NewUUID(), NewUUID()
	if a == b || a.IsZero() {
		t.Errorf("NewUUID gave %s, then %s", a, b)
	}
	if s := a.String(); s[14] != '4' || !strings.ContainsRune("89ab", rune(s[19])) {
		t.Errorf("%s is not of version 4", s)
	}
}

func TestCompareUUIDs(t *testing.T) {
	low, _ := ParseUUID("00ffffff-ffff-ffff-ffff-ffffffffffff")
	high, _ := ParseUUID("01000000-0000-0000-0000-000000000000")
	if low.Compare(high) >= 0 || high.Compare(low) <= 0 || low.Compare(low) != 0 {
		t.Error("UUIDs are not ordered by their digits")
	}
}
