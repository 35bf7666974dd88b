package idl

import (
	"errors"
	"fmt"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

var (
	// ErrNotConnected: the transaction was never sent.
	ErrNotConnected = errors.New("not connected to the database")
	// ErrUnknownOutcome: the connection was lost between the transaction and
	// its result. It may have been executed or not.
	ErrUnknownOutcome = errors.New("connection lost before the result: the transaction may have been executed or not")
	// ErrQueueFull: too many transactions have no result yet.
	ErrQueueFull = errors.New("too many transactions wait for their result")
	// ErrTryAgain: a Wait was not satisfied. Build the transaction anew from
	// rows that Next will deliver.
	ErrTryAgain = errors.New("the row has changed meanwhile")
)

// Result is what became of a transaction. It was executed as a whole if Err is
// nil, else not at all, ErrUnknownOutcome excepted.
type Result struct {
	Err error
	// Ops has one result for each operation, in the order of the Tx. Empty if
	// the server did not get to execute it.
	Ops []OpResult
	// LeftOut names the tables and columns that the server does not have.
	LeftOut []string

	inserted map[ovsdb.NamedUUID]ovsdb.UUID
}

// OpResult is what became of one operation.
type OpResult struct {
	Count   int64             // rows that update, mutate, delete or read found
	Map     map[string]string // what a read found
	Ints    map[string]int64  // by column
	UUID    ovsdb.UUID        // row that insert made
	Skipped bool              // left out: the server does not have the table or the columns
	Err     *OpError          // why it failed; operations behind a failed one are not executed
}

// UUID returns the row that an insert made, zero if it did not.
func (r *Result) UUID(name ovsdb.NamedUUID) ovsdb.UUID { return r.inserted[name] }

// OpError is an operation that failed, in the server's words.
type OpError struct {
	Index   int    // which operation of the Tx; -1: the commit as a whole
	Op      string // "insert", ...; "commit"
	Table   string
	Tag     string // the server's error, for example "constraint violation"
	Details string // its explanation, may be empty
}

func (e *OpError) Error() string {
	what := e.Op
	if e.Table != "" {
		what += " in " + e.Table
	}
	if e.Details == "" {
		return fmt.Sprintf("%s: %s", what, e.Tag)
	}
	return fmt.Sprintf("%s: %s: %s", what, e.Tag, e.Details)
}

// tagUnfit: a value does not fit the schema of the server.
const tagUnfit = "not sent"

// Refused tells whether it was the content of the transaction that the server did not
// take: of the operation, or, where that is the commit, of some operations together
// (RFC 7047, sections 3.1 and 4.1.3). Sent again it will very likely fail again.
func (e *OpError) Refused() bool {
	if e.Index >= 0 {
		return !e.Is(ErrTryAgain)
	}
	return e.Tag == "constraint violation" || e.Tag == "referential integrity violation"
}

// Is makes an unsatisfied Wait match ErrTryAgain.
func (e *OpError) Is(target error) bool {
	return target == ErrTryAgain && e.Op == string(opWait) && e.Tag == "timed out"
}
