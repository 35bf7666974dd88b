package schema

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	db, err := Parse([]byte(`{"name": "DB", "version": "1.2.3", "cksum": "1 2", "future": {"x": []},
		"tables": {
		 "T": {"isRoot": true, "maxRows": 1, "indexes": [["a"]], "columns": {
		  "plain": {"type": "string", "mutable": false},
		  "object": {"type": {"key": {"type": "integer", "minInteger": 0, "maxInteger": 4294967295}}},
		  "optional": {"type": {"key": "real", "min": 0}},
		  "set": {"type": {"key": {"type": "uuid", "refTable": "T", "refType": "weak"}, "min": 0, "max": "unlimited"}},
		  "few": {"type": {"key": {"type": "string", "enum": ["set", ["a", "b"]]}, "min": 2, "max": 3}},
		  "map": {"type": {"key": "string", "value": {"type": "boolean"}, "min": 0, "max": "unlimited"}, "ephemeral": true}}},
		 "Empty": {}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Database{
		Name:    "DB",
		Version: "1.2.3",
		Tables: map[string]*Table{
			"T": {Columns: map[string]Column{
				"plain":    {Key: String, Min: 1, Max: 1},
				"object":   {Key: Integer, Min: 1, Max: 1},
				"optional": {Key: Real, Min: 0, Max: 1},
				"set":      {Key: UUID, Min: 0, Max: Unlimited},
				"few":      {Key: String, Min: 2, Max: 3},
				"map":      {Key: String, Value: Boolean, Min: 0, Max: Unlimited},
			}},
			"Empty": {Columns: map[string]Column{}},
		},
	}
	if diff := cmp.Diff(want, db); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for column, text := range map[string]string{
		"plain": "string", "optional": "0..1 real", "set": "0..unlimited uuid",
		"few": "2..3 string", "map": "0..unlimited string to boolean",
	} {
		c, ok := db.Column("T", column)
		if !ok || c.String() != text {
			t.Errorf("column %s is %q, want %q", column, c, text)
		}
		if c.Composite() != (column == "set" || column == "few" || column == "map") {
			t.Errorf("column %s: composite %v", column, c.Composite())
		}
	}
	for _, missing := range [][2]string{{"T", "none"}, {"None", "plain"}} {
		if _, ok := db.Column(missing[0], missing[1]); ok {
			t.Errorf("%v exists", missing)
		}
	}
}

func TestParseErrors(t *testing.T) {
	column := func(typ string) string {
		return `{"tables":{"T":{"columns":{"c":{"type":` + typ + `}}}}}`
	}
	for _, test := range []struct{ text, want string }{
		{``, "database schema"},
		{`[]`, "database schema"},
		{`{"tables":{"T":5}}`, "database schema"},
		{`{"tables":{"T":{"columns":{"c":{}}}}}`, "table T, column c: type"},
		{column(`"text"`), "table T, column c: type"},
		{column(`{}`), "key: "},
		{column(`{"key":"text"}`), "key: "},
		{column(`{"key":{"type":"text"}}`), `key: "\"text\"" is not an atomic type`},
		{column(`{"key":"string","value":5}`), "value: "},
		{column(`{"key":"string","max":"many"}`), "max: expected a number"},
		{column(`{"key":"string","max":0}`), "max: expected a number"},
		{column(`{"key":"string","min":"x"}`), "type: "},
	} {
		if _, err := Parse([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", test.text, err, test.want)
		}
	}
}

// The schemas that are installed on a chassis or a central node.
func TestParseInstalled(t *testing.T) {
	for file, want := range map[string]struct {
		table, column, typ string
	}{
		"/usr/share/ovn/ovn-sb.ovsschema":          {"Port_Binding", "tag", "0..1 integer"},
		"/usr/share/ovn/ovn-nb.ovsschema":          {"Logical_Switch_Port", "up", "0..1 boolean"},
		"/usr/share/openvswitch/vswitch.ovsschema": {"QoS", "queues", "0..unlimited integer to uuid"},
		"/usr/share/openvswitch/vtep.ovsschema":    {"Physical_Port", "vlan_bindings", "0..unlimited integer to uuid"},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v (Debian packages ovn-common, openvswitch-switch, openvswitch-vtep)", err)
		}
		db, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if c, ok := db.Column(want.table, want.column); !ok || c.String() != want.typ {
			t.Errorf("%s: %s.%s is %q, want %q", file, want.table, want.column, c, want.typ)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"name":"a","tables":{"T":{"columns":{"c":{"type":{"key":"string","min":0,"max":"unlimited"}}}}}}`))
	f.Add([]byte(`{"tables":{"T":{"columns":{"c":{"type":{"key":{"type":"uuid","refTable":"T"},"value":"real"}}}}}}`))
	f.Add([]byte(`{"tables":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		db, err := Parse(text)
		if err != nil {
			return
		}
		for name, table := range db.Tables {
			for column, c := range table.Columns {
				if c.Key == None || c.Max < 1 {
					t.Errorf("%s.%s is %#v", name, column, c)
				}
			}
		}
	})
}
