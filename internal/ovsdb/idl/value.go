package idl

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// whole and partial say whether a value has to have as many elements as its
// column. One in a condition or a mutation need not.
type completeness bool

const (
	whole   completeness = true
	partial completeness = false
)

// names tells which rows of a transaction are left out.
type names map[ovsdb.NamedUUID]bool

// appendValue appends a Go value (see Tx) as the <value> of a column. References
// to rows that are left out are left out too.
func appendValue(b []byte, col schema.Column, v any, c completeness, gone names) ([]byte, error) {
	e := valueEncoder{key: col.Key, value: col.Value, gone: gone}
	var err error
	if col.IsMap() {
		err = e.pairs(v)
	} else {
		err = e.set(v)
	}
	if err != nil {
		return b, fmt.Errorf("%w; the column's type is %s", err, col)
	}
	n := len(e.elements)
	if c == whole && (n < col.Min || n > col.Max) {
		return b, fmt.Errorf("%d elements; the column's type is %s", n, col)
	}
	if n == 1 && !col.IsMap() {
		return append(b, e.elements[0]...), nil
	}
	tag := `["set",[`
	if col.IsMap() {
		tag = `["map",[`
		slices.SortFunc(e.elements, bytes.Compare) // Go's order of a map is random
	}
	b = append(b, tag...)
	b = append(b, bytes.Join(e.elements, []byte{','})...)
	return append(b, "]]"...), nil
}

// valueEncoder encodes the elements of a value.
type valueEncoder struct {
	key, value schema.Kind
	gone       names
	elements   [][]byte
}

// set encodes nil, a scalar, an Opt or a slice.
func (e *valueEncoder) set(v any) error {
	switch v := v.(type) {
	case nil:
		return nil
	case ovsdb.UUID, ovsdb.NamedUUID:
		return e.element(v)
	case interface{ Any() (any, bool) }:
		if some, ok := v.Any(); ok {
			return e.element(some)
		}
		return nil
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Slice {
		return e.element(v)
	}
	for i := range rv.Len() {
		if err := e.element(rv.Index(i).Interface()); err != nil {
			return err
		}
	}
	return nil
}

// element encodes one element of a set, unless it is no row.
func (e *valueEncoder) element(v any) error {
	if e.absent(v) {
		return nil
	}
	b, err := appendAtom(nil, e.key, v)
	e.elements = append(e.elements, b)
	return err
}

// absent reports whether v is the zero UUID or a row that is left out.
func (e *valueEncoder) absent(v any) bool {
	switch v := v.(type) {
	case ovsdb.UUID:
		return v.IsZero()
	case ovsdb.NamedUUID:
		return e.gone[v]
	}
	return false
}

// pairs encodes nil or a map.
func (e *valueEncoder) pairs(v any) error {
	if v == nil {
		return nil
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Map {
		return fmt.Errorf("a value of Go type %T", v)
	}
	for it := rv.MapRange(); it.Next(); {
		key, value := it.Key().Interface(), it.Value().Interface()
		if e.absent(key) || e.absent(value) {
			continue
		}
		b, err := appendAtom([]byte{'['}, e.key, key)
		if err != nil {
			return err
		}
		if b, err = appendAtom(append(b, ','), e.value, value); err != nil {
			return err
		}
		e.elements = append(e.elements, append(b, ']'))
	}
	return nil
}

func isMap(v any) bool { return v != nil && reflect.TypeOf(v).Kind() == reflect.Map }

// appendAtom encodes an <atom>.
func appendAtom(b []byte, kind schema.Kind, v any) ([]byte, error) {
	switch v := v.(type) {
	case ovsdb.UUID:
		if kind == schema.UUID {
			return ovsdb.AppendUUID(b, v), nil
		}
	case ovsdb.NamedUUID:
		if kind == schema.UUID {
			return ovsdb.AppendNamedUUID(b, v), nil
		}
	case nil:
	default:
		if b, ok := appendScalar(b, kind, reflect.ValueOf(v)); ok {
			return b, nil
		}
		if s, ok := v.(string); ok && kind == schema.String {
			return b, fmt.Errorf("the string %q, which is not UTF-8 or has a zero byte", s)
		}
	}
	return b, fmt.Errorf("a value of Go type %T", v)
}

// sendable reports whether a server takes a string. ovsdb-server closes the
// connection on which a zero byte arrives.
func sendable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// appendScalar encodes all atoms but UUIDs.
func appendScalar(b []byte, kind schema.Kind, rv reflect.Value) ([]byte, bool) {
	switch {
	case kind == schema.String && rv.Kind() == reflect.String && sendable(rv.String()):
		return ovsdb.AppendString(b, rv.String()), true
	case kind == schema.Boolean && rv.Kind() == reflect.Bool:
		return strconv.AppendBool(b, rv.Bool()), true
	case (kind == schema.Integer || kind == schema.Real) && rv.CanInt():
		return strconv.AppendInt(b, rv.Int(), 10), true
	case (kind == schema.Integer || kind == schema.Real) && rv.CanUint() && rv.Uint() < 1<<63:
		return strconv.AppendUint(b, rv.Uint(), 10), true
	case kind == schema.Real && rv.CanFloat() && !math.IsNaN(rv.Float()) && !math.IsInf(rv.Float(), 0):
		return strconv.AppendFloat(b, rv.Float(), 'g', -1, 64), true
	}
	return b, false
}
