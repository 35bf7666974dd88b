package idl_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// marker is the name of an item whose number tells how far a replica is.
const marker = "marker"

// random makes transactions over the tables of package everything.
type random struct {
	*rand.Rand
	fields map[string][]field
}

func newRandom(t *testing.T, seed uint64) *random {
	return &random{Rand: rand.New(rand.NewPCG(seed, 1)), fields: described(t)}
}

var words = []string{
	"", "a", "b", "next;", `ip4.dst == "x" && \y`, "Zürich 😀", "\x01\n\t\x7f", "</script>",
	strings.Repeat("long ", 500),
}

func (r *random) word() string { return words[r.IntN(len(words))] }

// scalar returns a random value of a type of the description.
func (r *random) scalar(typ string, leaves []ovsdb.UUID) any {
	switch typ {
	case "string":
		return r.word()
	case "int":
		return []int64{0, 1, -1, 7, 1 << 40, -1 << 52}[r.IntN(6)] // libovsdb holds 53 bits
	case "real":
		return []float64{0, 1, -0.5, 1e-7, 1e300, 3.25}[r.IntN(6)]
	case "bool":
		return r.IntN(2) == 0
	case "uuid":
		return leaves[r.IntN(len(leaves))]
	}
	panic(typ)
}

// value returns a random value of a column.
func (r *random) value(f field, leaves []ovsdb.UUID) any {
	switch key, value, isMap := strings.Cut(f.typ, ":"); {
	case isMap:
		return r.mapping(key, value, leaves)
	case strings.HasSuffix(f.typ, "?"):
		if r.IntN(2) == 0 {
			return nil
		}
		return r.scalar(strings.TrimSuffix(f.typ, "?"), leaves)
	case strings.HasSuffix(f.typ, "*"):
		return r.set(strings.TrimSuffix(f.typ, "*"), leaves)
	}
	return r.scalar(f.typ, leaves)
}

// set returns up to two elements, which every set has room for.
func (r *random) set(typ string, leaves []ovsdb.UUID) []any {
	list := []any{}
	seen := make(map[any]bool)
	for range r.IntN(3) {
		if v := r.scalar(typ, leaves); !seen[v] {
			seen[v] = true
			list = append(list, v)
		}
	}
	return list
}

func (r *random) mapping(key, value string, leaves []ovsdb.UUID) map[any]any {
	m := make(map[any]any)
	for range r.IntN(4) {
		m[r.scalar(key, leaves)] = r.scalar(value, leaves)
	}
	return m
}

// row returns random values for some columns of a table.
func (r *random) row(table string, leaves []ovsdb.UUID) map[string]any {
	row := make(map[string]any)
	for _, f := range r.fields[table] {
		needsLeaf := strings.Contains(f.typ, "uuid")
		if f.column != "name" && r.IntN(3) == 0 && (!needsLeaf || len(leaves) > 0) {
			row[f.column] = r.value(f, leaves)
		}
	}
	row["name"] = fmt.Sprintf("%s %d", table, r.IntN(20))
	return row
}

// tx makes a transaction that fits what o has. It may fail as a whole: a leaf
// that is in use cannot be deleted.
func (r *random) tx(o *owner) *idl.Tx {
	var tx idl.Tx
	leaves, items := o.leaves(), o.items()
	for range 1 + r.IntN(6) {
		switch n := r.IntN(10); {
		case n < 3 || len(leaves) < 4:
			tx.Insert("Leaf", r.row("Leaf", nil))
		case n < 5 || len(items) < 4:
			tx.Insert("Item", r.row("Item", leaves))
		case n < 7:
			tx.Update("Item", items[r.IntN(len(items))], r.row("Item", leaves))
		case n == 7:
			r.mutate(&tx, items[r.IntN(len(items))], leaves)
		case n == 8:
			tx.Delete("Item", items[r.IntN(len(items))])
		default:
			tx.Delete("Leaf", leaves[r.IntN(len(leaves))])
		}
	}
	return &tx
}

func (r *random) mutate(tx *idl.Tx, item ovsdb.UUID, leaves []ovsdb.UUID) {
	f := r.fields["Item"][r.IntN(len(r.fields["Item"]))]
	switch {
	case strings.Contains(f.typ, ":"):
		key, value, _ := strings.Cut(f.typ, ":")
		tx.Mutate("Item", item, f.column, []string{"insert", "delete"}[r.IntN(2)], r.mapping(key, value, leaves))
	case strings.HasSuffix(f.typ, "*") && f.column != "ints" && f.column != "bools":
		tx.Mutate("Item", item, f.column, []string{"insert", "delete"}[r.IntN(2)], r.set(strings.TrimSuffix(f.typ, "*"), leaves))
	}
}
