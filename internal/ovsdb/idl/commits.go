package idl

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// commits holds the transactions that have no result yet: those that wait for a
// connection and those that the server has.
type commits struct {
	database string
	limit    int
	timeout  time.Duration
	inbox    *inbox
	leftOut  func(n int) // runs on the owner's goroutine

	// Guarded by mu.
	mu      sync.Mutex
	conn    *ovsdb.Conn // nil while there is none
	db      *schema.Database
	waiting []*commit
	sent    []*commit
	open    int  // without a result that the owner has seen
	over    bool // Run has ended
}

// commit is a transaction on its way.
type commit struct {
	tx       *Tx
	done     func(Result)
	deadline *time.Timer // answers it with ErrNotConnected unless it is sent
	req      *request    // once sent
}

// submit sends a transaction or lets it wait.
func (cs *commits) submit(tx *Tx, done func(Result)) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.open++
	c := &commit{tx: tx, done: done}
	switch {
	case cs.open > cs.limit:
		cs.answer(c, Result{Err: ErrQueueFull})
	case cs.over:
		cs.answer(c, Result{Err: ErrNotConnected})
	case cs.conn != nil:
		cs.send(c)
	default:
		cs.waiting = append(cs.waiting, c)
		c.deadline = time.AfterFunc(cs.timeout, func() { cs.expire(c) })
	}
}

// expire gives up a transaction that is still waiting.
func (cs *commits) expire(c *commit) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if i := slices.Index(cs.waiting, c); i >= 0 {
		cs.waiting = slices.Delete(cs.waiting, i, i+1)
		cs.answer(c, Result{Err: ErrNotConnected})
	}
}

// answer hands the result to the owner. Locked.
func (cs *commits) answer(c *commit, res Result) {
	if c.deadline != nil {
		c.deadline.Stop()
	}
	cs.inbox.post(func() {
		cs.mu.Lock()
		cs.open--
		cs.mu.Unlock()
		cs.leftOut(len(res.LeftOut))
		if c.done != nil {
			c.done(res)
		}
	})
}

// send sends a transaction. Locked.
func (cs *commits) send(c *commit) {
	req, err := c.tx.encode(cs.database, cs.db)
	if err != nil {
		cs.answer(c, Result{Err: err})
		return
	}
	c.req = req
	if req.params == nil {
		cs.answer(c, req.emptyResult(c.tx))
		return
	}
	cs.sent = append(cs.sent, c)
	cs.conn.Call("transact", req.params, &ovsdb.Call{
		Result: func(s *ovsdb.Stream) error {
			res, err := req.result(s, c.tx)
			if err == nil {
				cs.finish(c, res)
			}
			return err
		},
		Failed: func(err *ovsdb.RPCError) error {
			if !notExecuted(err.Text) {
				cs.finish(c, Result{Err: err})
				return nil
			}
			cs.requeue(c)
			return err // this server will not do; another may
		},
	})
}

// notExecuted reports whether a server that answers so is the wrong one at the
// moment, and has not executed the transaction.
func notExecuted(text string) bool {
	for _, reason := range []string{"canceled", "not leader", "not connected", "unknown database"} {
		if strings.Contains(text, reason) {
			return true
		}
	}
	return false
}

// finish answers a transaction that was sent.
func (cs *commits) finish(c *commit, res Result) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if i := slices.Index(cs.sent, c); i >= 0 {
		cs.sent = slices.Delete(cs.sent, i, i+1)
		cs.answer(c, res)
	}
}

// requeue lets a transaction wait again, in front of those that came later.
func (cs *commits) requeue(c *commit) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	i := slices.Index(cs.sent, c)
	if i < 0 {
		return
	}
	cs.sent = slices.Delete(cs.sent, i, i+1)
	cs.waiting = slices.Insert(cs.waiting, 0, c)
	if c.deadline == nil {
		c.deadline = time.AfterFunc(cs.timeout, func() { cs.expire(c) })
	}
}

// up sends what waits over a new connection.
func (cs *commits) up(conn *ovsdb.Conn, db *schema.Database) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.conn, cs.db = conn, db
	waiting := cs.waiting
	cs.waiting = nil
	for _, c := range waiting {
		cs.send(c)
	}
}

// down answers what the server had and did not answer.
func (cs *commits) down(cause error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.conn = nil
	for _, c := range cs.sent {
		cs.answer(c, Result{Err: fmt.Errorf("%w (%w)", ErrUnknownOutcome, cause)})
	}
	cs.sent = nil
}

// end answers everything; later transactions are answered at once.
func (cs *commits) end() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.over = true
	for _, c := range cs.waiting {
		cs.answer(c, Result{Err: ErrNotConnected})
	}
	cs.waiting = nil
}
