// Command idlgen writes the row types, tables and indexes of a typed OVSDB
// replica (internal/ovsdb/idl) from a short description.
//
//	go run ./internal/ovsdb/idlgen -in tables.txt -out rows_gen.go
//
// The description is a text of lines. A # starts a comment, an @ a word that is
// no column:
//
//	@package sb                      the Go package to write
//	@database OVN_Southbound         the database's name
//	@table Port_Binding PortBinding  a table and its Go row type, followed by
//	  logical_port LogicalPort string  its columns: name, field, type
//	  external_ids ExternalIDs string:string extra
//	  @index PortBindingByLogicalPort LogicalPort
//
// Types are string, int, bool, real and uuid, with ? for at most one, with * for
// a set; KEY:VALUE is a map. "extra" marks a column that is monitored only on
// request. An index names one or more fields; rows in which one of them is not
// set are not in the index.
//
// The output depends on the description alone, byte for byte.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	in := flag.String("in", "tables.txt", "description to read")
	out := flag.String("out", "rows_gen.go", "Go file to write, - for standard output")
	flag.Parse()
	if err := run(*in, *out); err != nil {
		fmt.Fprintln(os.Stderr, "idlgen:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	text, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	d, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	code, err := emit(d)
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	if out == "-" {
		_, err = os.Stdout.Write(code)
		return err
	}
	return os.WriteFile(out, code, 0o644)
}
