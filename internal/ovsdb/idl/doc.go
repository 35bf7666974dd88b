// Package idl keeps typed replicas of OVSDB databases.
//
// A Replica follows one database: its session goroutine (Run) decodes what the
// server sends straight into rows of generated Go types and queues them, one
// unit for each server transaction. The goroutine that owns the replica calls
// Next, which applies the next unit to the tables and returns what changed.
// Only Next changes tables, so their owner reads them without locks.
//
// The generated packages (controlplane/sb, controlplane/vsw) give a Replica its
// tables, indexes and change sets; internal/ovsdb/idlgen writes them from a
// short description.
package idl
