package idl_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// A replica connects by TCP, to an address and to a name, and comes back when the server
// was away.
func TestTCP(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0") // a port that is free
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	s := ovsdbtest.Start(t, everythingSchema, "Everything", fmt.Sprintf("--remote=ptcp:%d:127.0.0.1", port))
	for _, host := range []string{"127.0.0.1", "localhost"} {
		remote := fmt.Sprintf("tcp:%s:%d", host, port)
		o := follow(t, remote)
		o.until("the connection", o.connected)
		o.mark(1)
		if got := o.State().Remote; got != remote {
			t.Errorf("connected to %s, not %s", got, remote)
		}
		s.Kill()
		o.until("the loss", func() bool { return !o.connected() })
		s.Restart()
		o.until("the connection", o.connected)
		o.mark(2)
		if diff := cmp.Diff(dump(t, s), o.content()); diff != "" {
			t.Errorf("%s, -server +replica:\n%s", remote, diff)
		}
	}
}
