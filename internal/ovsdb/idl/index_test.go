package idl

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Indexes agree with a search through all rows, whatever is put and removed,
// with buckets below and above the size at which they change their form.
func TestIndexes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := newTestTable()
		byName := NewIndex(table, func(r *testRow) (string, bool) { return r.Name, true })
		byTag := NewIndex(table, func(r *testRow) (int64, bool) { return r.Tag.V, r.Tag.OK })
		names := []string{"a", "b", "c"}
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			id := uuidOf(rapid.Byte().Draw(t, "row"))
			old := table.Get(id)
			if old != nil && rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				table.remove(id, old)
				continue
			}
			row := &testRow{UUID: id, Name: rapid.SampledFrom(names).Draw(t, "name")}
			if n := rapid.Int64Range(0, 3).Draw(t, "tag"); n > 0 {
				row.Tag = ovsdb.Some(n)
			}
			table.put(id, old, row)
		}
		for _, name := range names {
			checkBucket(t, table, byName.Get(name), func(r *testRow) bool { return r.Name == name })
			if one := byName.One(name); (one == nil) != (len(byName.Get(name)) == 0) {
				t.Fatalf("One(%s) is %v", name, one)
			}
		}
		for n := range int64(4) {
			checkBucket(t, table, byTag.Get(n), func(r *testRow) bool { return r.Tag == ovsdb.Some(n) })
		}
	})
}

func checkBucket(t *rapid.T, table *Table[testRow], got []*testRow, match func(*testRow) bool) {
	t.Helper()
	n := 0
	for r := range table.All() {
		if match(r) {
			n++
			if !slices.Contains(got, r) {
				t.Fatalf("row %+v is missing", r)
			}
		}
	}
	if n != len(got) {
		t.Fatalf("the index has %d rows, the table %d", len(got), n)
	}
}
