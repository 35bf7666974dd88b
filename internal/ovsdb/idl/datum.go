package idl

import (
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// decodeOne reads a value of zero or one elements.
func decodeOne[T ovsdb.Atom](d *ovsdb.Decoder, a atom[T]) (v T, ok bool) {
	d.Elements(func() {
		if ok {
			d.Fail(errSeveral)
			return
		}
		v, ok = a.decode(d), true
	})
	return v, ok
}

// decodeSet reads a set and sorts it; ovsdb-server sends it sorted already. The
// empty set is nil.
func decodeSet[T ovsdb.Atom](d *ovsdb.Decoder, a atom[T]) []T {
	var s []T
	d.Elements(func() { s = append(s, a.decode(d)) })
	if !slices.IsSortedFunc(s, a.compare) {
		slices.SortFunc(s, a.compare)
	}
	return slices.Clip(slices.CompactFunc(s, func(x, y T) bool { return a.compare(x, y) == 0 }))
}

// decodeMap reads a map. The empty map is nil.
func decodeMap[K, V ovsdb.Atom](d *ovsdb.Decoder, key atom[K], value atom[V]) map[K]V {
	var m map[K]V
	d.Pairs(func() {
		k := key.decode(d)
		d.Between()
		v := value.decode(d)
		if m == nil {
			m = make(map[K]V)
		}
		m[k] = v
	})
	return m
}

// patchSet returns what is in exactly one of old and diff: elements of diff that
// old has are taken away, others are added. Both are sorted; neither is changed.
func patchSet[T ovsdb.Atom](a atom[T], old, diff []T) []T {
	if len(diff) == 0 {
		return old
	}
	out := make([]T, 0, len(old)+len(diff))
	for len(old) > 0 && len(diff) > 0 {
		switch c := a.compare(old[0], diff[0]); {
		case c < 0:
			out, old = append(out, old[0]), old[1:]
		case c > 0:
			out, diff = append(out, diff[0]), diff[1:]
		default:
			old, diff = old[1:], diff[1:]
		}
	}
	out = append(append(out, old...), diff...)
	if len(out) == 0 {
		return nil
	}
	return out
}

// patchMap returns old with the pairs of diff applied: a pair that old has is
// taken away, one with another value replaces old's, others are added.
func patchMap[K, V ovsdb.Atom](old, diff map[K]V) map[K]V {
	if len(diff) == 0 {
		return old
	}
	out := make(map[K]V, len(old)+len(diff))
	maps.Copy(out, old)
	for k, v := range diff {
		if was, ok := old[k]; ok && was == v {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func equalSets[T ovsdb.Atom](a, b []T) bool { return slices.Equal(a, b) }

func equalMaps[K, V ovsdb.Atom](a, b map[K]V) bool { return maps.Equal(a, b) }
