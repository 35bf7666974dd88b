package idl

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// read decodes <table-updates> and applies them.
func (tt *testTables) read(t *testing.T, f form, full bool, text string) (dropped int, err error) {
	t.Helper()
	u, err := tt.reader.read(ovsdb.NewStream(strings.NewReader(text)), f, full)
	if err != nil {
		t.Fatal(err)
	}
	tt.changes = nil
	_, err = u.apply()
	return u.info.Dropped, err
}

func (tt *testTables) expect(t *testing.T, want ...Change[testRow]) {
	t.Helper()
	order := cmpopts.SortSlices(func(a, b Change[testRow]) bool { return a.ID.Compare(b.ID) < 0 })
	if diff := cmp.Diff(want, tt.changes, order, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("changes, -want +got:\n%s", diff)
	}
	for _, c := range tt.changes {
		if tt.table.Get(c.ID) != c.New {
			t.Errorf("row %s of the table is not the one of the change", c.ID)
		}
	}
}

func TestUpdates(t *testing.T) {
	one, two := uuidOf(1), uuidOf(2)
	tt := newTestTables()
	tt.read(t, formV2, true, fmt.Sprintf(`{"T":{
		"%s":{"initial":{"name":"a","ref":["uuid","%s"],"tag":5,"set":["set",["x","y"]],"map":["map",[["k","v"],["l","w"]]]}},
		"%s":{"initial":{}}},
		"Unknown":{"%s":{"initial":{"a":1}}}}`, one, two, two, two))
	first := &testRow{
		UUID: one, Name: "a", Ref: two, Tag: ovsdb.Some[int64](5),
		Set: []string{"x", "y"}, Map: map[string]string{"k": "v", "l": "w"},
	}
	empty := &testRow{UUID: two}
	tt.expect(t, Change[testRow]{ID: one, New: first}, Change[testRow]{ID: two, New: empty})

	// Differences: a scalar and an optional value are replaced, a set and a
	// map are patched. A column that was not asked for is ignored.
	tt.read(t, formV2, false, fmt.Sprintf(`{"T":{
		"%s":{"modify":{"name":"b","ref":["set",[]],"tag":["set",[]],"set":["set",["x","z"]],"map":["map",[["k","v"],["l","W"],["m","n"]]],"note":"unseen"}},
		"%s":{"delete":null}}}`, one, two))
	second := &testRow{UUID: one, Name: "b", Set: []string{"y", "z"}, Map: map[string]string{"l": "W", "m": "n"}}
	tt.expect(t, Change[testRow]{ID: one, Old: first, New: second}, Change[testRow]{ID: two, Old: empty})

	// What changes nothing is no change; a row that is not there cannot go.
	tt.read(t, formV2, false, fmt.Sprintf(`{"T":{"%s":{"modify":{"name":"b"}},"%s":{"delete":null}}}`, one, two))
	tt.expect(t)

	// The old form has whole rows.
	tt.read(t, formV1, false, fmt.Sprintf(`{"T":{
		"%s":{"old":{"name":"b"},"new":{"name":"c","set":"y"}},
		"%s":{"new":{"name":"d"}}}}`, one, two))
	third := &testRow{UUID: one, Name: "c", Set: []string{"y"}}
	d := &testRow{UUID: two, Name: "d"}
	tt.expect(t, Change[testRow]{ID: one, Old: second, New: third}, Change[testRow]{ID: two, New: d})
	tt.read(t, formV1, false, fmt.Sprintf(`{"T":{"%s":{"old":{"name":"d"}}}}`, two))
	tt.expect(t, Change[testRow]{ID: two, Old: d})

	// A full read is turned into the difference.
	tt.read(t, formV2, true, fmt.Sprintf(`{"T":{"%s":{"initial":{"name":"c","set":"y"}},"%s":{"initial":{"name":"e"}}}}`, one, two))
	tt.expect(t, Change[testRow]{ID: two, New: &testRow{UUID: two, Name: "e"}})
	tt.read(t, formV2, true, `{}`)
	tt.expect(t, Change[testRow]{ID: one, Old: third}, Change[testRow]{ID: two, Old: &testRow{UUID: two, Name: "e"}})
	if tt.table.Len() != 0 {
		t.Errorf("%d rows are left", tt.table.Len())
	}
}

// A row that cannot be read is left out; the others arrive, and what the
// replica had of it stays.
func TestMalformedRows(t *testing.T) {
	one, two := uuidOf(1), uuidOf(2)
	for _, bad := range []string{
		`{"insert":{"name":5}}`,
		`{"insert":{"tag":["set",[1,2]]}}`,
		`{"insert":{"map":["map",[["a"]]]}}`,
		`{"insert":{"name":"a\x"}}`,
		`{"insert":{"name" "a"}}`,
		`{"insert":[]}`,
		`{"insert":{},"delete":null}`,
		`{"replace":{}}`,
		`{}`,
		`5`,
		`[[[]]]`,
	} {
		tt := newTestTables()
		tt.read(t, formV2, true, fmt.Sprintf(`{"T":{"%s":{"initial":{"name":"old"}}}}`, one))
		for _, full := range []bool{false, true} {
			dropped, err := tt.read(t, formV2, full, fmt.Sprintf(`{"T":{"nonsense":{"delete":null},"%s":%s,"%s":{"insert":{"name":"good"}}}}`, one, bad, two))
			if dropped != 2 || err != nil {
				t.Errorf("%s: %d dropped, %v", bad, dropped, err)
			}
			if r := tt.table.Get(two); r == nil || r.Name != "good" {
				t.Errorf("%s: the good row is %+v", bad, r)
			}
			if r := tt.table.Get(one); r == nil || r.Name != "old" {
				t.Errorf("%s: the bad row is %+v", bad, r)
			}
		}
	}
}

func TestMalformedRowsAreNamed(t *testing.T) {
	tt := newTestTables()
	u := tt.reader.members[0].begin(false)
	tt.reader.decoder.Reset([]byte(`{"insert":{"name":"x","set":["set",["a",7]]}}`))
	err := u.decodeV2(tt.reader.decoder, uuidOf(1))
	want := `table T, row 00000000-0000-0000-0000-000000000001: column set: offset 40: expected a string, got "7]]}}"`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	tt.reader.decoder.Reset([]byte(`{"old":{},"new":5}`))
	if err := u.decodeV1(tt.reader.decoder, uuidOf(1)); err == nil {
		t.Error("a bad row of the old form is taken")
	}
	tt.reader.decoder.Reset([]byte(`{}`))
	if err := u.decodeV1(tt.reader.decoder, uuidOf(1)); err == nil {
		t.Error("an empty update of the old form is taken")
	}
}

// A change of a row that the server never sent is an error, and the rest of the
// unit is applied.
func TestUnknownRow(t *testing.T) {
	tt := newTestTables()
	_, err := tt.read(t, formV2, false, fmt.Sprintf(`{"T":{"%s":{"modify":{"name":"b"}},"%s":{"insert":{"name":"c"}}}}`, uuidOf(1), uuidOf(2)))
	if err == nil || !strings.Contains(err.Error(), "row 00000000-0000-0000-0000-000000000001: the server changed a row that it never sent") {
		t.Errorf("error %v", err)
	}
	if tt.table.Len() != 1 {
		t.Errorf("%d rows", tt.table.Len())
	}
}

// The tables fit themselves to the server's schema.
func TestBind(t *testing.T) {
	m := Bind(newTestTable(), nil)
	columns, missing := m.bind(parseSchema(testSchema).Tables["T"], []string{"note"})
	if diff := cmp.Diff([]string{"name", "ref", "tag", "set", "map", "note"}, columns); diff != "" || missing != nil {
		t.Errorf("missing %v, columns -want +got:\n%s", missing, diff)
	}
	columns, missing = m.bind(parseSchema(`{"tables":{"T":{"columns":{
		"name":{"type":{"key":"string","min":0}},
		"ref":{"type":"string"},
		"tag":{"type":{"key":"integer","min":0,"max":2}},
		"set":{"type":{"key":"string","min":0,"max":1}}}}}}`).Tables["T"], nil)
	if diff := cmp.Diff([]string{"name", "set"}, columns); diff != "" {
		t.Errorf("columns -want +got:\n%s", diff)
	}
	want := []string{
		"column T.ref (the server's type is string)",
		"column T.tag (the server's type is 0..2 integer)",
		"column T.map",
	}
	if diff := cmp.Diff(want, missing); diff != "" {
		t.Errorf("missing -want +got:\n%s", diff)
	}
}

// A set of at most one element is not sent as a difference.
func TestSetThatIsScalarForServer(t *testing.T) {
	tt := newTestTables()
	tt.reader.members[0].bind(parseSchema(`{"tables":{"T":{"columns":{"set":{"type":{"key":"string","min":0,"max":1}}}}}}`).Tables["T"], nil)
	id := uuidOf(1)
	tt.read(t, formV2, true, fmt.Sprintf(`{"T":{"%s":{"initial":{"set":"a"}}}}`, id))
	tt.read(t, formV2, false, fmt.Sprintf(`{"T":{"%s":{"modify":{"set":"b"}}}}`, id))
	if diff := cmp.Diff([]string{"b"}, tt.table.Get(id).Set); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// FuzzUpdates feeds anything as the updates of a table that has a row: nothing
// panics, and the indexes stay right.
func FuzzUpdates(f *testing.F) {
	id := uuidOf(1).String()
	for _, seed := range []string{
		`{"T":{"` + id + `":{"modify":{"name":"b","set":["set",["x"]],"map":["map",[["k","v"]]]}}}}`,
		`{"T":{"` + id + `":{"delete":null},"x":{"insert":{}}},"U":[]}`,
		`{"T":{"` + id + `":{"old":{},"new":{"tag":1,"ref":["uuid","` + id + `"]}}}}`,
		`{"T":[]}`, `{"T":{"`, `[]`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, full bool) {
		for _, form := range []form{formV1, formV2} {
			tt := newTestTables()
			byName := NewIndex(tt.table, func(r *testRow) (string, bool) { return r.Name, true })
			tt.read(t, formV2, true, `{"T":{"`+id+`":{"initial":{"name":"a","set":["set",["x","y"]]}}}}`)
			u, err := tt.reader.read(ovsdb.NewStream(strings.NewReader(string(text))), form, full)
			if err != nil {
				continue
			}
			u.apply()
			n := 0
			for _, b := range byName.buckets {
				n += len(b.rows)
			}
			if n != tt.table.Len() {
				t.Errorf("the index has %d rows, the table %d", n, tt.table.Len())
			}
		}
	})
}
