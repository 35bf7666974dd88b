// Package switchrows is the typed replica of a hardware_vtep database (vtep(5)) for the switch that the database is about, the HSC: it reads what
// a controller has written and writes what the switch has learned, while package rows is the controller's side. All but this file is generated from
// tables.txt.
//
// References to other rows are UUIDs, to be looked up in the DB; a reference that is not set is the zero UUID.
package switchrows

//go:generate go run ../../internal/ovsdb/idlgen -in tables.txt -out rows_gen.go
