package inbound

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// exhausted is a port of a process that has no file descriptors left.
type exhausted struct {
	net.Listener
	calls  int
	enough func()
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.calls++; e.calls == 20 {
		e.enough()
	}
	return nil, syscall.EMFILE
}

// TestExhausted: accept does not spin while it fails: the pauses grow to a second. The clock is the test's.
func TestExhausted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{At: ovsdb.Passive{Address: netip.MustParseAddrPort("127.0.0.1:6640")}, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(context.Background())
		begin := time.Now()
		l.accept(ctx, &exhausted{enough: cancel}, new(errgroup.Group))
		const want = (5+10+20+40+80+160+320+640)*time.Millisecond + 11*time.Second
		if took := time.Since(begin); took != want {
			t.Errorf("20 failures took %v, want %v", took, want)
		}
	})
}
