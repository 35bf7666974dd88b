package ovsdb

// Opt is an optional scalar column (minimum 0, maximum 1 value) that is not a
// reference.
type Opt[T any] struct {
	V  T    // the value; zero unless OK
	OK bool // the column has a value
}

// Some returns an Opt with a value.
func Some[T any](v T) Opt[T] { return Opt[T]{V: v, OK: true} }

// Or returns the value, or def if there is none.
func (o Opt[T]) Or(def T) T {
	if o.OK {
		return o.V
	}
	return def
}

// NamedUUID refers, inside one transaction, to a row that the same transaction
// inserts (RFC 7047, section 5.1 <named-uuid>).
type NamedUUID string

// Atom is a Go type that holds one OVSDB <atom>: string, integer, boolean, real
// and uuid in this order.
type Atom interface {
	string | int64 | bool | float64 | UUID
}

// Any returns the value, if there is one, whatever its type.
func (o Opt[T]) Any() (any, bool) { return o.V, o.OK }
