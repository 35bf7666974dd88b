// Package sbtest has the Southbound schemas of several releases of OVN, as far as they
// matter to a client: names and types of tables and columns (schemas.txt). Only tests
// import it.
package sbtest

import (
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

//go:embed schemas.txt
var facts string

// Release is a release of OVN, "22.03", and the version of its Southbound schema.
type Release struct {
	Name, Version string
	Columns       []Column // by table and name
}

// Column is a column of a table.
type Column struct{ Table, Name, Type string }

// Releases are the releases, oldest first.
func Releases() []Release {
	var all []Release
	var table string
	for line := range strings.Lines(facts) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "@release":
			all = append(all, Release{Name: words[1], Version: words[2]})
		case len(words) == 1:
			table = words[0]
		default:
			first := 0
			if len(words) > 2 {
				first = slices.IndexFunc(all, func(r Release) bool { return r.Name == words[2] })
			}
			for i := first; i < len(all); i++ {
				all[i].Columns = append(all[i].Columns, Column{table, words[0], words[1]})
			}
		}
	}
	return all
}

// WriteSchema makes a schema file for ovsdb-server. Rows of all tables live until they
// are deleted, references and indexes are not enforced.
func (r Release) WriteSchema(t testing.TB) string {
	t.Helper()
	type object = map[string]any
	tables := object{}
	for _, c := range r.Columns {
		if tables[c.Table] == nil {
			tables[c.Table] = object{"isRoot": true, "columns": object{}}
		}
		tables[c.Table].(object)["columns"].(object)[c.Name] = object{"type": typeOf(c.Type)}
	}
	out, err := json.Marshal(object{"name": "OVN_Southbound", "version": r.Version, "tables": tables})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "schema")
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// typeOf is a type as RFC 7047, 3.2 has it.
func typeOf(text string) map[string]any {
	name := strings.NewReplacer("int", "integer", "bool", "boolean").Replace(strings.TrimRight(text, "?*+"))
	key, value, isMap := strings.Cut(name, ":")
	typ := map[string]any{"key": key}
	switch {
	case isMap:
		typ["value"], typ["min"], typ["max"] = value, 0, "unlimited"
	case strings.HasSuffix(text, "?"):
		typ["min"] = 0
	case strings.HasSuffix(text, "*"):
		typ["min"], typ["max"] = 0, "unlimited"
	case strings.HasSuffix(text, "+"):
		typ["max"] = "unlimited"
	}
	return typ
}
