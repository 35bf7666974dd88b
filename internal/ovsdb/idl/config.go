package idl

import (
	"log/slog"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Config says which server a replica follows and how much of its database. The
// Logger gets the rows left out besides the connection's events.
type Config struct {
	ovsdb.SessionConfig

	// Extra names columns, by table, that are monitored besides the default
	// ones: those that the table description marks extra, which cost memory or
	// change often and that few programs need.
	Extra map[string][]string
	// Conditions is the first set of conditions, see Replica.SetConditions.
	Conditions map[string][]Condition
	// MaxPending bounds the row changes that wait for Next. When so many wait
	// the replica stops reading from the server until half of them have been
	// taken. A unit is never split, so one larger than this still arrives
	// whole. 0 means 65536.
	MaxPending int
	// MaxCommits bounds the transactions that have no result yet; Commit
	// answers ErrQueueFull beyond it. 0 means 1024.
	MaxCommits int
	// CommitTimeout is how long a transaction waits for a connection before it
	// is answered with ErrNotConnected. 0 means 10 seconds.
	CommitTimeout time.Duration
}

const (
	defaultMaxPending    = 1 << 16
	defaultMaxCommits    = 1024
	defaultCommitTimeout = 10 * time.Second
)

func (c *Config) setDefaults() {
	if c.MaxPending <= 0 {
		c.MaxPending = defaultMaxPending
	}
	if c.MaxCommits <= 0 {
		c.MaxCommits = defaultMaxCommits
	}
	if c.CommitTimeout <= 0 {
		c.CommitTimeout = defaultCommitTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}
