package idl

import (
	"context"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Replica follows one database. The generated packages embed it next to their
// tables.
//
// Run works on its own goroutine. Every other method belongs to the one
// goroutine that owns the replica, those excepted that say so.
type Replica struct {
	cfg     Config
	session *ovsdb.Session
	inbox   *inbox
	monitor *monitor
	commits *commits
	locks   *locks

	// Used by the owner only.
	state     State
	held      map[string]bool
	distrust  time.Time     // when everything was last read again because the tables were wrong
	pause     time.Duration // distrustPause
	scheduled *time.Timer   // reads everything again when the pause is over; nil for no
}

// distrustPause is the time between two complete reads because the tables were
// found wrong. A row that the server sends but we cannot read is wrong for ever.
const distrustPause = time.Minute

// NewReplica returns a replica of a database with these tables. Nothing
// happens before Run.
func NewReplica(database string, cfg Config, members ...Member) *Replica {
	cfg.setDefaults()
	r := &Replica{
		cfg:   cfg,
		inbox: newInbox(cfg.MaxPending),
		held:  make(map[string]bool),
		pause: distrustPause,
	}
	r.session = ovsdb.NewSession(database, cfg.SessionConfig, &handler{Replica: r})
	r.monitor = &monitor{
		database: database,
		extra:    cfg.Extra,
		reader:   newUnitReader(members, cfg.Logger),
		inbox:    r.inbox,
		obeyed:   func(seq uint64) { r.state.Conditions = seq },
	}
	if cfg.Conditions != nil {
		r.monitor.wanted = conditionSet{seq: 1, where: cfg.Conditions}
	}
	r.commits = &commits{
		database: database,
		limit:    cfg.MaxCommits,
		timeout:  cfg.CommitTimeout,
		inbox:    r.inbox,
		leftOut:  func(n int) { r.state.Counters.LeftOut += uint64(n) },
	}
	r.locks = &locks{
		inbox:  r.inbox,
		wanted: make(map[string]bool),
		held: func(name string, ours bool) {
			if ours {
				r.held[name] = true
			} else {
				delete(r.held, name)
			}
		},
	}
	return r
}

// Run keeps a connection to the database until ctx ends, and returns why.
// Transactions that have no result then are answered; Next delivers that still.
func (r *Replica) Run(ctx context.Context) error {
	err := r.session.Run(ctx)
	r.commits.end()
	return err
}

// Ready gives a value when Next has something to do: a unit of changes, the
// result of a transaction, a change of State. It does so again after a Next
// that left something undone. It may do so when there is nothing.
func (r *Replica) Ready() <-chan struct{} { return r.inbox.ready }

// Next handles what has arrived up to and including the next unit of changes:
// it calls the functions of finished transactions, brings State up to date, and
// applies the unit to the tables. false: nothing more has arrived. Units that
// change nothing are passed over, except the first. Generated code wraps it.
func (r *Replica) Next() (Info, bool) {
	for {
		e, ok := r.inbox.pop()
		if !ok {
			return Info{}, false
		}
		if e.run != nil {
			e.run()
			continue
		}
		changed, err := e.unit.apply()
		if e.unit.info.Initial && r.scheduled != nil { // read again for another reason
			r.scheduled.Stop()
			r.scheduled = nil
		}
		if err != nil {
			r.doubt(err)
		}
		r.state.Counters.RowsDropped += uint64(e.unit.info.Dropped)
		if changed || e.unit.info.Initial {
			r.state.Counters.Units++
			return e.unit.info, true
		}
	}
}

// doubt asks for a complete read because the server's updates do not fit the
// tables, at once or when the pause since the last one is over.
func (r *Replica) doubt(err error) {
	r.state.Counters.OutOfStep++
	rest := r.pause - time.Since(r.distrust)
	if rest <= 0 {
		r.cfg.Logger.Error("the tables are not in step with the server, reading everything again", "err", err)
		r.readAgain(err)
		return
	}
	if r.scheduled != nil {
		return
	}
	r.cfg.Logger.Error("the tables are not in step with the server once more, reading everything again later", "err", err, "after", rest)
	var timer *time.Timer
	timer = time.AfterFunc(rest, func() {
		r.inbox.post(func() {
			if r.scheduled == timer { // not stopped too late
				r.readAgain(err)
			}
		})
	})
	r.scheduled = timer
}

func (r *Replica) readAgain(why error) {
	r.distrust, r.scheduled = time.Now(), nil
	r.monitor.distrust()
	r.session.Reconnect(why)
}

// State returns how the replica stands, as of the last Next.
func (r *Replica) State() State {
	s := r.state
	s.Counters.Pauses = r.inbox.pauseCount()
	return s
}

// SetConditions says which rows are replicated: those for which any of their
// table's conditions holds. A table that is not in the map has all its rows, a
// table with an empty list none. It returns a sequence number; once
// State.Conditions has reached it the tables obey these conditions. A column
// that the server does not have makes its condition false, and a server without
// conditional monitoring (before Open vSwitch 2.6) sends all rows.
func (r *Replica) SetConditions(where map[string][]Condition) (seq uint64) {
	return r.monitor.setConditions(where)
}

// Commit sends a transaction, when there is a connection, and calls done, if
// not nil, from within Next with the result. Transactions are sent in the order
// of Commit. What a transaction changed may arrive before or after its result.
// The caller must not use tx any more.
func (r *Replica) Commit(tx *Tx, done func(Result)) { r.commits.submit(tx, done) }

// Lock asks for a lock, now and after each reconnect, until Unlock. Holds tells
// when it is ours.
func (r *Replica) Lock(name string) { r.locks.want("lock", name) }

// Steal takes a lock from whoever holds it. After a reconnect it is asked for
// as Lock does.
func (r *Replica) Steal(name string) { r.locks.want("steal", name) }

// Unlock gives a lock up, or the request for it.
func (r *Replica) Unlock(name string) { r.locks.give(name) }

// Holds reports whether the lock was ours as of the last Next.
func (r *Replica) Holds(name string) bool { return r.held[name] }

// SetRemote changes the servers, as in SessionConfig.Remote. The connection
// stays if its server is still among them. Safe from any goroutine.
func (r *Replica) SetRemote(remote string) error { return r.session.SetRemote(remote) }

// SetProbe changes SessionConfig.Probe. Safe from any goroutine.
func (r *Replica) SetProbe(probe time.Duration) { r.session.SetProbe(probe) }

// SetTLSFiles changes SessionConfig.TLSFiles for the connections to come. Safe
// from any goroutine.
func (r *Replica) SetTLSFiles(files ovsdb.TLSFiles) { r.session.SetTLSFiles(files) }
