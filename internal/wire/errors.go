package wire

import "fmt"

// Error says why bytes are not the header that they were taken for.
type Error struct {
	Header string // "IPv4", "DHCPv4", ...
	Reason string // what is wrong, with the number that is
}

// Error is "Header: reason".
func (e *Error) Error() string { return e.Header + ": " + e.Reason }

func short(header string, have, want int) error {
	return &Error{header, fmt.Sprintf("has %d bytes, needs %d", have, want)}
}

func malformed(header, format string, args ...any) error {
	return &Error{header, fmt.Sprintf(format, args...)}
}
