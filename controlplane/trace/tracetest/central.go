package tracetest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/trace"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/testkit/central"
)

// Central is a central node with ovn-trace(8).
type Central struct {
	*central.Node
	t testing.TB
}

// StartCentral starts a central node that ends with the test, and skips the test where
// OVN is not installed.
func StartCentral(t testing.TB) *Central {
	t.Helper()
	capability.Need(t, "ovs", "ovn-trace")
	return &Central{central.Start(t), t}
}

// Network loads the Southbound database.
func (c *Central) Network() *trace.Network {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n, err := trace.Read(ctx, sb.Config{SessionConfig: ovsdb.SessionConfig{Remote: c.SB.Remote, Logger: slog.New(slog.DiscardHandler)}})
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// OVNTrace is what the reference program says.
func (c *Central) OVNTrace(args ...string) string {
	c.t.Helper()
	return central.Run(c.t, "ovn-trace", append([]string{"--db=" + c.SB.Remote, "-vconsole:off"}, args...)...)
}
