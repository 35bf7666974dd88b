package idl

import (
	"math"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

func TestAppendValue(t *testing.T) {
	db := parseSchema(testSchema)
	id := uuidOf(1)
	const uuid1 = `["uuid","00000000-0000-0000-0000-000000000001"]`
	type word string
	for _, test := range []struct {
		table, column string
		value         any
		want          string
	}{
		{"T", "name", "a\"\n\x01é", `"a\"\n\u0001é"`},
		{"T", "name", word("x"), `"x"`},
		{"T", "tag", 5, `5`},
		{"T", "tag", int64(-5), `-5`},
		{"T", "tag", uint32(5), `5`},
		{"T", "tag", nil, `["set",[]]`},
		{"T", "tag", ovsdb.Some[int64](7), `7`},
		{"T", "tag", ovsdb.Opt[int64]{}, `["set",[]]`},
		{"T", "tag", []int64{9}, `9`},
		{"T", "set", []string{"b", "a"}, `["set",["b","a"]]`},
		{"T", "set", "one", `"one"`},
		{"T", "set", []string(nil), `["set",[]]`},
		{"T", "map", map[string]string{"b": "2", "a": "1"}, `["map",[["a","1"],["b","2"]]]`},
		{"T", "map", map[string]string(nil), `["map",[]]`},
		{"T", "map", nil, `["map",[]]`},
		{"T", "ref", id, uuid1},
		{"T", "ref", ovsdb.UUID{}, `["set",[]]`},
		{"T", "ref", ovsdb.NamedUUID("row1"), `["named-uuid","row1"]`},
		{"T", "ref", ovsdb.NamedUUID("gone"), `["set",[]]`},
		{"Other", "few", []int{1, 2}, `["set",[1,2]]`},
		{"Other", "real", 1.5, `1.5`},
		{"Other", "real", 3, `3`},
		{"Other", "bool", true, `true`},
		{"Other", "id", id, uuid1},
		{"Other", "kinds", map[int64]ovsdb.UUID{3: id, 4: {}}, `["map",[[3,` + uuid1 + `]]]`},
	} {
		col, ok := db.Column(test.table, test.column)
		if !ok {
			t.Fatalf("no column %s.%s", test.table, test.column)
		}
		got, err := appendValue([]byte("x"), col, test.value, whole, names{"gone": true})
		if err != nil || string(got) != "x"+test.want {
			t.Errorf("%s = %#v is %s, %v; want %s", test.column, test.value, got, err, test.want)
		}
	}
}

func TestAppendValueErrors(t *testing.T) {
	db := parseSchema(testSchema)
	for _, test := range []struct {
		table, column string
		value         any
		want          string
	}{
		{"T", "name", 5, "a value of Go type int; the column's type is string"},
		{"T", "name", nil, "0 elements; the column's type is string"},
		{"T", "name", []string{"a", "b"}, "2 elements"},
		{"T", "name", "\xff", "not UTF-8"},
		{"T", "name", "a\x00", "has a zero byte"},
		{"T", "name", uuidOf(1), "ovsdb.UUID"},
		{"T", "tag", "5", "a value of Go type string; the column's type is 0..1 integer"},
		{"T", "tag", 1.5, "float64"},
		{"T", "tag", uint64(math.MaxUint64), "uint64"},
		{"T", "set", []int{1}, "a value of Go type int"},
		{"T", "set", []any{nil}, "<nil>"},
		{"T", "map", []string{"a"}, "[]string"},
		{"T", "map", map[string]int{"a": 1}, "a value of Go type int"},
		{"T", "map", map[int]string{1: "a"}, "a value of Go type int"},
		{"T", "ref", "row1", "string"},
		{"Other", "few", []int{1, 2, 3}, "3 elements; the column's type is 1..2 integer"},
		{"Other", "few", nil, "0 elements"},
		{"Other", "real", math.NaN(), "float64"},
		{"Other", "real", math.Inf(1), "float64"},
		{"Other", "id", ovsdb.UUID{}, "0 elements; the column's type is uuid"},
	} {
		col, _ := db.Column(test.table, test.column)
		if got, err := appendValue(nil, col, test.value, whole, nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s = %#v is %s, error %v, want one with %q", test.column, test.value, got, err, test.want)
		}
	}
	few, _ := db.Column("Other", "few")
	if got, err := appendValue(nil, few, nil, partial, nil); err != nil || string(got) != `["set",[]]` {
		t.Errorf("a partial value is %s, %v", got, err)
	}
}
