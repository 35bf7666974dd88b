package idl

import (
	"sync"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// locks asks for locks on each connection (RFC 7047, sections 4.1.8 to 4.1.10;
// a lock belongs to a connection).
type locks struct {
	inbox *inbox
	// held is told, on the owner's goroutine, that a lock was got or lost.
	held func(name string, ours bool)

	// Guarded by mu.
	mu     sync.Mutex
	conn   *ovsdb.Conn
	wanted map[string]bool
}

// want asks for a lock; method is "lock" or "steal".
func (l *locks) want(method, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wanted[name] && method == "lock" {
		return
	}
	l.wanted[name] = true
	if l.conn != nil {
		l.ask(method, name)
	}
}

// ask sends a request. Locked.
func (l *locks) ask(method, name string) {
	params := append(ovsdb.AppendString([]byte{'['}, name), ']')
	conn := l.conn
	conn.Call(method, params, &ovsdb.Call{
		Result: func(s *ovsdb.Stream) error {
			ours := false
			var key []byte
			for s.BeginObject(); s.NextKey(&key); {
				if text := s.Raw(); string(key) == "locked" {
					ours = string(text) == "true"
				}
			}
			if method != "unlock" {
				l.tell(name, ours)
			}
			return s.Err()
		},
	})
}

// give takes a request back.
func (l *locks) give(name string) {
	l.mu.Lock()
	if !l.wanted[name] {
		l.mu.Unlock()
		return
	}
	delete(l.wanted, name)
	if l.conn != nil {
		l.ask("unlock", name)
	}
	l.mu.Unlock()
	l.tell(name, false)
}

// tell reports a lock's state if it is still wanted, or lost.
func (l *locks) tell(name string, ours bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ours && !l.wanted[name] {
		return // given up meanwhile
	}
	l.inbox.post(func() { l.held(name, ours) })
}

func (l *locks) up(conn *ovsdb.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = conn
	for name := range l.wanted {
		l.ask("lock", name)
	}
}

func (l *locks) down() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = nil
	for name := range l.wanted {
		l.inbox.post(func() { l.held(name, false) })
	}
}
