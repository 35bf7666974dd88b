package idl_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// A replica of a raft cluster resumes where it was when its connection breaks,
// on the same member and on another.
func TestClusterResume(t *testing.T) {
	c := ovsdbtest.StartCluster(t, everythingSchema, "Everything", 3)
	writer := follow(t, c.Remote())
	insertItems(writer, 1, 30)
	p := ovsdbtest.NewProxy(t, c.Members[1])
	o := follow(t, p.Remote)
	o.until("the items", func() bool { return o.DB().Item.Len() == 30 })
	for n := range 3 {
		if n < 2 {
			p.Cut()
			o.SetRemote(p.Remote)
		} else {
			o.SetRemote(c.Members[2].Remote)
		}
		seen := len(o.seen)
		insertItems(writer, 31+n, 31+n)
		o.until("the new item", func() bool { return o.item(fmt.Sprint("item ", 31+n)) != nil && o.connected() })
		for _, u := range o.seen[seen:] {
			if u.Initial {
				t.Errorf("everything was read again: %+v", u.Info)
			}
		}
	}
	if got := o.State().Counters; got.FullReads != 1 || got.Resumes != got.Connects-1 || got.Resumes < 2 {
		t.Errorf("counters %+v", got)
	}
	if last := o.seen[len(o.seen)-1]; last.TxnID.IsZero() {
		t.Error("a unit of a cluster has no transaction id")
	}
	if diff := cmp.Diff(dump(t, c.Members[0]), o.content()); diff != "" {
		t.Error(diff)
	}
}

// pass commits a mark, however many leaders go meanwhile, and waits for it. A cluster
// executes in one order: then it is known what became of all that was sent before.
func pass(o *owner, n int64) {
	o.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		o.until("the connection", o.connected)
		var tx idl.Tx
		tx.Update("Item", o.item(marker).UUID, map[string]any{"int": n})
		if o.commit(&tx).Err == nil {
			o.untilMark(n)
			return
		}
	}
	o.t.Fatalf("no leader took mark %d for a minute", n)
}

// wantLeader waits until o is connected to the leader. On a busy machine heartbeats come
// late, and another one is elected at any time.
func wantLeader(o *owner, c *ovsdbtest.Cluster, mark int64) {
	o.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		pass(o, mark)
		if o.State().Remote == c.Leader().Remote {
			return
		}
	}
	o.t.Fatalf("connected to %s for a minute, the leader is %s", o.State().Remote, c.Leader().Remote)
}

// The leader is killed: a client that wants a leader finds the new one, one
// that does not stays with a member that works, and no transaction is lost or
// executed twice.
func TestClusterLeaderChange(t *testing.T) {
	t.Parallel()
	c := ovsdbtest.StartCluster(t, everythingSchema, "Everything", 3)
	writer := start(t, idl.Config{SessionConfig: ovsdb.SessionConfig{Remote: c.Remote(), LeaderOnly: true}})
	reader := follow(t, c.Remote())
	writer.until("the connection", writer.connected)
	writer.mark(0)
	wantLeader(writer, c, 0)
	reader.untilMark(0)
	neverEmpty(reader, 1)
	for n := int64(1); n <= 2; n++ {
		old := c.Leader()
		old.Kill()
		name := fmt.Sprint("after ", n)
		for writer.item(name) == nil {
			var tx idl.Tx
			tx.Insert("Item", map[string]any{"name": name, "int": 100})
			writer.commit(&tx) // fails when the leader dies with it; it may have told others before
			pass(writer, n)
		}
		wantLeader(writer, c, n)
		reader.until("the new item", func() bool { return reader.item(name) != nil })
		if rows := reader.DB().ItemByName.Get(name); len(rows) != 1 {
			t.Errorf("%d items %q", len(rows), name)
		}
		old.Restart()
	}
	if got := writer.State().Counters; got.Connects < 3 || got.Resumes < 1 {
		t.Errorf("counters %+v", got)
	}
	pass(writer, 3)
	reader.untilMark(3)
	if diff := cmp.Diff(dump(t, c.Leader()), reader.content()); diff != "" {
		t.Error(diff)
	}
}

// Leadership is handed over while the old leader lives on.
func TestClusterTransferLeadership(t *testing.T) {
	t.Parallel()
	c := ovsdbtest.StartCluster(t, everythingSchema, "Everything", 3)
	o := start(t, idl.Config{SessionConfig: ovsdb.SessionConfig{Remote: c.Remote(), LeaderOnly: true}})
	o.until("the connection", o.connected)
	o.mark(0)
	old := c.Leader()
	old.Appctl("cluster/leave", "Everything")
	o.until("another leader", func() bool { return o.connected() && o.State().Remote != old.Remote })
	o.mark(1)
	if got := o.State().Counters; got.FullReads != 1 {
		t.Errorf("counters %+v", got)
	}
}
