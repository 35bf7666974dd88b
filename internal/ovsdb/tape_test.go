package ovsdb

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

// diary is a slog.Handler that keeps messages.
type diary struct {
	slog.Handler
	level slog.Level
	lines []string
}

func (d *diary) Enabled(_ context.Context, l slog.Level) bool { return l >= d.level }

func (d *diary) Handle(_ context.Context, r slog.Record) error {
	d.lines = append(d.lines, r.Message)
	return nil
}

// A message is logged as it came, however it was cut on its way and however large it is.
func TestMessagesLogged(t *testing.T) {
	long := `{"method":"update3","id":null,"params":["x",{"T":{"` + strings.Repeat("k", 3*maxTape) + `":1}}]}`
	short := `{"method":"update3","id":null,"params":["x", {"T":{}}]}`
	request := `{"id":1,"method":"transact","params":["db"]}`
	talk := func(level slog.Level) []string {
		d := &diary{level: level}
		_, client := net.Pipe()
		conn := NewConn(client, new(testPeer), 0)
		conn.LogMessages("tcp:a", slog.New(d))
		s := NewStream(iotest.HalfReader(strings.NewReader(long + "\n " + short)))
		for range 2 {
			s.Peek()
			if err := conn.logged(s, conn.message); err != nil {
				t.Fatal(err)
			}
		}
		conn.Call("transact", []byte(`["db"]`), &Call{})
		return d.lines
	}
	want := []string{"tcp:a: received " + long[:maxTape] + "... and 131130 bytes more", "tcp:a: received " + short, "tcp:a: send " + request}
	got := talk(slog.LevelDebug)
	if len(got) != len(want) {
		t.Fatalf("%d messages", len(got))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("message %d: %.100s...%.100s", i, got[i], got[i][max(0, len(got[i])-100):])
		}
	}
	if got := talk(slog.LevelInfo); len(got) > 0 {
		t.Errorf("logged at level info: %.100q", got)
	}
}
