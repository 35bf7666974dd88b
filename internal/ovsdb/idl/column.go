package idl

import (
	"fmt"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// Column says how one column of a table is kept in the row type R.
type Column[R any] struct {
	name  string
	key   schema.Kind
	value schema.Kind
	many  bool // the field can hold more than one element
	extra bool // monitored only if Config.Extra asks for it

	decode func(*ovsdb.Decoder, *R)
	// assign copies the column of src into dst.
	assign func(dst, src *R)
	// patch applies a difference as update2 defines it for sets and maps.
	patch func(dst, diff *R)
	equal func(a, b *R) bool
	get   func(*R) any
}

// Extra marks a column that is not monitored by default.
func Extra[R any](c Column[R]) Column[R] {
	c.extra = true
	return c
}

// Scalar is a column with exactly one value. A server whose schema makes it
// optional is tolerated: no value is the zero value.
func Scalar[R any, T ovsdb.Atom](name string, field func(*R) *T) Column[R] {
	a := atomOf[T]()
	return Column[R]{
		name: name,
		key:  a.kind,
		decode: func(d *ovsdb.Decoder, r *R) {
			*field(r), _ = decodeOne(d, a)
		},
		assign: func(dst, src *R) { *field(dst) = *field(src) },
		equal:  func(x, y *R) bool { return *field(x) == *field(y) },
		get:    func(r *R) any { return *field(r) },
	}
}

// Ref is a column with at most one reference, zero if there is none.
func Ref[R any](name string, field func(*R) *ovsdb.UUID) Column[R] {
	return Scalar(name, field)
}

// Optional is a column with at most one value that is not a reference.
func Optional[R any, T ovsdb.Atom](name string, field func(*R) *ovsdb.Opt[T]) Column[R] {
	a := atomOf[T]()
	return Column[R]{
		name: name,
		key:  a.kind,
		decode: func(d *ovsdb.Decoder, r *R) {
			o := field(r)
			o.V, o.OK = decodeOne(d, a)
		},
		assign: func(dst, src *R) { *field(dst) = *field(src) },
		equal:  func(x, y *R) bool { return *field(x) == *field(y) },
		get:    func(r *R) any { return *field(r) },
	}
}

// Set is a column with any number of values, kept sorted.
func Set[R any, T ovsdb.Atom](name string, field func(*R) *[]T) Column[R] {
	a := atomOf[T]()
	return Column[R]{
		name: name,
		key:  a.kind,
		many: true,
		decode: func(d *ovsdb.Decoder, r *R) {
			*field(r) = decodeSet(d, a)
		},
		assign: func(dst, src *R) { *field(dst) = *field(src) },
		patch: func(dst, diff *R) {
			*field(dst) = patchSet(a, *field(dst), *field(diff))
		},
		equal: func(x, y *R) bool { return equalSets(*field(x), *field(y)) },
		get:   func(r *R) any { return *field(r) },
	}
}

// Map is a column with key-value pairs.
func Map[R any, K, V ovsdb.Atom](name string, field func(*R) *map[K]V) Column[R] {
	k, v := atomOf[K](), atomOf[V]()
	return Column[R]{
		name:  name,
		key:   k.kind,
		value: v.kind,
		many:  true,
		decode: func(d *ovsdb.Decoder, r *R) {
			*field(r) = decodeMap(d, k, v)
		},
		assign: func(dst, src *R) { *field(dst) = *field(src) },
		patch: func(dst, diff *R) {
			*field(dst) = patchMap(*field(dst), *field(diff))
		},
		equal: func(x, y *R) bool { return equalMaps(*field(x), *field(y)) },
		get:   func(r *R) any { return *field(r) },
	}
}

// accepts reports why values of a server's column do not fit this column, nil
// if they do.
func (c *Column[R]) accepts(server schema.Column) error {
	if server.Key != c.key || server.Value != c.value || server.Max > 1 && !c.many {
		return fmt.Errorf("the server's type is %s", server)
	}
	return nil
}
