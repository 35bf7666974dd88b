package main

import (
	"fmt"
	"go/token"
	"strings"
)

// description is a parsed input file.
type description struct {
	Package  string
	Database string
	Tables   []*table
}

type table struct {
	Name    string // in the database
	Go      string // row type
	Columns []column
	Indexes []index
}

type column struct {
	Name  string
	Go    string
	Type  columnType
	Extra bool
}

// columnType is KEY, KEY?, KEY* or KEY:VALUE.
type columnType struct {
	Key, Value string
	Optional   bool
	Set        bool
}

type index struct {
	Go     string
	Fields []column
}

func parse(text string) (*description, error) {
	d := new(description)
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) > 0 {
			if err := d.line(f); err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
		}
	}
	if d.Package == "" || d.Database == "" {
		return nil, fmt.Errorf("expected a @package line and a @database line")
	}
	return d, nil
}

// line reads the words of one line.
func (d *description) line(f []string) error {
	switch {
	case f[0] == "@package" && len(f) == 2:
		d.Package = f[1]
		return nil
	case f[0] == "@database" && len(f) == 2:
		d.Database = f[1]
		return nil
	case f[0] == "@table":
		if len(f) != 3 || !token.IsExported(f[2]) {
			return fmt.Errorf("expected: @table NAME GO_TYPE")
		}
		for _, t := range d.Tables {
			if t.Name == f[1] || t.Go == f[2] {
				return fmt.Errorf("table %s %s: there is a table %s %s already", f[1], f[2], t.Name, t.Go)
			}
		}
		d.Tables = append(d.Tables, &table{Name: f[1], Go: f[2]})
		return nil
	case len(d.Tables) == 0:
		return fmt.Errorf("%q: expected @package, @database or @table", f[0])
	}
	t := d.Tables[len(d.Tables)-1]
	if f[0] == "@index" {
		return t.index(f[1:])
	}
	return t.column(f)
}

func (t *table) column(f []string) error {
	if len(f) < 3 || len(f) > 4 || len(f) == 4 && f[3] != "extra" || !token.IsExported(f[1]) {
		return fmt.Errorf("expected: COLUMN GO_FIELD TYPE [extra]")
	}
	typ, err := parseColumnType(f[2])
	if err != nil {
		return err
	}
	for _, c := range t.Columns {
		if c.Name == f[0] || c.Go == f[1] {
			return fmt.Errorf("column %s %s: there is a column %s %s already", f[0], f[1], c.Name, c.Go)
		}
	}
	t.Columns = append(t.Columns, column{Name: f[0], Go: f[1], Type: typ, Extra: len(f) == 4})
	return nil
}

func (t *table) index(f []string) error {
	if len(f) < 2 || !token.IsExported(f[0]) {
		return fmt.Errorf("expected: @index GO_NAME GO_FIELD [GO_FIELD]")
	}
	ix := index{Go: f[0]}
	for _, field := range f[1:] {
		c, ok := t.field(field)
		if !ok {
			return fmt.Errorf("index %s: table %s has no field %s above this line", ix.Go, t.Name, field)
		}
		if c.Type.Set || c.Type.Value != "" {
			return fmt.Errorf("index %s: field %s is not a scalar", ix.Go, field)
		}
		ix.Fields = append(ix.Fields, c)
	}
	t.Indexes = append(t.Indexes, ix)
	return nil
}

func (t *table) field(name string) (column, bool) {
	for _, c := range t.Columns {
		if c.Go == name {
			return c, true
		}
	}
	return column{}, false
}

// goAtoms maps the description's atomic types to Go's.
var goAtoms = map[string]string{
	"string": "string",
	"int":    "int64",
	"bool":   "bool",
	"real":   "float64",
	"uuid":   "ovsdb.UUID",
}

func parseColumnType(s string) (columnType, error) {
	var t columnType
	switch key, value, isMap := strings.Cut(s, ":"); {
	case isMap:
		t.Key, t.Value = key, value
	case strings.HasSuffix(s, "?"):
		t.Key, t.Optional = strings.TrimSuffix(s, "?"), true
	case strings.HasSuffix(s, "*"):
		t.Key, t.Set = strings.TrimSuffix(s, "*"), true
	default:
		t.Key = s
	}
	if goAtoms[t.Key] == "" || t.Value != "" && goAtoms[t.Value] == "" || strings.HasSuffix(s, ":") {
		return columnType{}, fmt.Errorf("%q is not a type: expected string, int, bool, real or uuid with ? or *, or KEY:VALUE", s)
	}
	return t, nil
}
