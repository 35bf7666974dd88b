package idl

import (
	"log/slog"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// testRow is the row type of the tests in this package.
type testRow struct {
	UUID ovsdb.UUID
	Name string
	Ref  ovsdb.UUID
	Tag  ovsdb.Opt[int64]
	Set  []string
	Map  map[string]string
	Note string
}

func newTestTable() *Table[testRow] {
	return NewTable("T", func(r *testRow) *ovsdb.UUID { return &r.UUID },
		Scalar("name", func(r *testRow) *string { return &r.Name }),
		Ref("ref", func(r *testRow) *ovsdb.UUID { return &r.Ref }),
		Optional("tag", func(r *testRow) *ovsdb.Opt[int64] { return &r.Tag }),
		Set("set", func(r *testRow) *[]string { return &r.Set }),
		Map("map", func(r *testRow) *map[string]string { return &r.Map }),
		Extra(Scalar("note", func(r *testRow) *string { return &r.Note })),
	)
}

const testSchema = `{"name":"DB","version":"1.0.0","tables":{"T":{"columns":{
	"name":{"type":"string"},
	"ref":{"type":{"key":"uuid","min":0}},
	"tag":{"type":{"key":"integer","min":0}},
	"set":{"type":{"key":"string","min":0,"max":"unlimited"}},
	"map":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
	"note":{"type":"string"}}},
	"Other":{"columns":{
	"few":{"type":{"key":"integer","min":1,"max":2}},
	"real":{"type":"real"},
	"bool":{"type":"boolean"},
	"id":{"type":"uuid"},
	"kinds":{"type":{"key":"integer","value":"uuid","min":0,"max":"unlimited"}}}}}}`

func parseSchema(text string) *schema.Database {
	db, err := schema.Parse([]byte(text))
	if err != nil {
		panic(err)
	}
	return db
}

// testTables is a table as a connection uses it.
type testTables struct {
	table   *Table[testRow]
	reader  *unitReader
	changes []Change[testRow]
}

func newTestTables() *testTables {
	tt := &testTables{table: newTestTable()}
	m := Bind(tt.table, func(c []Change[testRow]) { tt.changes = c })
	m.bind(parseSchema(testSchema).Tables["T"], nil)
	tt.reader = newUnitReader([]Member{m}, slog.New(slog.DiscardHandler))
	return tt
}

func uuidOf(n byte) ovsdb.UUID { return ovsdb.UUID{15: n} }
