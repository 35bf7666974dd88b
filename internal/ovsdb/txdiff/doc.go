// Package txdiff tells people what a transaction would do to a database, row by row, before it is sent.
//
// [Of] compares what the operations of an idl.Tx leave with what a replica has. References are shown by what their rows are called.
package txdiff
