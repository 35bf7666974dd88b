// Package rows is the typed replica of a hardware_vtep database (vtep(5)), through which a physical switch is told what to
// bridge: a row type for each table, indexes, and one change set for each server transaction. All but this file is generated from
// tables.txt.
//
// References to other rows are UUIDs, to be looked up in the DB; a reference that is not set is the zero UUID.
package rows

//go:generate go run ../../internal/ovsdb/idlgen -in tables.txt -out rows_gen.go
