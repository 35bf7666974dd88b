package rows_test

import (
	"context"
	"log/slog"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

const schemaPath = "/usr/share/openvswitch/vtep.ovsschema" // Debian package openvswitch-vtep

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a replica until the test ends.
func start(t *testing.T, remote string) (r *rows.Replica, until func(what string, cond func() bool)) {
	t.Helper()
	r = rows.NewReplica(rows.Config{SessionConfig: ovsdb.SessionConfig{Remote: remote, Logger: slog.New(slog.DiscardHandler)}})
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-end
	})
	return r, func(what string, cond func() bool) {
		t.Helper()
		deadline := time.After(time.Minute)
		for !cond() {
			select {
			case <-r.Ready():
			case <-deadline:
				t.Fatalf("waited a minute for %s; %+v", what, r.State())
			}
			for _, ok := r.Next(); ok; _, ok = r.Next() {
			}
		}
	}
}

// vtepctl runs vtep-ctl(8), the operator's tool.
func vtepctl(t *testing.T, remote string, args ...string) string {
	t.Helper()
	out, err := exec.Command("vtep-ctl", append([]string{"--db=" + remote, "--no-syslog", "--timeout=30"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("vtep-ctl %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// What vtep-ctl writes is read, and what a controller writes vtep-ctl reads. Nothing that tables.txt names is unknown to the server.
func TestVTEPCtl(t *testing.T) {
	capability.Need(t, "ovs", schemaPath, "vtep-ctl")
	s := ovsdbtest.Start(t, schemaPath, "hardware_vtep")
	r, until := start(t, s.Remote)
	vtepctl(t, s.Remote, "add-ps", "sw1", "--", "set", "Physical_Switch", "sw1", "tunnel_ips=192.0.2.1", "--",
		"add-port", "sw1", "p1", "--", "add-ls", "ls1", "--", "bind-ls", "sw1", "p1", "5", "ls1", "--",
		"add-ucast-local", "ls1", "00:00:00:00:00:01", "192.0.2.1")
	db := r.DB()
	until("what vtep-ctl wrote", func() bool { return db.UcastMacsLocal.Len() == 1 })
	if missing := r.State().Missing; len(missing) > 0 {
		t.Errorf("the installed schema lacks %v", missing)
	}
	sw, ls := db.PhysicalSwitchByName.One("sw1"), db.LogicalSwitchByName.One("ls1")
	if sw == nil || ls == nil || !slices.Equal(sw.TunnelIPs, []string{"192.0.2.1"}) || len(sw.Ports) != 1 {
		t.Fatalf("switch %+v, logical switch %+v", sw, ls)
	}
	if p := db.PhysicalPort.Get(sw.Ports[0]); p.Name != "p1" || p.VLANBindings[5] != ls.UUID {
		t.Errorf("port %+v", p)
	}
	for m := range db.UcastMacsLocal.All() {
		if m.MAC != "00:00:00:00:00:01" || m.LogicalSwitch != ls.UUID || db.PhysicalLocator.Get(m.Locator).DstIP != "192.0.2.1" {
			t.Errorf("local MAC %+v", m)
		}
	}

	var tx idl.Tx
	locator := tx.Insert("Physical_Locator", map[string]any{"encapsulation_type": "vxlan_over_ipv4", "dst_ip": "192.0.2.9"})
	set := tx.Insert("Physical_Locator_Set", map[string]any{"locators": locator})
	tx.Insert("Mcast_Macs_Remote", map[string]any{"MAC": "unknown-dst", "logical_switch": ls.UUID, "locator_set": set})
	tx.Insert("Ucast_Macs_Remote", map[string]any{"MAC": "00:00:00:00:00:02", "logical_switch": ls.UUID, "locator": locator, "ipaddr": "10.0.0.2"})
	tx.Update("Logical_Switch", ls.UUID, map[string]any{"tunnel_key": 7, "replication_mode": "source_node"})
	var res *idl.Result
	r.Commit(&tx, func(got idl.Result) { res = &got })
	until("the result", func() bool { return res != nil })
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	got := vtepctl(t, s.Remote, "list-remote-macs", "ls1")
	for _, want := range []string{"00:00:00:00:00:02 -> vxlan_over_ipv4/192.0.2.9", "unknown-dst -> vxlan_over_ipv4/192.0.2.9"} {
		if !strings.Contains(got, want) {
			t.Errorf("vtep-ctl shows\n%s\nnot %q", got, want)
		}
	}
	if got := vtepctl(t, s.Remote, "get", "Logical_Switch", "ls1", "tunnel_key"); got != "7" {
		t.Errorf("tunnel key %q", got)
	}
}
