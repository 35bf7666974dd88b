package idl

import (
	"cmp"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// difference computes what a server puts in a "modify" of a set: the elements
// of exactly one of two sets.
func difference[T cmp.Ordered](a, b []T) []T {
	var diff []T
	for _, x := range a {
		if !slices.Contains(b, x) {
			diff = append(diff, x)
		}
	}
	for _, x := range b {
		if !slices.Contains(a, x) {
			diff = append(diff, x)
		}
	}
	slices.Sort(diff)
	return diff
}

func sortedSet(t *rapid.T, label string) []int64 {
	s := rapid.SliceOfDistinct(rapid.Int64Range(0, 12), rapid.ID[int64]).Draw(t, label)
	slices.Sort(s)
	if len(s) == 0 {
		return nil
	}
	return s
}

func TestPatchSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, want := sortedSet(t, "old"), sortedSet(t, "new")
		diff := difference(old, want)
		before := slices.Clone(old)
		got := patchSet(atomOf[int64](), old, diff)
		if !slices.Equal(got, want) || (got == nil) != (want == nil) {
			t.Fatalf("%v with %v is %v, want %v", old, diff, got, want)
		}
		if !slices.Equal(old, before) {
			t.Fatalf("the old set %v was changed to %v", before, old)
		}
	})
}

func TestPatchMap(t *testing.T) {
	keyed := rapid.MapOf(rapid.StringMatching("[a-e]"), rapid.Int64Range(0, 3))
	rapid.Check(t, func(t *rapid.T) {
		old, want := keyed.Draw(t, "old"), keyed.Draw(t, "new")
		diff := make(map[string]int64)
		for k, v := range old {
			if w, ok := want[k]; !ok {
				diff[k] = v
			} else if w != v {
				diff[k] = w
			}
		}
		for k, v := range want {
			if _, ok := old[k]; !ok {
				diff[k] = v
			}
		}
		before := maps.Clone(old)
		got := patchMap(old, diff)
		if !maps.Equal(got, want) {
			t.Fatalf("%v with %v is %v, want %v", old, diff, got, want)
		}
		if !maps.Equal(old, before) {
			t.Fatalf("the old map %v was changed to %v", before, old)
		}
	})
}

// Sets are sorted whatever order they arrive in, and without repetitions.
func TestDecodeSet(t *testing.T) {
	d := ovsdb.NewDecoder(new(ovsdb.Interner))
	d.Reset([]byte(`["set",["b","a","c","a"]]`))
	if got := decodeSet(d, atomOf[string]()); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %v, %v", got, d.Err())
	}
	d.Reset([]byte(`["set",[true,false]]`))
	if got := decodeSet(d, atomOf[bool]()); !slices.Equal(got, []bool{false, true}) {
		t.Errorf("got %v, %v", got, d.Err())
	}
	d.Reset([]byte(`["set",[]]`))
	if got := decodeSet(d, atomOf[float64]()); got != nil {
		t.Errorf("the empty set is %v", got)
	}
}

func TestDecodeOne(t *testing.T) {
	d := ovsdb.NewDecoder(new(ovsdb.Interner))
	for text, want := range map[string]ovsdb.Opt[int64]{
		`7`:           ovsdb.Some[int64](7),
		`["set",[7]]`: ovsdb.Some[int64](7),
		`["set",[]]`:  {},
	} {
		d.Reset([]byte(text))
		v, ok := decodeOne(d, atomOf[int64]())
		if got := (ovsdb.Opt[int64]{V: v, OK: ok}); got != want || d.End() != nil {
			t.Errorf("%s is %+v, %v", text, got, d.Err())
		}
	}
	d.Reset([]byte(`["set",[7,8]]`))
	if decodeOne(d, atomOf[int64]()); d.Err() != errSeveral {
		t.Errorf("two values for a scalar: %v", d.Err())
	}
}
