package nodetest

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/config"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/node/encap"
	"github.com/sluice-gw/sluice/controlplane/node/iface"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

const (
	sbSchema  = "/usr/share/ovn/ovn-sb.ovsschema"
	vswSchema = "/usr/share/openvswitch/vswitch.ovsschema"

	// Name is the chassis's name (system-id).
	Name = "hv1"
	// Bridge is its integration bridge.
	Bridge = "br-int"

	patience = 60 * time.Second
)

// Chassis is a chassis called Name with an empty integration bridge. It belongs to
// the test's goroutine.
type Chassis struct {
	World   *node.World
	Ifaces  *iface.Table
	Tunnels *encap.Tunnels
	Ports   *binding.Ports
	Local   *datapath.Local
	// Self is this chassis's Southbound row.
	Self ovsdb.UUID
	// OnRun is called in each run when the nodes above are up to date; nil for nothing.
	OnRun func()

	t   testing.TB
	sb  *sb.Replica
	vsw *vsw.Replica
	log *logBook
	now time.Time

	sbServer, vswServer *ovsdbtest.Server
}

// New starts a chassis. Its clock stands still; see Advance.
func New(t testing.TB) *Chassis {
	t.Helper()
	return NewOn(t, vswSchema)
}

// NewOn is New with another schema of the Open_vSwitch database.
func NewOn(t testing.TB, vswSchema string) *Chassis {
	t.Helper()
	c := &Chassis{t: t, log: &logBook{}, now: time.Unix(1_700_000_000, 0)}
	c.sbServer = ovsdbtest.Start(t, sbSchema, "OVN_Southbound")
	c.vswServer = ovsdbtest.Start(t, vswSchema, "Open_vSwitch")
	quiet := slog.New(slog.DiscardHandler)
	c.sb = sb.NewReplica(sb.Config{SessionConfig: ovsdb.SessionConfig{Remote: c.sbServer.Remote, Logger: quiet}})
	c.vsw = vsw.NewReplica(vsw.Config{SessionConfig: ovsdb.SessionConfig{Remote: c.vswServer.Remote, Logger: quiet}})
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { c.sb.Run(ctx) })
	group.Go(func() { c.vsw.Run(ctx) })
	t.Cleanup(func() { cancel(); group.Wait() })

	cfg := config.Read(config.Source{ExternalIDs: map[string]string{"system-id": Name, "ovn-bridge": Bridge}})
	w := &node.World{SB: c.sb.DB(), VSW: c.vsw.DB(), SBChanges: &sb.Changes{}, VSWChanges: &vsw.Changes{},
		Config: &cfg, Now: func() time.Time { return c.now }, Log: slog.New(c.log)}
	c.World = w
	c.Ifaces = iface.New(w)
	c.Tunnels = encap.New(w, c.Ifaces)
	c.Ports = binding.New(w, c.Ifaces, c.Tunnels)
	c.Local = datapath.New(w, c.Ports)

	c.VSW(func(tx *idl.Tx) {
		br := tx.Insert("Bridge", map[string]any{"name": Bridge})
		tx.Insert("Open_vSwitch", map[string]any{"bridges": []any{br}})
	})
	var self ovsdb.NamedUUID
	r := c.SB(func(tx *idl.Tx) {
		e := tx.Insert("Encap", map[string]any{"type": "geneve", "ip": "192.0.2.1", "chassis_name": Name})
		self = tx.Insert("Chassis", map[string]any{"name": Name, "encaps": []any{e}})
	})
	c.Self = r.UUID(self)
	c.run(func() { c.Ports.Recompute(); c.Local.Recompute() })
	return c
}

// Configure changes what the chassis's external_ids say.
func (c *Chassis) Configure(externalIDs map[string]string) {
	ids := map[string]string{"system-id": Name, "ovn-bridge": Bridge}
	for k, v := range externalIDs {
		ids[k] = v
	}
	cfg := config.Read(config.Source{ExternalIDs: ids})
	c.World.Config = &cfg
}

// Advance moves the clock.
func (c *Chassis) Advance(d time.Duration) { c.now = c.now.Add(d) }

// Log is what was logged since the last call, one line for each message.
func (c *Chassis) Log() string { return c.log.take() }

// SB commits a transaction to the Southbound database and runs the nodes for each
// change set until its own has arrived. It fails the test when the transaction does.
func (c *Chassis) SB(build func(tx *idl.Tx)) idl.Result {
	c.t.Helper()
	r := c.TrySB(build)
	if r.Err != nil {
		c.t.Fatalf("transaction on the Southbound database: %v", r.Err)
	}
	return r
}

// TrySB is SB for a transaction that may fail.
func (c *Chassis) TrySB(build func(tx *idl.Tx)) idl.Result {
	c.t.Helper()
	return commit(c, c.sb.Commit, c.sb.Ready(), build, func() bool {
		ch, ok := c.sb.Next()
		if ok {
			c.World.SBChanges = ch
			c.run(c.update)
			c.World.SBChanges = &sb.Changes{}
		}
		return ok
	})
}

// VSW is SB for the Open_vSwitch database.
func (c *Chassis) VSW(build func(tx *idl.Tx)) idl.Result {
	c.t.Helper()
	r := commit(c, c.vsw.Commit, c.vsw.Ready(), build, func() bool {
		ch, ok := c.vsw.Next()
		if ok {
			c.World.VSWChanges = ch
			c.run(c.update)
			c.World.VSWChanges = &vsw.Changes{}
		}
		return ok
	})
	if r.Err != nil {
		c.t.Fatalf("transaction on the Open_vSwitch database: %v", r.Err)
	}
	return r
}

func commit(c *Chassis, send func(*idl.Tx, func(idl.Result)), ready <-chan struct{}, build func(*idl.Tx), next func() bool) (r idl.Result) {
	c.t.Helper()
	tx := &idl.Tx{}
	build(tx)
	done := false
	send(tx, func(res idl.Result) { r, done = res, true })
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for !done {
		for next() {
		}
		if done {
			break
		}
		select {
		case <-ready:
		case <-timeout.C:
			c.t.Fatal("no answer from ovsdb-server")
		}
	}
	return r
}

// run is one run of the engine.
func (c *Chassis) run(bring func()) {
	c.Ifaces.Begin()
	c.Tunnels.Begin()
	c.Ports.Begin()
	c.Local.Begin()
	bring()
	if c.OnRun != nil {
		c.OnRun()
	}
}

func (c *Chassis) update() {
	if c.Ifaces.Update() {
		c.Ports.UpdateIfaces()
	}
	if len(c.World.SBChanges.Chassis) > 0 {
		c.Ports.Recompute()
	}
	c.Ports.UpdateRows()
	if len(c.World.SBChanges.HAChassisGroup)+len(c.World.SBChanges.HAChassis) > 0 {
		c.Ports.UpdateGroups()
	}
	c.Local.UpdateRows()
	c.Local.UpdateRoots()
}

// logBook keeps the messages of a logger.
type logBook struct {
	mu    sync.Mutex
	lines []string // guarded by mu
}

func (l *logBook) Enabled(context.Context, slog.Level) bool { return true }

func (l *logBook) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, r.Level.String()+" "+r.Message)
	return nil
}

func (l *logBook) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *logBook) WithGroup(string) slog.Handler      { return l }

func (l *logBook) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := strings.Join(l.lines, "\n")
	l.lines = nil
	return s
}
