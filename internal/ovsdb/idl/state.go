package idl

import (
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// State is how a replica stands with its server, as of the last Next.
type State struct {
	// Connected: the connection is up, and the tables have had the server's
	// whole answer to the monitor request, so they are in step.
	Connected bool
	// Remote is the server that is or was connected last.
	Remote string
	// Err says why there is no connection. nil while Connected.
	Err error
	// Since is when Connected last changed.
	Since time.Time
	// Schema is the version of the server's schema.
	Schema string
	// Database is that schema, not to be changed. nil before the first connection.
	Database *schema.Database
	// Missing names, in words, the tables and columns that the server's
	// schema lacks, or has with a type that does not fit. They stay at their
	// zero values.
	Missing []string
	// Conditions is the sequence (see SetConditions) of the newest conditions
	// that the tables obey.
	Conditions uint64

	Counters Counters
}

// Counters count events since NewReplica.
type Counters struct {
	Connects    uint64 // connections that reached the database
	Resumes     uint64 // of these, continued from the last transaction
	FullReads   uint64 // of these, read the whole database
	Units       uint64 // units of changes returned by Next
	RowsDropped uint64 // row updates that could not be read
	OutOfStep   uint64 // updates that did not fit the tables
	LeftOut     uint64 // operations and columns left out of transactions
	Pauses      uint64 // times that reading stopped because MaxPending waited
}
