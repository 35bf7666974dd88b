// Package schema reads the schema of an OVSDB database (RFC 7047, section 3.2)
// as far as a client needs it: which tables and columns there are and what
// types the columns have. It ignores members that it does not know, so that a
// newer server's schema is readable.
package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Kind is the type of an atom.
type Kind string

// The atomic types of RFC 7047, section 3.1. None is the value type of a set.
const (
	None    Kind = ""
	Integer Kind = "integer"
	Real    Kind = "real"
	Boolean Kind = "boolean"
	String  Kind = "string"
	UUID    Kind = "uuid"
)

// Unlimited is the Max of a column without an upper bound.
const Unlimited = math.MaxInt

// Database is a database schema.
type Database struct {
	Name    string
	Version string
	Tables  map[string]*Table
}

// Table is the schema of one table.
type Table struct {
	Columns map[string]Column
}

// Column is the type of one column: from Min to Max keys, each with a value if
// it is a map.
type Column struct {
	Key   Kind
	Value Kind // None unless the column is a map
	Min   int
	Max   int // Unlimited if there is no bound
}

// IsMap reports whether the column holds pairs.
func (c Column) IsMap() bool { return c.Value != None }

// Composite reports whether the column may hold more than one element. Then a
// "modify" of update2 holds a difference, otherwise the new value
// (ovsdb-server(7), section 4.1.14, "update2").
func (c Column) Composite() bool { return c.Max > 1 }

// String returns the type in the words of ovsdb-client list-columns' reader:
// "string", "0..1 integer", "0..unlimited string to uuid".
func (c Column) String() string {
	s := string(c.Key)
	if c.IsMap() {
		s += " to " + string(c.Value)
	}
	if c.Min == 1 && c.Max == 1 {
		return s
	}
	maximum := "unlimited"
	if c.Max != Unlimited {
		maximum = strconv.Itoa(c.Max)
	}
	return fmt.Sprintf("%d..%s %s", c.Min, maximum, s)
}

// Parse reads a <database-schema>.
func Parse(text []byte) (*Database, error) {
	var in struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Tables  map[string]struct {
			Columns map[string]struct {
				Type json.RawMessage `json:"type"`
			} `json:"columns"`
		} `json:"tables"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("database schema: %w", err)
	}
	db := &Database{Name: in.Name, Version: in.Version, Tables: make(map[string]*Table, len(in.Tables))}
	for name, t := range in.Tables {
		table := &Table{Columns: make(map[string]Column, len(t.Columns))}
		for column, c := range t.Columns {
			typ, err := parseType(c.Type)
			if err != nil {
				return nil, fmt.Errorf("database schema: table %s, column %s: %w", name, column, err)
			}
			table.Columns[column] = typ
		}
		db.Tables[name] = table
	}
	return db, nil
}

// Column returns the type of a column, false if the schema has no such table
// or column.
func (db *Database) Column(table, column string) (Column, bool) {
	t := db.Tables[table]
	if t == nil {
		return Column{}, false
	}
	c, ok := t.Columns[column]
	return c, ok
}
