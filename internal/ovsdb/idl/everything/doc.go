// Package everything is a replica for the tests of package idl: its database
// has a column of every type that OVSDB has.
package everything

//go:generate go run ../../idlgen -in tables.txt -out rows_gen.go
