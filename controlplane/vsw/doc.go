// Package vsw is the typed replica of the local Open_vSwitch database
// (ovs-vswitchd.conf.db(5)): a row type for each table, indexes, and one change
// set for each server transaction. All but this file is generated from
// tables.txt.
//
// References to other rows are UUIDs, to be looked up in the DB; a reference
// that is not set is the zero UUID.
package vsw

//go:generate go run ../../internal/ovsdb/idlgen -in tables.txt -out rows_gen.go
