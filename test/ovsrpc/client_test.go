package ovsrpc

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serve answers one client: each request line is handed to script, whose lines are sent back.
func serve(t *testing.T, script func(request string) []string) *Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "db.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for in := bufio.NewScanner(conn); in.Scan(); {
			for _, line := range script(in.Text()) {
				if line == "hang up" {
					return
				}
				fmt.Fprintln(conn, line)
			}
		}
	}()
	c, err := Dial(context.Background(), socket, "DB")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); listener.Close(); <-done })
	return c
}

// An update that follows the reply to a monitor in the same packet must win over the initial rows of the reply.
func TestMonitorKeepsOrder(t *testing.T) {
	c := serve(t, func(request string) []string {
		if !strings.Contains(request, `"monitor"`) {
			return nil
		}
		return []string{
			`{"id":0,"error":null,"result":{"T":{"a":{"new":{"n":1,"name":"x"}},"b":{"new":{"n":1}}}}}` +
				`{"id":null,"method":"update","params":["T",{"T":{"a":{"new":{"n":2,"name":"x"}},"b":{"old":{}}}}]}`,
		}
	})
	if err := c.Monitor("T", "n", "name"); err != nil {
		t.Fatal(err)
	}
	err := c.Await(context.Background(), 10*time.Second, "the update", "T", func(rows map[string]Row) bool { return rows["a"].Int("n") == 2 })
	if err != nil {
		t.Fatal(err)
	}
	if rows := c.Rows("T"); len(rows) != 1 || rows["a"].Text("name") != "x" {
		t.Errorf("rows are %v", rows)
	}
}

// Errors carry the server's words: of a request, of an operation, and of a connection that ends.
func TestErrors(t *testing.T) {
	replies := []string{
		`{"id":0,"error":null,"result":[{"uuid":["uuid","u"]},{"error":"constraint violation","details":"duplicate name"}]}`,
		`{"id":1,"error":"unknown database","result":null}`,
		"hang up",
	}
	c := serve(t, func(string) []string {
		next := replies[0]
		replies = replies[1:]
		return []string{next}
	})
	for _, want := range []string{"operation 1 (insert of U): constraint violation: duplicate name", "unknown database", "connection to the database ended"} {
		_, err := c.Transact(Insert("T", "", nil), Insert("U", "", nil))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, which does not say %q", err, want)
		}
	}
	if err := c.Await(context.Background(), time.Minute, "rows", "T", func(map[string]Row) bool { return false }); err == nil {
		t.Error("rows of a closed connection can be waited for")
	}
}

// The server's probes are answered, or it would cut the connection in the middle of a measurement.
func TestEcho(t *testing.T) {
	echoed := make(chan string, 1)
	c := serve(t, func(request string) []string {
		if strings.Contains(request, `"transact"`) {
			return []string{`{"id":"echo","method":"echo","params":[7]}`}
		}
		echoed <- request
		return []string{`{"id":0,"error":null,"result":[]}`}
	})
	if _, err := c.Transact(); err != nil {
		t.Fatal(err)
	}
	if got := <-echoed; !strings.Contains(got, `"result":[7]`) || !strings.Contains(got, `"id":"echo"`) {
		t.Errorf("the probe was answered by %s", got)
	}
}
