package ovsdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// fakeServer answers a client's requests from a table of texts by method.
type fakeServer struct {
	replies map[string]string // the members behind the id; "" hangs up
	down    bool              // refuse connections
	mute    atomic.Bool       // do not answer

	mu    sync.Mutex
	conns []net.Conn
}

func (f *fakeServer) serve(nc net.Conn) {
	f.mu.Lock()
	f.conns = append(f.conns, nc)
	f.mu.Unlock()
	for in := json.NewDecoder(nc); ; {
		var m struct {
			ID     json.RawMessage
			Method string
		}
		if in.Decode(&m) != nil {
			return
		}
		if f.mute.Load() {
			continue
		}
		reply, ok := f.replies[m.Method]
		if !ok {
			reply = `"error":"unknown method"`
		}
		if reply == "" {
			nc.Close()
			return
		}
		fmt.Fprintf(nc, `{"id":%s,%s}`, m.ID, reply)
	}
}

// hangUp closes the connections.
func (f *fakeServer) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, nc := range f.conns {
		nc.Close()
	}
	f.conns = nil
}

// say sends a notification to the clients.
func (f *fakeServer) say(text string) {
	f.mu.Lock()
	conns := f.conns
	f.mu.Unlock()
	for _, nc := range conns {
		io.WriteString(nc, text)
	}
}

// row returns the reply to the monitor of _Server.
func row(model string, connected, leader bool, cid string, index int) string {
	return `"result":` + serverTables(model, connected, leader, cid, index) + `,"error":null`
}

func serverTables(model string, connected, leader bool, cid string, index int) string {
	return fmt.Sprintf(`{"Database":{"%s":{"new":{"name":"Other","model":"standalone"}},
		"%s":{"new":{"name":"DB","model":"%s","connected":%v,"leader":%v,"schema":"{\"name\":\"DB\",\"version\":\"1.0.0\"}","cid":["uuid","%s"],"index":%d}}}}`,
		NewUUID(), NewUUID(), model, connected, leader, cid, index)
}

const (
	cidA = "aaaaaaaa-0000-0000-0000-000000000000"
	cidB = "bbbbbbbb-0000-0000-0000-000000000000"
)

// recorder is a Handler that keeps a diary.
type recorder struct {
	start time.Time
	mu    sync.Mutex
	lines []string
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := time.Since(r.start).Round(time.Second)
	r.lines = append(r.lines, fmt.Sprintf("%v ", at)+fmt.Sprintf(format, args...))
}

// take returns the lines since the last call.
func (r *recorder) take() string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := strings.Join(r.lines, "\n")
	r.lines = nil
	return s
}

func (r *recorder) Ready(context.Context) error { return nil }

func (r *recorder) Connected(_ *Conn, e Endpoint, db *schema.Database) error {
	r.note("up %s schema %s", e.Address, db.Version)
	return nil
}

func (r *recorder) Notify(method, first string, rest *Stream) error {
	line := method + " " + first
	for rest.NextItem() {
		line += " " + string(rest.Raw())
	}
	r.note("%s", line)
	return nil
}

func (r *recorder) Disconnected(e Endpoint, err error) { r.note("down %s: %v", e.Address, err) }

// startSession runs a session, in a bubble, whose servers have the names of
// the map. The caller has to call stop.
func startSession(t *testing.T, cfg SessionConfig, servers map[string]*fakeServer) (s *Session, diary *recorder, stop func()) {
	diary = &recorder{start: time.Now()}
	cfg.Logger = slog.New(slog.DiscardHandler)
	s = NewSession("DB", cfg, diary)
	s.dial = func(_ context.Context, e Endpoint, _ *SessionConfig) (net.Conn, error) {
		f := servers[e.Address]
		if f.down {
			return nil, errors.New("refused")
		}
		server, client := net.Pipe()
		go f.serve(server)
		return client, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- s.Run(ctx) }()
	return s, diary, func() {
		cancel()
		if err := <-end; err != context.Canceled {
			t.Errorf("Run: %v", err)
		}
		for _, f := range servers {
			f.hangUp()
		}
	}
}

func expectDiary(t *testing.T, diary *recorder, want ...string) {
	t.Helper()
	if got := diary.take(); got != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

func TestSessionBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeServer{down: true}
		s, diary, stop := startSession(t, SessionConfig{Remote: "unix:a"}, map[string]*fakeServer{"a": a})
		time.Sleep(32500 * time.Millisecond)
		expectDiary(t, diary,
			"0s down a: refused", "1s down a: refused", "3s down a: refused", "7s down a: refused",
			"15s down a: refused", "23s down a: refused", "31s down a: refused")
		// A change of the servers ends the waiting.
		a.down = false
		a.replies = map[string]string{"monitor": row("standalone", true, true, cidA, 0)}
		if err := s.SetRemote("unix:a"); err != nil {
			t.Fatal(err)
		}
		expectDiary(t, diary, "33s up a schema 1.0.0")
		// After a connection that lasted, the first attempt is made at once and
		// waiting starts from the shortest time again.
		time.Sleep(10 * time.Second)
		a.down = true
		a.hangUp()
		time.Sleep(time.Second / 10)
		expectDiary(t, diary, "43s down a: EOF", "43s down a: refused")
		time.Sleep(4 * time.Second)
		expectDiary(t, diary, "44s down a: refused", "46s down a: refused")
		stop()
	})
}

func TestSessionPicksServer(t *testing.T) {
	for _, test := range []struct {
		name       string
		leaderOnly bool
		reply      string // of every server but the last
		want       string
	}{
		{"cut off", false, row("clustered", false, false, cidA, 5), "is disconnected from cluster"},
		{"relay cut off", false, row("relay", false, false, cidA, 5), "is disconnected from cluster"},
		{"follower", true, row("clustered", true, false, cidA, 5), "is not cluster leader"},
		{"relay for a leader", true, row("relay", true, false, cidA, 5), "is not cluster leader"},
		{"other database", false, `"result":{"Database":{}},"error":null`, "does not have database DB"},
		{"no schema", false, `"result":{"Database":{"` + cidA + `":{"new":{"name":"DB","model":"clustered","connected":true,"schema":["set",[]]}}}},"error":null`, "does not have the database's schema yet"},
		{"nonsense", false, `"result":{"Database":{"x":{"new":{"name":5}}}},"error":null`, "database _Server: "},
		{"hangs up", false, "", "EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good := &fakeServer{replies: map[string]string{"monitor": row("clustered", true, true, cidA, 7)}}
				bad := &fakeServer{replies: map[string]string{"monitor": test.reply}}
				servers := map[string]*fakeServer{"a": bad, "b": bad, "c": bad}
				s, diary, stop := startSession(t, SessionConfig{Remote: "unix:a,unix:b,unix:c", LeaderOnly: test.leaderOnly}, servers)
				synctest.Wait()
				got := diary.take()
				if n := strings.Count(got, "0s down"); n != 3 || strings.Count(got, test.want) != 3 {
					t.Errorf("want three refusals at once for %q, got:\n%s", test.want, got)
				}
				servers["d"] = good
				s.SetRemote("unix:d,unix:a")
				time.Sleep(time.Minute)
				if got := diary.take(); !strings.HasSuffix(got, "up d schema 1.0.0") {
					t.Errorf("did not get to the good server:\n%s", got)
				}
				stop()
			})
		})
	}
}

// A server becomes unfit while it is used.
func TestSessionLeavesServer(t *testing.T) {
	for _, test := range []struct{ say, want string }{
		{serverTables("clustered", true, false, cidA, 9), "is not cluster leader"},
		{serverTables("clustered", false, true, cidA, 9), "is disconnected from cluster"},
		{`{"Database":{"` + cidA + `":{"old":{"name":"DB"}}}}`, "does not have database DB"},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &fakeServer{replies: map[string]string{"monitor": row("clustered", true, true, cidA, 7)}}
			_, diary, stop := startSession(t, SessionConfig{Remote: "unix:a", LeaderOnly: true}, map[string]*fakeServer{"a": a})
			expectDiary(t, diary, "0s up a schema 1.0.0")
			a.say(`{"method":"update","params":["server",` + serverTables("clustered", true, true, cidA, 8) + `],"id":null}`)
			expectDiary(t, diary)
			a.say(`{"method":"update","params":["server",` + test.say + `],"id":null}`)
			synctest.Wait()
			if got := diary.take(); !strings.Contains(got, "down a: update: ") || !strings.Contains(got, test.want) {
				t.Errorf("got:\n%s\nwant one with %q", got, test.want)
			}
			stop()
		})
	}
}

// A member that lags behind what was seen is passed over; another cluster
// starts anew.
func TestSessionStaleServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := map[string]*fakeServer{
			"a": {replies: map[string]string{"monitor": row("clustered", true, true, cidA, 100)}},
			"b": {replies: map[string]string{"monitor": row("clustered", true, false, cidA, 99)}},
			"c": {replies: map[string]string{"monitor": row("clustered", true, false, cidB, 3)}},
		}
		s, diary, stop := startSession(t, SessionConfig{Remote: "unix:a"}, servers)
		expectDiary(t, diary, "0s up a schema 1.0.0")
		s.SetRemote("unix:b")
		synctest.Wait()
		expectDiary(t, diary, "0s down a: the remote was changed",
			"0s down b: reply to monitor: clustered database server has stale data: its index is 99, the client has seen 100")
		s.SetRemote("unix:c")
		expectDiary(t, diary, "0s up c schema 1.0.0")
		stop()
	})
}

// A cluster that was built anew under its old id is behind for ever, until the
// position is forgotten. That holds for one server only.
func TestForgetClusterIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := map[string]*fakeServer{
			"a": {replies: map[string]string{"monitor": row("clustered", true, true, cidA, 100)}},
			"b": {replies: map[string]string{"monitor": row("clustered", true, true, cidA, 5)}},
			"c": {replies: map[string]string{"monitor": row("clustered", true, true, cidA, 4)}},
		}
		s, diary, stop := startSession(t, SessionConfig{Remote: "unix:a"}, servers)
		synctest.Wait()
		s.ForgetClusterIndex()
		s.SetRemote("unix:b")
		expectDiary(t, diary, "0s up a schema 1.0.0", "0s down a: the remote was changed", "0s up b schema 1.0.0")
		s.SetRemote("unix:c")
		expectDiary(t, diary, "0s down b: the remote was changed",
			"0s down c: reply to monitor: clustered database server has stale data: its index is 4, the client has seen 5")
		stop()
	})
}

// A server without a _Server database is asked for the schema.
func TestSessionOldServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeServer{replies: map[string]string{"get_schema": `"result":{"name":"DB","version":"0.1.0","tables":{}},"error":null`}}
		s, diary, stop := startSession(t, SessionConfig{Remote: "unix:a"}, map[string]*fakeServer{"a": a})
		expectDiary(t, diary, "0s up a schema 0.1.0")
		a.say(`{"method":"locked","params":["x"],"id":null}`)
		a.say(`{"method":"update3","params":["data","y",{}],"id":null}`)
		expectDiary(t, diary, "0s locked x", "0s update3 data \"y\" {}")
		s.SetRemote("unix:a") // its server is still there, so the connection stays
		expectDiary(t, diary)
		a.replies["get_schema"] = `"error":"unknown database"`
		s.Reconnect(errors.New("to try something"))
		expectDiary(t, diary, "0s down a: to try something", "0s down a: get_schema: the server answers: unknown database")
		stop()
	})
}

// The probe interval can be set while a connection is open.
func TestSessionSetProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeServer{replies: map[string]string{"monitor": row("standalone", true, true, cidA, 0), "echo": `"error":null,"x":0`}}
		s, diary, stop := startSession(t, SessionConfig{Remote: "unix:a"}, map[string]*fakeServer{"a": a})
		time.Sleep(time.Hour)
		expectDiary(t, diary, "0s up a schema 1.0.0")
		s.SetProbe(10 * time.Second)
		time.Sleep(time.Hour) // the server answers, in its way
		expectDiary(t, diary)
		a.mute.Store(true)
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if got := diary.take(); !strings.Contains(got, "down a: no response to inactivity probe after") {
			t.Errorf("got %q", got)
		}
		a.mute.Store(false)
		stop()
	})
}

func TestSessionWithoutRemote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeServer{replies: map[string]string{"monitor": row("standalone", true, true, cidA, 0)}}
		s, diary, stop := startSession(t, SessionConfig{}, map[string]*fakeServer{"a": a})
		time.Sleep(time.Hour)
		expectDiary(t, diary)
		if err := s.SetRemote("nonsense"); err == nil {
			t.Error("SetRemote took nonsense")
		}
		s.SetRemote("unix:a")
		expectDiary(t, diary, "1h0m0s up a schema 1.0.0")
		s.SetRemote("")
		expectDiary(t, diary, "1h0m0s down a: the remote was changed")
		stop()
	})
	s := NewSession("DB", SessionConfig{Remote: "nonsense"}, new(recorder))
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("Run: %v", err)
	}
}
