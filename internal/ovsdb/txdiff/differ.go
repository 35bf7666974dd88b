package txdiff

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// Names say how rows are shown.
type Names struct {
	// By has for each table to which references lead, or whose rows change, the columns that a row is called by.
	By map[string][]string
	// Inline are tables whose rows are shown only where something refers to them.
	Inline []string
}

// differ compares one transaction with one replica.
type differ struct {
	replica *idl.Replica
	names   Names
	tables  []string
	called  map[ovsdb.UUID]string
	inserts map[ovsdb.NamedUUID]idl.Operation
}

// row is one that a transaction touches.
type row struct {
	table    string
	id       ovsdb.UUID
	old, now map[string]datum
	gone     bool
}

// Of tells what a transaction does to what a replica has: rows by table and name. It belongs to the goroutine that owns the replica.
func Of(tx *idl.Tx, replica *idl.Replica, names Names) []Change {
	d := &differ{replica: replica, names: names, tables: slices.Sorted(maps.Keys(names.By)), called: map[ovsdb.UUID]string{}, inserts: map[ovsdb.NamedUUID]idl.Operation{}}
	for o := range tx.Operations() {
		if o.Kind == "insert" {
			d.inserts[o.Name] = o
		}
	}
	out := []Change{}
	touched := map[ovsdb.UUID]*row{}
	for o := range tx.Operations() {
		if o.Kind != "insert" {
			d.touch(touched, o)
		} else if !slices.Contains(names.Inline, o.Table) {
			c := Change{Action: Add, Table: o.Table, Name: d.newName(o.Name)}
			for _, name := range slices.Sorted(maps.Keys(o.Columns)) {
				c.Columns = append(c.Columns, Column{Name: name, New: d.read(o.Columns[name]).String()})
			}
			out = append(out, c)
		}
	}
	for _, r := range touched {
		if c := d.compare(r); len(c.Columns) > 0 {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int {
		return cmp.Or(strings.Compare(a.Table, b.Table), strings.Compare(a.Name, b.Name), strings.Compare(a.Action, b.Action), strings.Compare(a.Row, b.Row))
	})
	return out
}

// touch applies an operation to a row. One that is not there any more is not touched.
func (d *differ) touch(touched map[ovsdb.UUID]*row, o idl.Operation) {
	r := touched[o.Row]
	if r == nil {
		values := d.replica.Values(o.Table, o.Row)
		if values == nil {
			return
		}
		r = &row{table: o.Table, id: o.Row, old: map[string]datum{}, now: map[string]datum{}}
		for name, v := range values {
			r.old[name] = d.read(v)
		}
		touched[o.Row] = r
	}
	now := func(name string) datum {
		if v, ok := r.now[name]; ok {
			return v
		}
		return r.old[name]
	}
	for name, v := range o.Columns {
		switch o.Kind {
		case "update":
			r.now[name] = d.read(v)
		case "mutate":
			r.now[name] = now(name).mutated(o.Mutator, d.read(v))
		}
	}
	r.gone = r.gone || o.Kind == "delete"
}

func (d *differ) compare(r *row) Change {
	c := Change{Action: Modify, Table: r.table, Row: r.id.String(), Name: d.name(r.id)}
	if r.gone {
		c.Action = Remove
		for _, name := range slices.Sorted(maps.Keys(r.old)) {
			c.Columns = append(c.Columns, Column{Name: name, Old: r.old[name].String()})
		}
		return c
	}
	for _, name := range slices.Sorted(maps.Keys(r.now)) {
		was, known := r.old[name]
		before := was.String()
		if !known {
			before = "?" // the replica does not have this column
		}
		if now := r.now[name].String(); now != before && !(len(was.set)+len(was.pairs) == 0 && len(r.now[name].set)+len(r.now[name].pairs) == 0) {
			c.Columns = append(c.Columns, Column{name, before, now})
		}
	}
	return c
}

// name is what a row is called: by its columns, or by its UUID.
func (d *differ) name(id ovsdb.UUID) string {
	if text, ok := d.called[id]; ok {
		return text
	}
	d.called[id] = id.String() // rows may refer to each other
	for _, table := range d.tables {
		if values := d.replica.Values(table, id); values != nil {
			if text := d.text(table, values); text != "" {
				d.called[id] = text
			}
			break
		}
	}
	return d.called[id]
}

// newName is what a row is called that the transaction makes.
func (d *differ) newName(name ovsdb.NamedUUID) string {
	o := d.inserts[name]
	return cmp.Or(d.text(o.Table, o.Columns), "(new "+o.Table+")")
}

func (d *differ) text(table string, columns map[string]any) string {
	var words []string
	for _, name := range d.names.By[table] {
		words = append(words, d.read(columns[name]).String())
	}
	return strings.Join(words, "/")
}
