package vtepserve_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/appliance/vtepserve"
	"github.com/sluice-gw/sluice/appliance/vtepserve/plan"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/testkit/journal"
	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/vlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	vtepSchema = "/usr/share/openvswitch/vtep.ovsschema" // Debian package openvswitch-vtep
	tunnelIP   = "192.0.2.1"
	bridge     = "sw1"
)

// rig is a switch with a real Open vSwitch and a real database server. Its port is p1.
type rig struct {
	*testing.T
	ovs *vswitch.Switch
	dir string
	db  vtepserve.Database // what each run starts with
	log journal.Journal
	// readings is the time between two of them while Open vSwitch tells of what it learns; 0: as it is.
	readings time.Duration

	stop func() // of the run
}

func newRig(t *testing.T) *rig {
	t.Helper()
	t.Parallel() // they wait more than they work
	capability.Need(t, "ovs", vtepSchema, "vtep-ctl", "ovsdb-tool", "ovsdb-server")
	r := &rig{T: t, ovs: vswitch.Start(t)}
	r.dir = r.ovs.RunDir
	r.db = vtepserve.Database{File: filepath.Join(r.dir, "vtep.db"), Schema: vtepSchema, Socket: filepath.Join(r.dir, "vtep.sock"), Control: filepath.Join(r.dir, "vtep.ctl")}
	r.ovs.AddBridge(bridge)
	r.ovs.Vsctl("remove", "bridge", bridge, "fail_mode", "secure") // as operators leave it
	r.ovs.AddPort(bridge, "p1", "1")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%s", r.log.String())
		}
	})
	return r
}

// options are those of a run.
func (r *rig) options() vtepserve.Options {
	db := vtepserve.Database{File: r.db.File, Schema: r.db.Schema, Socket: r.db.Socket, Control: r.db.Control, Remotes: r.db.Remotes, TLS: r.db.TLS}
	opt := vtepserve.Options{Database: &db, Unixctl: filepath.Join(r.dir, "ctl"), Version: "test\n",
		Log: vlog.New(vlog.Config{Program: "sluice-vtep", Console: &r.log}),
		Switch: vtepserve.SwitchConfig{Database: db.Remote(), OVS: r.ovs.DBSock, OpenFlow: "unix:" + r.ovs.Mgmt(bridge),
			Plan: plan.Config{Name: bridge, Description: "a switch", TunnelIP: netip.MustParseAddr(tunnelIP), ManagementIPs: []string{"192.0.2.101"}, Bridge: bridge}}}
	opt.Switch.ReadEach(r.readings)
	return opt
}

// start runs the switch until stop is called or the test ends.
func (r *rig) start() {
	r.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, end := make(chan struct{}), make(chan error, 1)
	go func() { end <- vtepserve.Run(ctx, r.options(), func() error { close(ready); return nil }) }()
	r.stop = sync.OnceFunc(func() { cancel(); <-end })
	r.Cleanup(r.stop)
	select {
	case <-ready:
	case err := <-end:
		end <- err
		r.Fatal(err)
	}
}

func (r *rig) status() (s vtepserve.Status) {
	r.Helper()
	text, err := unixctl.CallJSON(r.Context(), filepath.Join(r.dir, "ctl"), "status")
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		r.Fatal(err)
	}
	return s
}

// until waits for a condition.
func (r *rig) until(what string, cond func() bool) {
	r.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !cond(); <-tick.C {
		if time.Now().After(end) {
			r.Fatalf("waited a minute for %s\n%s", what, r.status().Text())
		}
	}
}

// ctl is vtep-ctl, the operator's tool.
func (r *rig) ctl(args ...string) string {
	r.Helper()
	out, err := r.tryCtl(r.db.Remote(), args...)
	if err != nil {
		r.Fatalf("vtep-ctl %q: %v: %s", args, err, out)
	}
	return out
}

func (r *rig) tryCtl(remote string, args ...string) (string, error) {
	cmd := exec.Command("vtep-ctl", append([]string{"--db=" + remote, "--no-syslog", "--timeout=20"}, args...)...)
	cmd.Env = append(os.Environ(), "OVS_RUNDIR="+r.dir)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// reads waits until vtep-ctl prints a text. It fails while the switch is not in its database yet.
func (r *rig) reads(want string, args ...string) {
	r.Helper()
	r.until(want+" from vtep-ctl "+strings.Join(args, " "), func() bool {
		got, err := r.tryCtl(r.db.Remote(), args...)
		return err == nil && got == want
	})
}

// bind makes a logical switch with a tunnel key, and binds a VLAN of p1 to it.
func (r *rig) bind(name, key, vlan string) {
	r.Helper()
	r.reads("p1", "list-ports", bridge)
	r.ctl("add-ls", name, "--", "set", "Logical_Switch", name, "tunnel_key="+key, "--", "bind-ls", bridge, "p1", vlan, name)
	r.until("logical switch "+name, func() bool { return r.view(name) != nil })
}

// view is a logical switch in the status.
func (r *rig) view(name string) *plan.LogicalSwitchView {
	all := r.status().LogicalSwitches
	if i := slices.IndexFunc(all, func(v plan.LogicalSwitchView) bool { return v.Name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// receive has the port receive a frame from a station, tagged with a VLAN unless that is 0.
func (r *rig) receive(port, mac string, vlan uint16) {
	r.Helper()
	tag := ""
	if vlan != 0 {
		tag = "8100" + string(hex4(vlan))
	}
	r.ovs.Appctl("netdev-dummy/receive", port, "ffffffffffff"+strings.ReplaceAll(mac, ":", "")+tag+"88b5"+strings.Repeat("00", 50))
}

func hex4(v uint16) []byte {
	const digits = "0123456789abcdef"
	return []byte{digits[v>>12], digits[v>>8&15], digits[v>>4&15], digits[v&15]}
}

// problem tells whether the status has a problem of a code.
func (r *rig) problem(code string) bool {
	return slices.ContainsFunc(r.status().Problems, func(p plan.Problem) bool { return p.Code == code })
}
