package idl

import (
	"context"
	"errors"
)

// Replica follows one database. The generated packages embed it next to their
// tables.
//
// Run works on its own goroutine. Every other method belongs to the one
// goroutine that owns the replica, SetRemote excepted.
type Replica struct {
	cfg     Config
	members []Member
	ready   chan struct{}
	state   State
}

// NewReplica returns a replica of a database with these tables. Nothing
// happens before Run.
func NewReplica(database string, cfg Config, members ...Member) *Replica {
	cfg.setDefaults()
	return &Replica{cfg: cfg, members: members, ready: make(chan struct{}, 1)}
}

// Run keeps a connection to the database until ctx ends, and returns why.
func (r *Replica) Run(ctx context.Context) error { return errors.New("not yet") }

// Ready gives a value when Next has something to do: a unit of changes, the
// result of a transaction, a change of State. It does so again after a Next
// that left something undone.
func (r *Replica) Ready() <-chan struct{} { return r.ready }

// Next handles what has arrived up to and including the next unit of changes:
// it calls the functions of finished transactions, brings State up to date, and
// applies the unit to the tables. false: nothing more has arrived. Generated
// code wraps it.
func (r *Replica) Next() (Info, bool) { return Info{}, false }

// State returns how the replica stands, as of the last Next.
func (r *Replica) State() State { return r.state }

// SetConditions says which rows are replicated: those for which any of their
// table's conditions holds. A table that is not in the map has all its rows, a
// table with an empty list none. It returns a sequence number; once
// State.Conditions has reached it the tables obey these conditions. A column
// that the server does not have makes its condition false.
func (r *Replica) SetConditions(where map[string][]Condition) (seq uint64) { return 0 }

// Commit sends a transaction, when there is a connection, and calls done, if
// not nil, from within Next with the result. Transactions are sent in the order
// of Commit. The caller must not use tx any more.
func (r *Replica) Commit(tx *Tx, done func(Result)) {}

// Lock asks for a lock, now and after each reconnect, until Unlock. Holds tells
// when it is ours.
func (r *Replica) Lock(name string) {}

// Steal takes a lock from whoever holds it.
func (r *Replica) Steal(name string) {}

// Unlock gives a lock up, or the request for it.
func (r *Replica) Unlock(name string) {}

// Holds reports whether the lock was ours as of the last Next.
func (r *Replica) Holds(name string) bool { return false }

// SetRemote changes the servers, as in SessionConfig.Remote. The connection
// stays if its server is still among them. Safe from any goroutine.
func (r *Replica) SetRemote(remote string) error { return nil }
