package ovsdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// wire is the server's end of a connection whose other end is a real Conn.
type wire struct {
	t    *testing.T
	nc   net.Conn
	conn *Conn
	peer *testPeer
	got  chan map[string]json.RawMessage // what the client sent
	end  chan error
}

// testPeer records notifications.
type testPeer struct {
	notes   []string
	tickets chan struct{} // if not nil, Ready takes one
	refused error
}

func (p *testPeer) Ready(ctx context.Context) error {
	if p.tickets == nil {
		return nil
	}
	select {
	case <-p.tickets:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *testPeer) Notify(method string, params *Stream) error {
	p.notes = append(p.notes, method+string(params.Raw()))
	if params.Err() != nil {
		return params.Err()
	}
	return p.refused
}

// connect runs a Conn inside a synctest bubble. The wire reads all that the
// client sends, at once.
func connect(t *testing.T, probe time.Duration) *wire { return connectPeer(t, probe, new(testPeer)) }

func connectPeer(t *testing.T, probe time.Duration, peer *testPeer) *wire {
	server, client := net.Pipe()
	w := &wire{t: t, nc: server, peer: peer, end: make(chan error, 1)}
	w.got = make(chan map[string]json.RawMessage, 100)
	w.conn = NewConn(client, w.peer, probe)
	go func() { w.end <- w.conn.Run(context.Background()) }()
	go func() {
		defer close(w.got)
		for in := json.NewDecoder(server); ; {
			var m map[string]json.RawMessage
			if in.Decode(&m) != nil {
				return
			}
			w.got <- m
		}
	}()
	return w
}

func (w *wire) send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w.nc, text); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

// sent returns what the client has sent up to now, one message in a line.
func (w *wire) sent() string {
	synctest.Wait()
	var b strings.Builder
	for {
		select {
		case m, ok := <-w.got:
			if !ok {
				return b.String()
			}
			fmt.Fprintf(&b, "%s %s %s %s\n", m["id"], m["method"], m["params"], m["result"])
		default:
			return b.String()
		}
	}
}

// close ends the connection from the server's side and returns what Run says.
func (w *wire) close() error {
	w.nc.Close()
	return <-w.end
}

func TestConnCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := connect(t, 0)
		var got []string
		call := func(name string) *Call {
			return &Call{
				Result: func(s *Stream) error { got = append(got, name+" result "+string(s.Raw())); return nil },
				Failed: func(e *RPCError) error { got = append(got, name+" failed "+e.Error()); return nil },
			}
		}
		w.conn.Call("get_schema", []byte(`["A"]`), call("a"))
		w.conn.Call("transact", []byte(`["B"]`), call("b"))
		w.conn.Call("lock", []byte(`["C"]`), call("c"))
		w.conn.Call("steal", []byte(`["D"]`), call("d"))
		want := "1 \"get_schema\" [\"A\"] \n2 \"transact\" [\"B\"] \n3 \"lock\" [\"C\"] \n4 \"steal\" [\"D\"] \n"
		if sent := w.sent(); sent != want {
			t.Errorf("sent:\n%swant:\n%s", sent, want)
		}
		w.send(`{"id":3,"result":{"locked":true},"error":null}`)
		w.send(`{"error":null,"result":[1,2],"id":1}`) // the result before the id
		w.send(`{"id":2,"error":{"error":"syntax error"},"result":null}`)
		w.send(`{"id":4,"error":"unknown method"}`)
		w.send(`{"id":4,"result":7,"error":null}`)       // answered already
		w.send(`{"id":"echo","result":[],"error":null}`) // nobody waits
		wantGot := `c result {"locked":true}|a result [1,2]|b failed transact: the server answers: {"error":"syntax error"}|d failed steal: the server answers: unknown method`
		if s := strings.Join(got, "|"); s != wantGot {
			t.Errorf("got  %s\nwant %s", s, wantGot)
		}
		if err := w.close(); err != io.EOF {
			t.Errorf("Run: %v, want EOF", err)
		}
	})
}

func TestConnNotifications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := connect(t, 0)
		w.send(`{"method":"update","params":["data",{}],"id":null}`)
		w.send(`{"params":["x"],"method":"locked","id":null}`)
		w.send(`{"id":"echo","method":"echo","params":["hello",1]}`)
		w.send(`{"params":[],"method":"echo","id":7}`)
		if got := strings.Join(w.peer.notes, "|"); got != `update["data",{}]|locked["x"]` {
			t.Errorf("notifications %s", got)
		}
		if got := w.sent(); got != "\"echo\"   [\"hello\",1]\n7   []\n" {
			t.Errorf("sent %q", got)
		}
		w.close()
	})
}

func TestConnErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`[]`, "expected '{'"},
		{`{"id":1`, "EOF"},
		{`{"id":1,"error":null}`, `the reply to "lock" has neither result nor error`},
		{`{"id":1,"error":"no"}`, "lock: the server answers: no"},
		{`{"id":1,"result":{"a":1}}`, "reply to lock: bad result"},
		{`{"method":"update","id":null}`, `"update" has no params`},
		{`{"method":"update","params":[`, "EOF"},
		{`{"method":"update","params":[]}`, "update: refused"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := connectPeer(t, 0, &testPeer{refused: errors.New("refused")})
			w.conn.Call("lock", []byte("[]"), &Call{Result: func(s *Stream) error {
				s.Raw()
				return errors.New("bad result")
			}})
			go io.WriteString(w.nc, test.text)
			synctest.Wait()
			if err := w.close(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: Run: %v, want an error with %q", test.text, err, test.want)
			}
		})
	}
}

// A server that is silent is asked after the probe interval and given up after
// twice that; one that answers is kept.
func TestConnProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := connect(t, 5*time.Second)
		for range 3 {
			time.Sleep(5*time.Second + checkEvery)
			if got := w.sent(); got != "\"echo\" \"echo\" [] \n" {
				t.Fatalf("after a silence of the probe interval the client sent %q", got)
			}
			w.send(`{"id":"echo","result":[],"error":null}`)
		}
		select {
		case err := <-w.end:
			t.Fatalf("gave up a server that answers: %v", err)
		default:
		}
		start := time.Now()
		err := <-w.end
		if silent := time.Since(start); silent < 10*time.Second || silent > 12*time.Second {
			t.Errorf("gave up after %v", silent)
		}
		if err == nil || !strings.Contains(err.Error(), "no response to inactivity probe after 5 seconds") {
			t.Errorf("Run: %v", err)
		}
		w.nc.Close()
	})
}

// Without a probe interval nothing is sent, ever.
func TestConnWithoutProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := connect(t, 0)
		time.Sleep(time.Hour)
		if got := w.sent(); got != "" {
			t.Errorf("sent %q", got)
		}
		w.close()
	})
}

// While the client does not listen it does not take silence for death, and
// shows that it is alive often enough for a server that probes every 5 seconds.
func TestConnPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tickets := make(chan struct{}, 2)
		tickets <- struct{}{}
		w := connectPeer(t, 5*time.Second, &testPeer{tickets: tickets})
		w.send(`{"method":"update","params":[1],"id":null}`)
		for range 20 {
			time.Sleep(4 * time.Second)
			if w.sent() == "" {
				t.Fatal("no sign of life for 4 seconds")
			}
		}
		tickets <- struct{}{}
		w.send(`{"method":"update","params":[2],"id":null}`)
		if len(w.peer.notes) != 2 {
			t.Errorf("notifications %v", w.peer.notes)
		}
		w.close()
	})
}

// A message that takes long to arrive must not cost the connection.
func TestConnLongMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := connect(t, 5*time.Second)
		w.send(`{"method":"update","params":[`)
		for range 10 {
			time.Sleep(4 * time.Second)
			if w.sent() == "" {
				t.Fatal("no sign of life for 4 seconds")
			}
			w.send(`0,`)
		}
		w.send(`0],"id":null}`)
		if len(w.peer.notes) != 1 {
			t.Errorf("notifications %v", w.peer.notes)
		}
		w.close()
	})
}

func TestConnEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		defer server.Close()
		ctx, cancel := context.WithCancel(context.Background())
		end := make(chan error)
		go func() { end <- NewConn(client, new(testPeer), 0).Run(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-end; err != context.Canceled {
			t.Errorf("Run: %v", err)
		}
	})
}

// Requests that the server does not take are bounded.
func TestConnSlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		defer server.Close()
		c := NewConn(client, new(testPeer), 0)
		end := make(chan error)
		go func() { end <- c.Run(context.Background()) }()
		c.Call("a", []byte("[]"), new(Call)) // blocks in Write
		synctest.Wait()
		params := []byte(`["` + strings.Repeat("x", maxOut/4) + `"]`)
		for range 5 {
			c.Call("transact", params, new(Call))
		}
		if err := <-end; err == nil || !strings.Contains(err.Error(), "has not taken") {
			t.Errorf("Run: %v", err)
		}
	})
}
