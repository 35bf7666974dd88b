package idl_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl/everything"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

const everythingSchema = "everything/everything.ovsschema"

func startEverything(t *testing.T) *ovsdbtest.Server {
	t.Helper()
	return ovsdbtest.Start(t, everythingSchema, "Everything")
}

// field is a column of the description that the server's schema has too.
type field struct{ column, field, typ string }

// described reads everything/tables.txt on its own, so that a mistake of the
// generator shows.
func described(t *testing.T) map[string][]field {
	t.Helper()
	text, err := os.ReadFile("everything/tables.txt")
	if err != nil {
		t.Fatal(err)
	}
	tables := make(map[string][]field)
	table := ""
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 3 && f[0] == "@table":
			table = f[1]
		case len(f) == 3 && !strings.HasPrefix(f[0], "@") && f[0] != "newer" && f[0] != "changed" && table != "Newer":
			tables[table] = append(tables[table], field{f[0], f[1], f[2]})
		}
	}
	return tables
}

// content is a database in a form in which all clients' views can be compared:
// by table and row, the values of the columns as text.
type content map[string]map[string]map[string]string

func (c content) add(table, id string, row map[string]string) {
	if c[table] == nil {
		c[table] = make(map[string]map[string]string)
	}
	c[table][id] = row
}

// ours returns the content of a replica.
func (o *owner) content() content {
	o.t.Helper()
	c := make(content)
	tables := described(o.t)
	for r := range o.DB().Item.All() {
		c.add("Item", r.UUID.String(), rowText(r, tables["Item"]))
	}
	for r := range o.DB().Leaf.All() {
		c.add("Leaf", r.UUID.String(), rowText(r, tables["Leaf"]))
	}
	return c
}

func rowText(r any, fields []field) map[string]string {
	row := make(map[string]string)
	for _, f := range fields {
		row[f.column] = goText(reflect.ValueOf(r).Elem().FieldByName(f.field))
	}
	return row
}

// goText returns a Go value as text; a scalar is a set of one.
func goText(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case ovsdb.UUID:
		if x.IsZero() {
			return "{}"
		}
		return "{" + x.String() + "}"
	case interface{ Any() (any, bool) }:
		if some, ok := x.Any(); ok {
			return goText(reflect.ValueOf(some))
		}
		return "{}"
	}
	var list []string
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "{}"
		}
		return goText(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			list = append(list, strings.Trim(goText(v.Index(i)), "{}"))
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			list = append(list, strings.Trim(goText(it.Key()), "{}")+"="+strings.Trim(goText(it.Value()), "{}"))
		}
	case reflect.String:
		list = append(list, fmt.Sprintf("%q", v.String()))
		if id, err := ovsdb.ParseUUID(v.String()); err == nil {
			return goText(reflect.ValueOf(id))
		}
	default:
		list = append(list, fmt.Sprint(v.Interface()))
	}
	slices.Sort(list)
	return "{" + strings.Join(list, " ") + "}"
}

// dump returns the content as ovsdb-client(1) tells it.
func dump(t *testing.T, s *ovsdbtest.Server) content {
	t.Helper()
	out, err := exec.Command("ovsdb-client", "-f", "json", "dump", s.Remote, s.Database).Output()
	if err != nil {
		t.Fatal(err)
	}
	c := make(content)
	tables := described(t)
	for in := json.NewDecoder(strings.NewReader(string(out))); in.More(); {
		in.UseNumber()
		var d struct {
			Caption  string
			Headings []string
			Data     [][]any
		}
		if err := in.Decode(&d); err != nil {
			t.Fatal(err)
		}
		table := strings.TrimSuffix(d.Caption, " table")
		for _, values := range d.Data {
			row := make(map[string]string)
			id := ""
			for i, v := range values {
				if d.Headings[i] == "_uuid" {
					id = strings.Trim(jsonText(v), "{}")
				}
				if slices.ContainsFunc(tables[table], func(f field) bool { return f.column == d.Headings[i] }) {
					row[d.Headings[i]] = jsonText(v)
				}
			}
			if tables[table] != nil {
				c.add(table, id, row)
			}
		}
	}
	return c
}

// jsonText returns a value of the protocol as goText does.
func jsonText(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("{%q}", v)
	case json.Number:
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return "{" + fmt.Sprint(f) + "}"
		}
		return "{" + v.String() + "}"
	case []any:
		if v[0] == "uuid" {
			return goText(reflect.ValueOf(v[1]))
		}
		var list []string
		for _, e := range v[1].([]any) {
			if v[0] == "map" {
				pair := e.([]any)
				list = append(list, strings.Trim(jsonText(pair[0]), "{}")+"="+strings.Trim(jsonText(pair[1]), "{}"))
			} else {
				list = append(list, strings.Trim(jsonText(e), "{}"))
			}
		}
		slices.Sort(list)
		return "{" + strings.Join(list, " ") + "}"
	}
	return "{" + fmt.Sprint(v) + "}"
}

// leaves returns the leaves that a replica has, in a fixed order.
func (o *owner) leaves() []ovsdb.UUID {
	var ids []ovsdb.UUID
	for r := range o.DB().Leaf.All() {
		ids = append(ids, r.UUID)
	}
	slices.SortFunc(ids, ovsdb.UUID.Compare)
	return ids
}

// items returns the items that a replica has, in a fixed order, without the
// marker.
func (o *owner) items() []ovsdb.UUID {
	var ids []ovsdb.UUID
	for r := range o.DB().Item.All() {
		if r.Name != marker {
			ids = append(ids, r.UUID)
		}
	}
	slices.SortFunc(ids, ovsdb.UUID.Compare)
	return ids
}

type (
	itemRow = everything.Item
	itemKey = everything.ItemByIntBoolKey
)
