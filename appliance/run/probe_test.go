package run

import (
	"bufio"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/tlsconf"
)

// TestSwitchSettings: where the integration bridge is managed and how soon a silent
// one is asked whether it lives take effect when they are set.
func TestSwitchSettings(t *testing.T) {
	c := databases(t)
	c.set("ovn-remote=" + c.sb.Remote)
	c.start(tlsconf.Options{})
	c.await("status", ", registered")

	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c.set("ovn-bridge-remote=unix:" + path)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	hello, err := (&ofp.Hello{}).Append(nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(hello); err != nil {
		t.Fatal(err)
	}
	// A switch that says nothing more: without a probe that would last for ever.
	c.set("ovn-openflow-probe-interval=5")
	r := bufio.NewReader(conn)
	for {
		b := make([]byte, ofp.HeaderLen)
		if _, err := io.ReadFull(r, b); err != nil {
			t.Fatalf("no probe: %v", err)
		}
		h, err := ofp.ParseHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		if h.Type == ofp.TypeEchoRequest {
			return
		}
		if _, err := r.Discard(int(h.Len) - len(b)); err != nil {
			t.Fatal(err)
		}
	}
}
