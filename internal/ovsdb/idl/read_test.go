package idl_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// A real server answers a ReadInts with the integers of the columns that it has.
func TestReadInts(t *testing.T) {
	s := startEverything(t)
	o := follow(t, s.Remote)
	var tx idl.Tx
	row := tx.Insert("Item", map[string]any{"name": "one", "int": 1 << 60, "string_int": map[string]int64{"a": 1}})
	made := o.commit(&tx)
	if made.Err != nil {
		t.Fatal(made.Err)
	}
	var read idl.Tx
	read.ReadInts("Item", made.UUID(row), "of_a_newer_server", "int", "string_int", "opt_int")
	read.ReadInts("Item", ovsdb.NewUUID(), "int")
	read.ReadInts("Item", made.UUID(row), "of_a_newer_server")
	got := o.commit(&read)
	if diff := cmp.Diff([]idl.OpResult{{Count: 1, Ints: map[string]int64{"int": 1 << 60}}, {}, {Skipped: true}}, got.Ops); diff != "" || got.Err != nil {
		t.Errorf("%v, -want +got:\n%s", got.Err, diff)
	}
	if want := []string{"column Item.of_a_newer_server", "column Item.string_int", "column Item.opt_int", "column Item.of_a_newer_server"}; !slices.Equal(got.LeftOut, want) {
		t.Errorf("left out: %q", got.LeftOut)
	}
}

// A real server answers a Read with the map, and with nothing for a row that is not there.
func TestRead(t *testing.T) {
	s := startEverything(t)
	o := follow(t, s.Remote)
	want := map[string]string{"stage-name": "ls_in_acl", "quoted \"key\"": "1"}
	var tx idl.Tx
	full := tx.Insert("Item", map[string]any{"name": "full", "string_string": want})
	empty := tx.Insert("Item", map[string]any{"name": "empty"})
	made := o.commit(&tx)
	if made.Err != nil {
		t.Fatal(made.Err)
	}
	var read idl.Tx
	read.Read("Item", made.UUID(full), "string_string")
	read.Read("Item", made.UUID(empty), "string_string")
	read.Read("Item", ovsdb.NewUUID(), "string_string")
	read.Read("Item", made.UUID(full), "of_a_newer_server")
	got := o.commit(&read)
	if diff := cmp.Diff([]idl.OpResult{{Count: 1, Map: want}, {Count: 1}, {}, {Skipped: true}}, got.Ops); diff != "" || got.Err != nil {
		t.Errorf("%v, -want +got:\n%s", got.Err, diff)
	}
}
