package idl_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl/everything"
)

// owner owns a replica in a test.
type owner struct {
	*everything.Replica
	t *testing.T
	// seen collects the units that Next returned.
	seen []*everything.Changes
	// check, if set, looks at the tables after each unit.
	check func()
}

// start runs a replica until the test ends.
func start(t *testing.T, cfg idl.Config) *owner {
	t.Helper()
	o, stop := startUntil(t, cfg)
	t.Cleanup(stop)
	return o
}

// startUntil runs a replica until stop is called.
func startUntil(t *testing.T, cfg idl.Config) (o *owner, stop func()) {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	o = &owner{Replica: everything.NewReplica(cfg), t: t}
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- o.Run(ctx) }()
	return o, func() {
		cancel()
		<-end
	}
}

func follow(t *testing.T, remote string) *owner {
	return start(t, idl.Config{SessionConfig: ovsdb.SessionConfig{Remote: remote}})
}

// until handles what arrives until cond holds.
func (o *owner) until(what string, cond func() bool) {
	o.t.Helper()
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	for {
		for {
			c, ok := o.Next()
			if !ok {
				break
			}
			o.seen = append(o.seen, c)
			if o.check != nil {
				o.check()
			}
		}
		if cond() {
			return
		}
		select {
		case <-o.Ready():
		case <-deadline.C:
			o.t.Fatalf("waited a minute for %s; %+v", what, o.State())
		}
	}
}

func (o *owner) connected() bool { return o.State().Connected }

// commit executes a transaction and returns its result.
func (o *owner) commit(tx *idl.Tx) (res idl.Result) {
	o.t.Helper()
	done := false
	o.Commit(tx, func(got idl.Result) { res, done = got, true })
	o.until("the transaction's result", func() bool { return done })
	return res
}

// names returns the names of the items, sorted by nothing.
func (o *owner) item(name string) *everything.Item { return o.DB().ItemByName.One(name) }

// fakeServer is a server made of a function, for what a real one never does.
type fakeServer struct {
	remote string
	listen net.Listener
	// answer returns the members of the reply behind the id, or "" for none.
	answer func(method string, params []json.RawMessage) string

	mu       sync.Mutex
	conns    []net.Conn
	requests []string
	answered map[string]int // replies that were written, by method
	replied  *sync.Cond     // answered grew
}

func startFake(t *testing.T, answer func(method string, params []json.RawMessage) string) *fakeServer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeServer{remote: "unix:" + path, listen: l, answer: answer, answered: map[string]int{}}
	f.replied = sync.NewCond(&f.mu)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns = append(f.conns, nc)
			f.mu.Unlock()
			group.Go(func() { f.serve(nc) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		f.mu.Lock()
		for _, nc := range f.conns {
			nc.Close()
		}
		f.mu.Unlock()
		group.Wait()
	})
	return f
}

func (f *fakeServer) serve(nc net.Conn) {
	defer nc.Close()
	for in := json.NewDecoder(nc); ; {
		var m struct {
			ID     json.RawMessage
			Method string
			Params []json.RawMessage
		}
		if in.Decode(&m) != nil {
			return
		}
		params, _ := json.Marshal(m.Params)
		f.mu.Lock()
		f.requests = append(f.requests, m.Method+string(params))
		f.mu.Unlock()
		if reply := f.answer(m.Method, m.Params); reply != "" {
			fmt.Fprintf(nc, `{"id":%s,%s}`, m.ID, reply)
		}
		f.mu.Lock()
		f.answered[m.Method]++
		f.mu.Unlock()
		f.replied.Broadcast()
	}
}

// afterReply waits until n requests with this method have been answered: what the
// server says then arrives behind the answer, as it does from a real one. A test
// that waits for ever is ended by its time limit.
func (f *fakeServer) afterReply(method string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.answered[method] < n {
		f.replied.Wait()
	}
}

// say sends a text on the newest connection.
func (f *fakeServer) say(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	io.WriteString(f.conns[len(f.conns)-1], text)
}

// asked returns the requests with this method.
func (f *fakeServer) asked(method string) (list []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if strings.HasPrefix(r, method+"[") {
			list = append(list, r)
		}
	}
	return list
}

const (
	unknownMethod = `"error":"unknown method"`
	itemSchema    = `"result":{"name":"Everything","version":"0.9.0","tables":{"Item":{"columns":{
		"name":{"type":"string"},"ints":{"type":{"key":"integer","min":0,"max":"unlimited"}}}}}},"error":null`
	idA  = "00000000-0000-0000-0000-00000000000a"
	idB  = "00000000-0000-0000-0000-00000000000b"
	txn1 = "00000000-0000-0000-0000-000000000001"
	txn2 = "00000000-0000-0000-0000-000000000002"
)

func result(text string) string { return `"result":` + text + `,"error":null` }
