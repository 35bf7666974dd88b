package idl_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// cutSession is a short session of a replica whose connection is cut once, after a number
// of bytes: what is read at first or where it was resumed, updates, a change of
// conditions, a transaction and its result.
type cutSession struct {
	t       *testing.T
	server  *ovsdbtest.Server
	proxy   *ovsdbtest.Proxy
	limit   func(n int64) // of the proxy, in one direction
	resumes bool          // the connection that is cut continues another
	writer  *owner        // another client, which is never cut
	count   int64         // of the writer's changes
}

// cutStep is how many bytes are between two cuts. With 1 the test takes minutes.
var cutStep = flag.Int64("cut-step", 16, "bytes between two cuts of a connection; 1 for every byte")

// cutters is how many sessions with a server of their own share the bytes: a server of a
// cluster waits for its disk at each transaction.
const cutters = 8

// TestConnectionCut cuts the connection at each 16th byte, with "-args -cut-step 1" at every
// byte, in both directions, of a session that reads everything and of one that resumes. In the end the
// replica is right, it was never empty after it had rows, and a transaction that succeeded
// is in the database.
func TestConnectionCut(t *testing.T) {
	for _, resumes := range []bool{false, true} {
		for _, direction := range []string{"from", "to"} {
			for share := range int64(cutters) {
				t.Run(fmt.Sprintf("resumes=%t, %s the server, share %d", resumes, direction, share), func(t *testing.T) {
					t.Parallel()
					cutAll(t, resumes, direction, share)
				})
			}
		}
	}
}

// cutAll plays one of cutters shares of the sessions.
func cutAll(t *testing.T, resumes bool, direction string, share int64) {
	c := ovsdbtest.StartCluster(t, everythingSchema, "Everything", 1) // only clusters resume
	s := &cutSession{t: t, server: c.Members[0], proxy: ovsdbtest.NewProxy(t, c.Members[0]), resumes: resumes}
	s.count = 100 // not the number of an item that is asked for
	s.limit = s.proxy.LimitTo
	if direction == "to" {
		s.limit = s.proxy.LimitRequestsTo
	}
	s.writer = follow(t, s.server.Remote)
	insertItems(s.writer, 1, 3)
	n := share * *cutStep
	for s.run(n) {
		n += cutters * *cutStep
	}
	t.Logf("cut up to byte %d", n)
	if n < 500 {
		t.Error("the session is too short to test anything")
	}
	if diff := cmp.Diff(dump(t, s.server), s.writer.content()); diff != "" {
		t.Error(diff)
	}
}

// run plays the session with a cut after n bytes; false when it was over before.
func (s *cutSession) run(n int64) (cut bool) {
	s.t.Helper()
	before := s.proxy.Cuts()
	if !s.resumes {
		s.limit(n)
	}
	o, stop := startUntil(s.t, idl.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.proxy.Remote}, Conditions: numbered(1, 2, 3)})
	defer stop()
	if s.resumes {
		o.until("the items", func() bool { return o.connected() && o.DB().Item.Len() == 3 })
		neverEmpty(o, 3)
		s.limit(n)
		s.proxy.Cut()
		o.SetRemote(s.proxy.Remote) // does not wait for the backoff
	}
	// await is until, which heals the connection when it was cut.
	healed := false
	await := func(what string, cond func() bool) {
		s.t.Helper()
		o.until(fmt.Sprintf("%s; limit %d", what, n), func() bool {
			if !healed && s.proxy.Cuts() > before && !o.connected() {
				healed = true
				s.limit(-1)
				o.SetRemote(s.proxy.Remote)
			}
			return cond()
		})
	}
	await("the items", func() bool { return o.connected() && o.DB().Item.Len() == 3 })
	neverEmpty(o, 3)
	s.count++
	var update idl.Tx
	update.Update("Item", s.writer.item("item 1").UUID, map[string]any{"strings": []string{fmt.Sprint("a", s.count)}})
	if res := s.writer.commit(&update); res.Err != nil {
		s.t.Fatal(res.Err)
	}
	await("the update", func() bool {
		return len(o.item("item 1").Strings) == 1 && o.item("item 1").Strings[0] == fmt.Sprint("a", s.count)
	})
	seq := o.SetConditions(nil)
	await("the conditions", func() bool { return o.State().Conditions >= seq })
	var tx idl.Tx
	tx.Update("Item", o.item("item 2").UUID, map[string]any{"strings": []string{fmt.Sprint("b", s.count)}})
	var res *idl.Result
	o.Commit(&tx, func(got idl.Result) { res = &got })
	await("the result", func() bool { return res != nil })
	s.writer.mark(s.count)
	await("the end", func() bool {
		m := o.item(marker)
		return o.connected() && m != nil && m.Int == s.count
	})
	if got := s.writer.item("item 2").Strings; res.Err == nil && !cmp.Equal(got, []string{fmt.Sprint("b", s.count)}) {
		s.t.Errorf("limit %d: the transaction succeeded, but the database has %q", n, got)
	}
	if diff := cmp.Diff(s.writer.content(), o.content()); diff != "" {
		s.t.Fatalf("limit %d, -server +replica:\n%s", n, diff)
	}
	s.limit(-1)
	return s.proxy.Cuts() > before
}
