package txdiff

import (
	"fmt"
	"strings"
)

// What becomes of a row.
const (
	Add    = "add"
	Modify = "change"
	Remove = "remove"
)

// Change is what becomes of a row.
type Change struct {
	Action string `json:"action"` // Add, Modify or Remove
	Table  string `json:"table"`
	Row    string `json:"row,omitempty"` // its UUID; "" for one that is added
	Name   string `json:"name"`          // what it is called
	// Columns are, by name, those that are set in a row that is added, those that change, or all of one that is removed.
	Columns []Column `json:"columns"`
}

// Column is what becomes of a column, in the notation of vtep-ctl(8) and the like: {} and [] enclose maps and sets.
type Column struct {
	Name string `json:"column"`
	Old  string `json:"old,omitempty"` // "": there is no row yet
	New  string `json:"new,omitempty"` // "": there is no row any more
}

// String is a line: "+ Table column=new ...", "- Table column=old ..." or "~ Table NAME: column old -> new, ...".
func (c Change) String() string {
	var words []string
	if c.Action == Modify {
		for _, col := range c.Columns {
			words = append(words, fmt.Sprintf("%s %s -> %s", col.Name, col.Old, col.New))
		}
		return fmt.Sprintf("~ %s %s: %s", c.Table, c.Name, strings.Join(words, ", "))
	}
	sign := "+"
	if c.Action == Remove {
		sign = "-"
	}
	for _, col := range c.Columns {
		words = append(words, col.Name+"="+col.Old+col.New)
	}
	return fmt.Sprintf("%s %s %s", sign, c.Table, strings.Join(words, " "))
}
