package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/format"
	"strings"
	"text/template"
)

//go:embed rows.tmpl
var rows string

// emit returns the generated file.
func emit(d *description) ([]byte, error) {
	t := template.Must(template.New("rows").Parse(rows))
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return nil, err
	}
	code, err := format.Source(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("the generated code is not Go: %w", err)
	}
	return code, nil
}

// reference reports whether the column is a UUID for which zero means none.
func (t columnType) reference() bool { return t.Key == "uuid" && !t.Set && t.Value == "" }

// Go returns the field's type.
func (t columnType) Go() string {
	key := goAtoms[t.Key]
	switch {
	case t.Value != "":
		return "map[" + key + "]" + goAtoms[t.Value]
	case t.Set:
		return "[]" + key
	case t.Optional && !t.reference():
		return "ovsdb.Opt[" + key + "]"
	}
	return key
}

// Atom returns the Go type of one element.
func (t columnType) Atom() string { return goAtoms[t.Key] }

// Maker returns the idl function that describes such a column.
func (t columnType) Maker() string {
	switch {
	case t.Value != "":
		return "Map"
	case t.Set:
		return "Set"
	case t.reference():
		return "Ref"
	case t.Optional:
		return "Optional"
	}
	return "Scalar"
}

// Constructor returns the name of the function that makes the table.
func (t *table) Constructor() string { return "new" + t.Go + "Table" }

// KeyType returns the type of the index's keys.
func (ix index) KeyType() string {
	if len(ix.Fields) == 1 {
		return goAtoms[ix.Fields[0].Type.Key]
	}
	return ix.Go + "Key"
}

// Key returns the expressions for the key of row r and for whether it is set.
func (ix index) Key() string {
	var values, set []string
	for _, c := range ix.Fields {
		v := "r." + c.Go
		switch {
		case c.Type.reference():
			set = append(set, "!"+v+".IsZero()")
		case c.Type.Optional:
			set = append(set, v+".OK")
			v += ".V"
		}
		values = append(values, v)
	}
	key := strings.Join(values, ", ")
	if len(values) > 1 {
		key = ix.KeyType() + "{" + key + "}"
	}
	if set == nil {
		return key + ", true"
	}
	return key + ", " + strings.Join(set, " && ")
}
