package idl

import (
	"context"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// handler is the session's view of a Replica: all its methods run on the
// session goroutine.
type handler struct{ *Replica }

// Ready implements ovsdb.Handler: a slow owner stops the reading.
func (h *handler) Ready(ctx context.Context) error { return h.inbox.wait(ctx) }

// Connected implements ovsdb.Handler.
func (h *handler) Connected(conn *ovsdb.Conn, e ovsdb.Endpoint, db *schema.Database) error {
	h.locks.up(conn)
	h.monitor.synced = func(full bool, seq uint64) func() {
		h.commits.up(conn, db)
		missing := h.monitor.missing
		return func() {
			s := &h.state
			s.Connected, s.Since, s.Err = true, time.Now(), nil
			s.Remote, s.Schema, s.Database, s.Missing, s.Conditions = e.String(), db.Version, db, missing, seq
			s.Counters.Connects++
			if full {
				s.Counters.FullReads++
			} else {
				s.Counters.Resumes++
			}
		}
	}
	h.monitor.up(conn, db)
	if len(h.monitor.missing) > 0 {
		h.cfg.Logger.Info("the server's schema lacks some of what we know", "version", db.Version, "missing", h.monitor.missing)
	}
	return nil
}

// Notify implements ovsdb.Handler.
func (h *handler) Notify(method, first string, rest *ovsdb.Stream) error {
	switch method {
	case "update", "update2", "update3":
		return h.monitor.update(method, rest)
	case "locked", "stolen":
		h.locks.tell(first, method == "locked")
	case "monitor_canceled":
		return errCanceled
	}
	for rest.NextItem() {
		rest.Raw()
	}
	return nil
}

// Disconnected implements ovsdb.Handler.
func (h *handler) Disconnected(e ovsdb.Endpoint, err error) {
	h.monitor.down()
	h.locks.down()
	h.commits.down(err)
	h.inbox.post(func() {
		s := &h.state
		if s.Connected {
			s.Connected, s.Since = false, time.Now()
		}
		s.Remote, s.Err = e.String(), err
	})
}
