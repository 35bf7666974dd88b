package flower

import "fmt"

// An InvalidError says why a filter or request cannot be sent: the kernel would refuse it with fewer words, or take it and
// read it differently.
type InvalidError struct {
	What   string // the key, action or field, in iproute2's words where it has them
	Reason string
}

// Error is "what reason".
func (e *InvalidError) Error() string { return e.What + " " + e.Reason }

func invalid(what, format string, args ...any) error {
	return &InvalidError{what, fmt.Sprintf(format, args...)}
}
