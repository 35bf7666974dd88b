package admin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/fallback/ovs"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/offload/tc/netdev"
)

// bare is a chassis of which only the offload runs.
type bare struct{ offload *reconcile.Reconciler }

func (*bare) Controller() *controller.Controller { return nil }
func (*bare) Switch() *ovs.Backend               { return nil }
func (*bare) SlowPath() *punt.SlowPath           { return nil }
func (b *bare) Offload() *reconcile.Reconciler   { return b.offload }
func (*bare) NetworkDevices(context.Context) (*netdev.Inventory, error) {
	return nil, errors.ErrUnsupported
}
func (*bare) Metrics() Listener                      { return Listener{} }
func (*bare) Exit(context.Context, bool) error       { return errors.New("it does not run") }
func (b *bare) start(r *reconcile.Reconciler) func() { return func() { b.offload = r } }

// TestOffloadSocket asks over a control socket from the start on to packets that are counted.
func TestOffloadSocket(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	queue, changes, chassis := unixctl.NewQueue(), reconcile.NewMailbox(), &bare{}
	r := reconcile.New(reconcile.Config{Target: &nic{}, Changes: changes, Acked: func(backend.Revision) {}, Log: slog.New(slog.DiscardHandler)})
	commands := &unixctl.Commands{}
	commands.Register(Commands(chassis, queue)...)
	socket := filepath.Join(t.TempDir(), "ctl")
	server, err := unixctl.Listen(unixctl.Config{Path: socket, Commands: commands})
	if err != nil {
		t.Fatal(err)
	}
	running.Go(func() { server.Serve(ctx) })
	running.Go(func() {
		for {
			select {
			case f := <-queue.C():
				f()
			case <-ctx.Done():
				return
			}
		}
	})
	ask := func(command ...string) string {
		t.Helper()
		text, err := unixctl.Call(ctx, socket, command[0], command[1:]...)
		if err != nil {
			return "error: " + err.Error()
		}
		return text
	}
	has := func(want string, command ...string) {
		t.Helper()
		if got := ask(command...); !strings.Contains(got, want) {
			t.Errorf("%q: no %q in\n%s", command, want, got)
		}
	}

	for _, command := range [][]string{{"offload/status"}, {"offload/caps"}, {"offload/explain", "vif1"}} {
		has("offload:           none: the local Open_vSwitch database has not been read yet\n", command...)
	}
	if err := queue.Do(ctx, chassis.start(r)); err != nil {
		t.Fatal(err)
	}
	running.Go(func() { r.Run(ctx) })
	for _, command := range [][]string{{"offload/status"}, {"offload/caps"}, {"offload/explain", "vif1"}, {"offload/explain", `inport=="vif1"`}} {
		has("none: it is switched off", command...)
	}

	changes.Send(backend.Delta{Revision: 17, Put: pipeline(t), Reset: true, Complete: true}, setting())
	var s OffloadStatus
	for start := time.Now(); s.Traffic.Hardware.Packets == 0; {
		raw, err := unixctl.CallJSON(ctx, socket, "offload/status")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("no packets are counted: %s", raw)
		}
	}
	if s.Target != "nic0" || s.Mode.String() != "hardware" || s.Revision != 17 || s.Total != (OffloadPaths{10, 18}) || len(s.Ports) != 2 || s.Ports[0].Name != "vif1" {
		t.Errorf("status: %+v", s)
	}
	// Nobody is there who knows names.
	has("names:             numbers of stages are in place of some names: the local", "offload/status")
	has("probed:            nic of tests, firmware 3\n", "offload/caps")
	has("what:              packets that come in by port vif1 (OpenFlow port 1)\n", "offload/explain", "vif1")
	has("Logical_Flow 1f2e3d4c-0001-0000-0000-000000000000", "offload/explain", "1f2e3d4c")
	has("error: offload/explain: the local Open_vSwitch database has not been read yet", "offload/explain", `inport=="vif1"`)
	has(`error: offload/explain: connection state "nonsense": no flag "nonsense"`, "offload/explain", `inport=="vif1"`, "nonsense")
	has("error: offload/explain: connection states are for microflows only", "offload/explain", "vif1", "new")
	has(`error: offload/explain: "nope" is no interface`, "offload/explain", "nope")
}
