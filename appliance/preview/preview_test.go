package preview

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/offload/flatten"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ssh is a change by which packets leave the hardware: those to a port of one VM are to be answered.
const ssh = `acl-add sw0 to-lport 1000 'outport == "vm2" && ip4 && tcp.dst == 22' reject`

// TestNorthboundChanges: what a change sends to the fallback is named, with the row to blame, and comes back when the change
// is taken back.
func TestNorthboundChanges(t *testing.T) {
	d := deploy(t)
	// The tools of OVN would ask this daemon, of whatever database it is.
	t.Setenv("OVN_NB_DAEMON", filepath.Join(t.TempDir(), "no-daemon"))
	p := d.plan(d.nbctl(`set logical_switch sw0 external_ids:mean=nothing`))
	if p.Worse() || p.JoiningPaths != 0 || p.Before != p.After || p.Before.Offloaded == 0 || p.Before.Fallback == 0 || p.Before.Needed.Entries == 0 {
		t.Errorf("a change without consequences:\n%s", p.Text())
	}
	if p.Mode.String() != "software" || p.Target != "test" || len(p.Warnings) != 0 {
		t.Errorf("of what: %s", p.Text())
	}

	p = d.plan(d.nbctl(ssh))
	for _, port := range []string{"if-vm1", "ovn-hv2-0"} {
		d.names(p, p.Leaving, port, "tcp.dst=22", "ls_out_acl", "reject", `outport == "vm2" && ip4 && tcp.dst == 22`)
	}
	if p.JoiningPaths != 0 || !slices.ContainsFunc(p.Reasons, func(r Reason) bool {
		return r.Code == "punt" && r.Stage == "ls_out_acl" && r.Before == 0 && r.After > 0
	}) {
		t.Errorf("got\n%s", p.Text())
	}

	d.commit(ssh)
	d.settle()
	q := d.plan(d.nbctl("acl-del sw0"))
	if q.Worse() || q.JoiningPaths == 0 || q.Before != p.After || q.After != p.Before {
		t.Errorf("it is not taken back:\n%s\nby\n%s", p.Text(), q.Text())
	}
	d.names(q, q.Joining, "if-vm1", "tcp.dst=22", "ls_out_acl", "reject", `outport == "vm2" && ip4 && tcp.dst == 22`)
	if q = d.plan(d.nbctl("--may-exist " + ssh + "\n# nothing\n\nls-add sw9")); q.Worse() || q.JoiningPaths != 0 {
		t.Errorf("what is there already:\n%s", q.Text())
	}
}

// names holds a list of moves of a plan to this: those of a port are among it, of such packets, with the rule to blame. There
// may be copies as well that are not followed any more: there are too many different ones.
func (d *deployment) names(p *Plan, list []Move, port, packets, stage, cause, match string) {
	d.Helper()
	found := false
	for _, m := range list {
		r := m.Before.Reason
		if r == nil {
			r = m.After.Reason
		}
		if r.Code == flatten.Flood.String() {
			continue
		}
		if !strings.Contains(m.Packets, packets) {
			d.Errorf("others move: %s", m.Packets)
		}
		found = found || m.Port == port && strings.Contains(m.Before.Actions+m.After.Actions, "to_port") && r.Code == "punt" &&
			strings.Contains(r.Cause, cause) && r.Origin.Stage == stage && r.Origin.Hint != "" && r.Origin.Match == match
	}
	if !found {
		d.Errorf("no packets from %s are said to move because of %s:\n%s", port, match, p.Text())
	}
}

// TestStatefulChanges: what goes through connection tracking after a change is followed into what comes behind it.
func TestStatefulChanges(t *testing.T) {
	d := deploy(t)
	const lb = "lb-add lb0 10.0.0.100:80 10.0.0.3:8080 tcp\nls-lb-add sw0 lb0"
	p := d.plan(d.nbctl(lb))
	if !p.Worse() {
		t.Errorf("a load balancer:\n%s", p.Text())
	}
	d.commit(lb)
	d.settle()
	if p = d.plan(d.nbctl("lb-del lb0")); p.Worse() || p.JoiningPaths == 0 {
		t.Errorf("without it:\n%s", p.Text())
	}
}

// TestSouthboundChanges: a transaction, and databases that were saved.
func TestSouthboundChanges(t *testing.T) {
	d := deploy(t)
	before := filepath.Join(t.TempDir(), "before.db")
	d.backup(before, d.sb)
	row := strings.TrimSpace(d.sbctl("--bare", "--columns=_uuid", "find", "Datapath_Binding", "external_ids:name=sw0"))
	logged := `[{"op":"insert","table":"Logical_Flow","row":{"logical_datapath":["uuid","` + row + `"],"pipeline":"egress","table_id":5,"priority":2000,
		"match":"outport == \"vm2\" && udp.dst == 53","actions":"log(verdict=allow, severity=info); next;","external_ids":["map",[["stage-name","ls_out_qos_mark"],["stage-hint","c0ffee00"]]]}}]`
	c, err := Southbound("change.json", []byte(logged))
	if err != nil {
		t.Fatal(err)
	}
	p := d.plan(c, func(o *Options) { o.NB = "" }) // it is not asked
	d.names(p, p.Leaving, "if-vm1", "udp.dst=53", "ls_out_qos_mark", "log", `outport == "vm2" && udp.dst == 53`)
	c, err = Southbound("change.json", []byte(strings.ReplaceAll(logged, "verdict=allow, ", "")))
	if err != nil {
		t.Fatal(err)
	}
	if q := d.plan(c); q.Worse() || len(q.Warnings) != 1 || !strings.Contains(q.Warnings[0], "logical flows would not wholly be in force") || !strings.Contains(q.Warnings[0], "verdict") {
		t.Errorf("actions that are wrong:\n%s", q.Text())
	}
	d.endNorthd() // it would take the flow away
	d.sb.Transact(logged)
	after, local := filepath.Join(t.TempDir(), "after.db"), filepath.Join(t.TempDir(), "local.db")
	d.backup(after, d.sb)
	d.backup(local, d.local)
	back := d.plan(Saved{before})
	if back.Worse() || back.JoiningPaths == 0 || back.After != p.Before {
		t.Errorf("back to what was saved:\n%s", back.Text())
	}
	d.names(back, back.Joining, "if-vm1", "udp.dst=53", "ls_out_qos_mark", "log", `outport == "vm2" && udp.dst == 53`)
	// Without anything that runs.
	saved := func(o *Options) { o.Base, o.Local, o.NB = before, local, "" }
	if q := d.plan(Saved{after}, saved); q.LeavingPaths != p.LeavingPaths || q.Before != p.Before || q.After != p.After {
		t.Errorf("saved ones:\n%s\nnot\n%s", q.Text(), p.Text())
	}
	if q := d.plan(Saved{before}, saved); q.Worse() || q.JoiningPaths != 0 || q.Before != q.After {
		t.Errorf("one with itself:\n%s", q.Text())
	}
	// A file of a member of a cluster.
	cluster := filepath.Join(t.TempDir(), "cluster.db")
	if err := run(d.ctx(), os.Stderr, "ovsdb-tool", "create-cluster", cluster, after, "tcp:127.0.0.1:6644"); err != nil {
		t.Fatal(err)
	}
	if q := d.plan(Saved{cluster}, saved); q.LeavingPaths != p.LeavingPaths || q.After != p.After {
		t.Errorf("from a cluster:\n%s", q.Text())
	}
}

// backup saves a database as operators do.
func (d *deployment) backup(file string, s *ovsdbtest.Server) {
	d.Helper()
	f, err := os.Create(file)
	if err == nil {
		defer f.Close()
		err = run(d.ctx(), f, "ovsdb-client", "backup", s.Remote, s.Database)
	}
	if err != nil {
		d.Fatal(err)
	}
}

func (d *deployment) sbctl(args ...string) string {
	d.Helper()
	var out bytes.Buffer
	if err := run(d.ctx(), &out, "ovn-sbctl", append([]string{"--db=" + d.sb.Remote}, args...)...); err != nil {
		d.Fatal(err)
	}
	return out.String()
}

// TestRoom: what is needed is told whatever there is.
func TestRoom(t *testing.T) {
	d := deploy(t)
	p := d.plan(d.nbctl("set logical_switch sw0 external_ids:mean=nothing"))
	small := d.plan(d.nbctl("set logical_switch sw0 external_ids:mean=nothing"), func(o *Options) { o.Caps.Entries = p.After.Needed.Entries / 2 })
	if small.After.Needed != p.After.Needed || small.After.Offloaded >= p.After.Offloaded || small.Worse() || len(small.Warnings) != 1 || !strings.Contains(small.Warnings[0], "room for") {
		t.Errorf("half the room:\n%s", small.Text())
	}
	if !strings.Contains(small.Text(), fmt.Sprintf("room for %d entries in any number of tables", p.After.Needed.Entries/2)) {
		t.Errorf("it is not told:\n%s", small.Text())
	}
	for _, r := range small.Reasons {
		if r.Code == plan.Room.String() {
			return
		}
	}
	t.Errorf("no path lacks room:\n%s", small.Text())
}

// TestRefused: what cannot be planned is refused with the words of who refuses it, and a way out.
func TestRefused(t *testing.T) {
	d := deploy(t)
	nb := filepath.Join(t.TempDir(), "nb.db")
	d.backup(nb, d.nb)
	nowhere := "unix:" + filepath.Join(t.TempDir(), "nowhere.sock")
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	sb := func(text string) func() (Change, error) {
		return func() (Change, error) { return Southbound("change.json", []byte(text)) }
	}
	nbctl := func(text string) func() (Change, error) {
		return func() (Change, error) { return ParseCommands("change.txt", text) }
	}
	none := func(*Options) {}
	for _, x := range []struct {
		name   string
		change func() (Change, error)
		set    func(*Options)
		want   []string
	}{
		{"no JSON", sb("[{\n]"), none, []string{"change.json is no transaction", "line 2"}},
		{"no operations", sb(`["OVN_Southbound"]`), none, []string{"change.json has no operations"}},
		{"another database", sb(`["OVN_Northbound",{"op":"abort"}]`), none, []string{"transaction of the database OVN_Northbound, not of OVN_Southbound"}},
		{"unknown table", sb(`["OVN_Southbound",{"op":"comment","comment":"x"},{"op":"insert","table":"Nothing","row":{}}]`), none,
			[]string{"change.json: OVN_Southbound refuses operation 2 of 2: ", "No table named Nothing"}},
		{"constraint", sb(`[{"op":"insert","table":"Chassis","row":{"name":"hv3","encaps":["uuid","6089c4ce-d52a-425d-93be-5262bf0e4fd5"]}}]`), none,
			[]string{"OVN_Southbound refuses the operations together: referential integrity violation: ", "references nonexistent row"}},
		{"open quote", nbctl("ls-add sw7\nls-add 'sw8"), none, []string{"change.txt, line 2: a ' is not closed"}},
		{"no commands", nbctl("\n# ls-add\n"), none, []string{"change.txt has no commands"}},
		{"unknown command", nbctl("frobnicate"), none, []string{"ovn-nbctl: ", "unknown command 'frobnicate'"}},
		{"unknown switch", nbctl("lsp-add nothing vm7"), none, []string{"ovn-nbctl: ", "nothing: switch name not found"}},
		{"no Northbound database", nbctl("ls-add sw7"), func(o *Options) { o.NB = "" }, []string{"name it with --nb"}},
		{"no server", nbctl("ls-add sw7"), func(o *Options) { o.NB = nowhere }, []string{"OVN_Northbound database " + nowhere, "failed to connect"}},
		{"no file", sb(`[{"op":"abort"}]`), func(o *Options) { o.Base = "/nowhere.db" }, []string{"OVN_Southbound database: open /nowhere.db", "unix:FILE"}},
		{"no database", sb(`[{"op":"abort"}]`), func(o *Options) { o.Base = text }, []string{text + ": it is no database file", "ovsdb-tool: "}},
		{"wrong database", sb(`[{"op":"abort"}]`), func(o *Options) { o.Base = nb }, []string{nb + ": it holds the database OVN_Northbound, not OVN_Southbound"}},
	} {
		c, err := x.change()
		if err == nil {
			_, err = d.try(c, x.set)
		}
		for _, want := range x.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", x.name, err, want)
			}
		}
	}

	d.local.Transact(`[{"op":"mutate","table":"Open_vSwitch","where":[],"mutations":[["external_ids","delete",["set",["sluice-offload"]]]]}]`)
	if _, err := d.try(d.nbctl("ls-add sw7")); err == nil || !strings.Contains(err.Error(), "before the change: nothing is offloaded on this chassis") || !strings.Contains(err.Error(), "switched off") {
		t.Errorf("off: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := d.try(d.nbctl("ls-add sw7")); err == nil || !strings.Contains(err.Error(), "a plan needs ovsdb-client, which is not there: install the Debian package openvswitch-common") {
		t.Errorf("without programs: %v", err)
	}
}
