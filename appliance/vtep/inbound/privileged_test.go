package inbound

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// TestPrivilegedPort: who is not root is told which ports are his. The thread of the test gives up the capability, in a network namespace of its own, as containers let everybody
// have all ports; it ends with the test.
func TestPrivilegedPort(t *testing.T) {
	if os.Getuid() != 0 {
		capability.Skip(t, capability.Missing{Capability: "netns", Reason: "needs root"})
	}
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		result <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return err
			}
			header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var set [2]unix.CapUserData // 64 bits, low word first
			if err := unix.Capget(&header, &set[0]); err != nil {
				return err
			}
			set[0].Effective &^= 1 << unix.CAP_NET_BIND_SERVICE
			if err := unix.Capset(&header, &set[0]); err != nil {
				return err
			}
			l := New(Config{At: ovsdb.Passive{Address: netip.MustParseAddrPort("0.0.0.0:443")}, Log: slog.New(slog.DiscardHandler)})
			ln, err := l.open(context.Background())
			if err == nil {
				ln.Close()
			}
			return err
		}()
	}()
	if err := <-result; err == nil || !strings.Contains(err.Error(), "permission denied. Only root (CAP_NET_BIND_SERVICE) may have port 443: have the switches connect to one from 1024 on") {
		t.Errorf("got %v", err)
	}
}
