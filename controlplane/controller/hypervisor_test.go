package controller

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/coverage"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/central"
)

const (
	sbSchema  = central.SBSchema
	vswSchema = "/usr/share/openvswitch/vswitch.ovsschema"
)

// patience bounds every wait; a test that passes waits for nothing that long.
const patience = 60 * time.Second

// hypervisor is a Controller on real databases with a switch that acknowledges
// everything at once. It belongs to the test's goroutine.
type hypervisor struct {
	*Controller
	t   testing.TB
	log *strings.Builder

	rules   map[ir.RuleID]ir.Rule // what the deltas add up to
	meters  map[string]backend.Meter
	flushed []uint16
	forgot  []backend.Connection
	resets  int
	writes  int // transactions that the controller has sent; those that only tell of the generation do not count
	units   int // change sets that were taken

	ofports map[string]int64 // given to interfaces by name, as ovs-vswitchd would
	held    bool             // ovs-vswitchd is away
}

// localDB makes the Open_vSwitch database of a chassis.
func localDB(t testing.TB, externalIDs string) *ovsdbtest.Server {
	t.Helper()
	s := ovsdbtest.Start(t, vswSchema, "Open_vSwitch")
	s.Transact(`[{"op":"insert","table":"Open_vSwitch","row":{"external_ids":["map",[` + pairs(externalIDs) + `]],` +
		`"iface_types":["set",["geneve","vxlan","internal","patch"]]}}]`)
	return s
}

// physBridges makes two bridges of physical networks.
func physBridges(s *ovsdbtest.Server) {
	s.Transact(`[{"op":"insert","table":"Bridge","uuid-name":"b","row":{"name":"br-phys"}},` +
		`{"op":"insert","table":"Bridge","uuid-name":"o","row":{"name":"br-other"}},` +
		`{"op":"mutate","table":"Open_vSwitch","where":[],"mutations":[["bridges","insert",["set",[["named-uuid","b"],["named-uuid","o"]]]]]}]`)
}

// pairs turns "a=b c=d" into the items of a JSON map.
func pairs(text string) string {
	var items []string
	for _, w := range strings.Fields(text) {
		k, v, _ := strings.Cut(w, "=")
		items = append(items, fmt.Sprintf("[%q,%q]", k, v))
	}
	return strings.Join(items, ",")
}

// startChassis starts a controller on the databases and waits until it has the local one.
func startChassis(t testing.TB, sbServer, vswServer *ovsdbtest.Server) *hypervisor {
	t.Helper()
	return startChassisOf(t, sbServer.Remote, vswServer)
}

// startChassisOf is startChassis with the Southbound database's address.
func startChassisOf(t testing.TB, sbRemote string, vswServer *ovsdbtest.Server) *hypervisor {
	t.Helper()
	c := &hypervisor{t: t, log: &strings.Builder{}, rules: map[ir.RuleID]ir.Rule{}, meters: map[string]backend.Meter{}, ofports: map[string]int64{}}
	quiet := slog.New(slog.DiscardHandler)
	sbr := sb.NewReplica(sb.Config{SessionConfig: ovsdb.SessionConfig{Remote: sbRemote, Logger: quiet}})
	vswr := vsw.NewReplica(vsw.Config{SessionConfig: ovsdb.SessionConfig{Remote: vswServer.Remote, Logger: quiet}})
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { sbr.Run(ctx) })
	group.Go(func() { vswr.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		group.Wait()
		if t.Failed() {
			t.Logf("log of the controller:\n%s", c.log)
		}
	})
	c.await("the local database", vswr.Ready(), func() bool {
		for {
			if _, more := vswr.Next(); !more {
				return vswr.State().Connected
			}
		}
	})
	store := punt.NewMailbox()
	slow := punt.New(punt.Config{Switch: noSwitch{}, Store: store, Log: quiet})
	c.Controller = New(Config{SB: sbr, VSW: vswr, Hostname: "host-a", Send: c.take, SlowPath: slow, Store: store,
		Coverage: &coverage.Registry{}, Log: slog.New(slog.NewTextHandler(c.log, nil)), Now: time.Now})
	c.OnVSW(&vsw.Changes{})
	return c
}

// noSwitch takes the slow path's packets; none are sent here.
type noSwitch struct{}

func (noSwitch) PacketOut(punt.PacketOut)           {}
func (noSwitch) Resume(punt.PacketIn, punt.Verdict) {}

// take is the switch: it has every delta at once.
func (c *hypervisor) take(d backend.Delta) {
	c.t.Helper()
	if d.Reset {
		c.resets++
		clear(c.rules)
		clear(c.meters)
	}
	for _, id := range d.Del {
		if _, ok := c.rules[id]; !ok {
			c.t.Errorf("revision %d deletes rule %016x, which is not there", d.Revision, uint64(id))
		}
		delete(c.rules, id)
	}
	for _, r := range d.Put {
		if old, ok := c.rules[r.ID]; ok && old.Owner.Cookie() == r.Owner.Cookie() {
			c.t.Errorf("revision %d puts a rule that is there: %s", d.Revision, old)
		}
		c.rules[r.ID] = r
	}
	for _, name := range d.DelMeters {
		delete(c.meters, name)
	}
	for _, m := range d.Meters {
		c.meters[m.Name] = m
	}
	c.flushed = append(c.flushed, d.FlushZones...)
	c.forgot = append(c.forgot, d.FlushConnections...)
}

func (c *hypervisor) await(what string, ready <-chan struct{}, cond func() bool) {
	c.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for !cond() {
		select {
		case <-ready:
		case <-limit.C:
			c.t.Fatalf("waited %v for %s\nlog of the controller:\n%s", patience, what, c.log)
		}
	}
}

// turn is one turn of the engine goroutine's loop.
func (c *hypervisor) turn() {
	for more := true; more; {
		more = false
		if v, ok := c.cfg.VSW.Next(); ok {
			c.OnVSW(v)
			c.units++
			more = true
		}
		if s, ok := c.cfg.SB.Next(); ok {
			c.OnSB(s)
			c.units++
			more = true
		}
	}
	c.giveOfports()
	sbBusy, vswBusy := c.sbBusy, c.vswBusy
	c.Settle()
	if c.sbBusy && !sbBusy {
		c.writes++
	}
	if c.vswMatters && !vswBusy {
		c.writes++
	}
	if c.acked < c.rev {
		c.Acked(c.rev, nil)
		c.Settle()
	}
}

// until runs the controller until cond holds and nothing that it wrote is under way.
func (c *hypervisor) until(what string, cond func() bool) {
	c.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		c.turn()
		if !c.sbBusy && !c.vswBusy && cond() {
			return
		}
		var due <-chan time.Time
		if at := c.Wake(); !at.IsZero() {
			due = time.After(time.Until(at))
		}
		select {
		case <-c.cfg.SB.Ready():
		case <-c.cfg.VSW.Ready():
		case <-due:
		case <-limit.C:
			c.t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// caughtUp runs the controller until it has acknowledged nbCfg in the Southbound database.
func (c *hypervisor) caughtUp(nbCfg int64) {
	c.t.Helper()
	c.until(fmt.Sprintf("nb_cfg %d", nbCfg), func() bool {
		p := c.w.SB.ChassisPrivateByName.One(c.w.Config.Chassis)
		return p != nil && p.NBCfg >= nbCfg && c.complete && c.settled() && c.numbered()
	})
}

// quiet runs the controller until nothing changes any more, ovn-northd's answers to
// what it writes included.
func (c *hypervisor) quiet(d *central.Node) {
	c.t.Helper()
	for range 20 {
		writes, rev := c.writes, c.rev
		c.caughtUp(d.Configure("sync"))
		if c.rev == rev && c.writes <= writes+1 { // the one is nb_cfg
			return
		}
	}
	c.t.Fatal("the controller and ovn-northd do not come to rest")
}

// giveOfports does what ovs-vswitchd does: every interface of a bridge gets a number.
func (c *hypervisor) giveOfports() {
	if c.held {
		return
	}
	tx := &idl.Tx{}
	for row := range c.w.VSW.Interface.All() {
		if row.OFPort.OK {
			continue
		}
		n, ok := c.ofports[row.Name]
		if !ok {
			n = int64(len(c.ofports) + 1)
			c.ofports[row.Name] = n
		}
		tx.Update("Interface", row.UUID, map[string]any{"ofport": n})
	}
	if tx.Len() > 0 {
		c.cfg.VSW.Commit(tx, nil)
	}
}

func (c *hypervisor) numbered() bool {
	for row := range c.w.VSW.Interface.All() {
		if !row.OFPort.OK {
			return false
		}
	}
	return true
}

// changeVSW commits a change of the local database, as an operator makes it.
func (c *hypervisor) changeVSW(build func(tx *idl.Tx)) {
	c.t.Helper()
	c.commit(c.cfg.VSW.Commit, build)
}

// changeSB commits a change of the Southbound database, as another chassis makes it.
func (c *hypervisor) changeSB(build func(tx *idl.Tx)) {
	c.t.Helper()
	c.commit(c.cfg.SB.Commit, build)
}

func (c *hypervisor) commit(send func(*idl.Tx, func(idl.Result)), build func(tx *idl.Tx)) {
	c.t.Helper()
	tx := &idl.Tx{}
	build(tx)
	done := false
	send(tx, func(r idl.Result) {
		done = true
		if r.Err != nil {
			c.t.Fatalf("transaction: %v", r.Err)
		}
	})
	c.until("the transaction", func() bool { return done })
}

// plug makes an interface on a bridge for a logical port.
func (c *hypervisor) plug(lport string, more map[string]string) {
	c.t.Helper()
	ids := map[string]string{"iface-id": lport}
	maps.Copy(ids, more)
	c.changeVSW(func(tx *idl.Tx) {
		in := tx.Insert("Interface", map[string]any{"name": "if-" + lport, "external_ids": ids})
		port := tx.Insert("Port", map[string]any{"name": "if-" + lport, "interfaces": []any{in}})
		tx.Mutate("Bridge", c.w.Bridge().UUID, "ports", "insert", []any{port})
	})
}

// unplug removes it.
func (c *hypervisor) unplug(lport string) {
	c.t.Helper()
	port := c.w.VSW.PortByName.One("if-" + lport)
	c.changeVSW(func(tx *idl.Tx) { tx.Mutate("Bridge", c.w.Bridge().UUID, "ports", "delete", []ovsdb.UUID{port.UUID}) })
}

// plugged are the logical ports that have an interface here, sorted.
func (c *hypervisor) plugged() []string { return c.ifaces.LocalIDs() }

// text is all rules, one a line, sorted.
func (c *hypervisor) text() []string { return ruleLines(c.rules) }

func ruleLines(rules map[ir.RuleID]ir.Rule) []string {
	lines := make([]string, 0, len(rules))
	for _, r := range rules {
		lines = append(lines, r.String())
	}
	slices.Sort(lines)
	return lines
}

// difference lists the lines that only one of two sorted lists has, "-" for the first.
func difference(a, b []string) string {
	var out strings.Builder
	for len(a)+len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			fmt.Fprintf(&out, "- %s\n", a[0])
			a = a[1:]
		case len(a) == 0 || b[0] < a[0]:
			fmt.Fprintf(&out, "+ %s\n", b[0])
			b = b[1:]
		default:
			a, b = a[1:], b[1:]
		}
	}
	return out.String()
}
