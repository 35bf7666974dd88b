package idl

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

func TestEncodeTx(t *testing.T) {
	one := uuidOf(1)
	var tx Tx
	row := tx.Insert("T", map[string]any{"name": "a", "newer": 1})
	other := tx.Insert("Newer", map[string]any{"name": "b"})
	tx.Insert("T", nil)
	tx.Update("T", one, map[string]any{"ref": row, "tag": ovsdb.Some[int64](3)})
	tx.Update("T", one, map[string]any{"ref": other})
	tx.Update("T", one, map[string]any{"newer": 1})
	tx.Mutate("T", one, "map", "delete", []string{"k"})
	tx.Mutate("T", one, "map", "insert", map[string]string{"k": "v"})
	tx.Mutate("T", one, "map", "delete", map[string]string{"k": "v"})
	tx.Mutate("T", one, "newer", "+=", 1)
	tx.Mutate("Other", one, "few", "insert", []int{4})
	tx.Delete("T", one)
	tx.Delete("Newer", one)
	tx.Wait("T", one, map[string]any{"name": "a", "set": nil})
	tx.Read("T", one, "map")
	tx.Read("T", one, "newer")
	tx.Comment("why")
	tx.Assert("mine")
	req, err := tx.encode("DB", parseSchema(testSchema))
	if err != nil {
		t.Fatal(err)
	}
	const where = `"where":[["_uuid","==",["uuid","00000000-0000-0000-0000-000000000001"]]]`
	want := []string{`["DB"`,
		`{"op":"assert","lock":"mine"}`,
		`{"op":"insert","uuid-name":"row1","row":{"name":"a"},"table":"T"}`,
		`{"op":"insert","uuid-name":"row3","row":{},"table":"T"}`,
		`{"op":"update",` + where + `,"row":{"ref":["named-uuid","row1"],"tag":3},"table":"T"}`,
		`{"op":"update",` + where + `,"row":{"ref":["set",[]]},"table":"T"}`,
		`{"op":"mutate",` + where + `,"mutations":[["map","delete","k"]],"table":"T"}`,
		`{"op":"mutate",` + where + `,"mutations":[["map","insert",["map",[["k","v"]]]]],"table":"T"}`,
		`{"op":"mutate",` + where + `,"mutations":[["map","delete",["map",[["k","v"]]]]],"table":"T"}`,
		`{"op":"mutate",` + where + `,"mutations":[["few","insert",4]],"table":"Other"}`,
		`{"op":"delete",` + where + `,"table":"T"}`,
		`{"op":"wait",` + where + `,"timeout":0,"until":"==","columns":["name","set"],"rows":[{"name":"a","set":["set",[]]}],"table":"T"}`,
		`{"op":"select",` + where + `,"columns":["map"],"table":"T"}`,
		`{"op":"comment","comment":"why"}]`,
	}
	got := strings.ReplaceAll(string(req.params), `,{"op"`, "\n"+`{"op"`)
	if diff := cmp.Diff(want, strings.Split(got, "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	wantLeft := []string{"column T.newer", "table Newer", "column T.newer", "column T.newer", "table Newer", "column T.newer"}
	if diff := cmp.Diff(wantLeft, req.leftOut); diff != "" {
		t.Errorf("left out, -want +got:\n%s", diff)
	}
	var skipped []int
	for i, r := range req.emptyResult(&tx).Ops {
		if r.Skipped {
			skipped = append(skipped, i)
		}
	}
	if diff := cmp.Diff([]int{1, 5, 9, 12, 15}, skipped); diff != "" {
		t.Errorf("skipped, -want +got:\n%s", diff)
	}
}

func TestEncodeTxErrors(t *testing.T) {
	for want, build := range map[string]func(*Tx){
		"insert in T: not sent: column name: a value of Go type int": func(tx *Tx) { tx.Insert("T", map[string]any{"name": 1}) },
		"update in T: not sent: column tag: a value of Go type string": func(tx *Tx) {
			tx.Update("T", uuidOf(1), map[string]any{"tag": "x"})
		},
		"mutate in T: not sent: column set: a value of Go type bool": func(tx *Tx) { tx.Mutate("T", uuidOf(1), "set", "insert", true) },
		"wait in T: not sent: column map: a value of Go type string": func(tx *Tx) { tx.Wait("T", uuidOf(1), map[string]any{"map": "x"}) },
	} {
		var tx Tx
		tx.Insert("T", map[string]any{"name": "good"})
		build(&tx)
		_, err := tx.encode("DB", parseSchema(testSchema))
		var op *OpError
		if !errors.As(err, &op) || op.Index != 1 || !op.Refused() || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one of operation 1 with %q", err, want)
		}
	}
}

// A transaction of which nothing is left is not sent.
func TestEncodeEmptyTx(t *testing.T) {
	var tx Tx
	tx.Insert("Newer", nil)
	tx.Comment("only a comment is left")
	req, err := tx.encode("DB", parseSchema(testSchema))
	if err != nil || req.params != nil || len(req.leftOut) != 1 {
		t.Errorf("%+v, %v", req, err)
	}
}

func TestTxResult(t *testing.T) {
	var tx Tx
	row := tx.Insert("T", map[string]any{"name": "a"})
	tx.Insert("Newer", nil)
	tx.Update("T", uuidOf(1), map[string]any{"name": "b"})
	tx.Wait("T", uuidOf(1), map[string]any{"name": "b"})
	req, err := tx.encode("DB", parseSchema(testSchema))
	if err != nil {
		t.Fatal(err)
	}
	read := func(text string) (Result, error) {
		return req.result(ovsdb.NewStream(strings.NewReader(text)), &tx)
	}
	id := uuidOf(9)
	res, err := read(`[{"uuid":["uuid","` + id.String() + `"]},{"count":1},{}]`)
	want := []OpResult{{UUID: id}, {Skipped: true}, {Count: 1}, {}}
	if diff := cmp.Diff(want, res.Ops); diff != "" || err != nil || res.Err != nil || res.UUID(row) != id {
		t.Errorf("%v, %v, -want +got:\n%s", err, res.Err, diff)
	}

	res, err = read(`[{"uuid":["uuid","` + id.String() + `"]},{"error":"constraint violation","details":"because"},null]`)
	var op *OpError
	if err != nil || !errors.As(res.Err, &op) || *op != (OpError{Index: 2, Op: "update", Table: "T", Tag: "constraint violation", Details: "because"}) {
		t.Errorf("%v, %#v", err, res.Err)
	}
	if res.Err.Error() != "update in T: constraint violation: because" || res.UUID(row) != (ovsdb.UUID{}) {
		t.Errorf("%v, inserted %v", res.Err, res.UUID(row))
	}

	res, err = read(`[{"uuid":["uuid","` + id.String() + `"]},{"count":1},{"error":"timed out","details":null}]`)
	if err != nil || !errors.Is(res.Err, ErrTryAgain) {
		t.Errorf("a Wait that fails: %v, %v", err, res.Err)
	}

	res, err = read(`[{"uuid":["uuid","` + id.String() + `"]},{"count":1},{},{"error":"referential integrity violation"}]`)
	if err != nil || res.Err == nil || res.Err.Error() != "commit: referential integrity violation" || errors.Is(res.Err, ErrTryAgain) {
		t.Errorf("a commit that fails: %v, %v", err, res.Err)
	}

	for _, bad := range []string{`[]`, `{}`, `[5]`, `[{"count":"x"}]`, `[{"error":5}]`, `[{"uuid":["uuid","x"]}`} {
		if res, err := read(bad); err == nil {
			t.Errorf("%s is taken for %+v", bad, res)
		}
	}
}

func TestConditions(t *testing.T) {
	cs := conditionSet{where: map[string][]Condition{
		"T": {
			{Column: "name", Op: "==", Value: "a"},
			{Column: "newer", Op: "==", Value: "a"},
			{Column: "map", Op: "includes", Value: map[string]string{"k": "v"}},
			{Column: "tag", Op: "!=", Value: nil},
			{Column: "tag", Op: "==", Value: "wrong"},
		},
		"Other": {{Column: "newer", Op: "==", Value: 1}},
		"None":  {},
	}}
	db, log := parseSchema(testSchema), newTestTables().reader.log
	for table, want := range map[string]string{
		"T":        `[["name","==","a"],["map","includes",["map",[["k","v"]]]],["tag","!=",["set",[]]]]`,
		"Other":    `[false]`,
		"None":     `[false]`,
		"Anything": `[true]`,
	} {
		if got := cs.appendWhere(nil, table, db, log); string(got) != want {
			t.Errorf("%s: %s, want %s", table, got, want)
		}
	}
}

// TestParts: operations are known by the part that they were added for.
func TestParts(t *testing.T) {
	a, b, empty, out := Part{Kind: "a", Table: "T"}, Part{Kind: "b", Table: "T", Row: uuidOf(1)}, Part{Kind: "empty"}, Part{Kind: "out"}
	var tx Tx
	tx.Delete("T", uuidOf(1)) // of no part
	if !tx.Part(a) {
		t.Error("a part is not admitted though nobody was to be asked")
	}
	tx.Admit(func(p Part) bool { return p != out })
	tx.Insert("T", nil)
	tx.Insert("T", nil)
	if !tx.Part(empty) || tx.Part(out) || !tx.Part(b) {
		t.Error("admitted are not those that were to be")
	}
	tx.Insert("T", nil)
	if diff := cmp.Diff([]Part{a, b}, tx.Parts()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for op, want := range map[int]Part{-1: {}, 0: {}, 1: a, 2: a, 3: b} {
		if got, ok := tx.PartOf(op); got != want || ok != (want != Part{}) {
			t.Errorf("operation %d is of %v, %v; want %v", op, got, ok, want)
		}
	}
	for _, e := range []struct {
		OpError
		refused bool
	}{
		{OpError{Index: 2, Op: "insert", Tag: "permission error"}, true},
		{OpError{Index: 2, Op: "wait", Tag: "timed out"}, false},
		{OpError{Index: -1, Op: "commit", Tag: "constraint violation"}, true},
		{OpError{Index: -1, Op: "commit", Tag: "cluster error"}, false},
		{OpError{Index: -1, Op: "assert", Tag: "not owner"}, false},
	} {
		if e.Refused() != e.refused {
			t.Errorf("%+v: refused %v", e.OpError, e.Refused())
		}
	}
}
