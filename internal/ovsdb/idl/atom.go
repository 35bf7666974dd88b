package idl

import (
	"cmp"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// atom is what columns need to know of an atomic type.
type atom[T ovsdb.Atom] struct {
	kind    schema.Kind
	decode  func(*ovsdb.Decoder) T
	compare func(a, b T) int // the order of ovsdb-server's sets
}

// atomOf returns the atom of T. It runs once for each column, not for each
// value.
func atomOf[T ovsdb.Atom]() atom[T] {
	var found any
	switch any(*new(T)).(type) {
	case string:
		found = atom[string]{schema.String, (*ovsdb.Decoder).Text, cmp.Compare[string]}
	case int64:
		found = atom[int64]{schema.Integer, (*ovsdb.Decoder).Int, cmp.Compare[int64]}
	case float64:
		found = atom[float64]{schema.Real, (*ovsdb.Decoder).Real, cmp.Compare[float64]}
	case bool:
		found = atom[bool]{schema.Boolean, (*ovsdb.Decoder).Bool, compareBool}
	case ovsdb.UUID:
		found = atom[ovsdb.UUID]{schema.UUID, (*ovsdb.Decoder).UUID, ovsdb.UUID.Compare}
	}
	return found.(atom[T])
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
