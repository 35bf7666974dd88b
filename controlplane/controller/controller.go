// Package controller is a chassis: it wires the nodes into one engine, feeds it the
// change sets of the Southbound and Open_vSwitch databases, and hands out what
// follows: deltas of rules, transactions, conditions, acknowledgements.
//
// Everything here runs on one goroutine, the engine goroutine; appliance/run owns
// it and the goroutines around it.
package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/engine"
	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/bridge"
	"github.com/sluice-gw/sluice/controlplane/node/chassis"
	"github.com/sluice-gw/sluice/controlplane/node/config"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/controlplane/node/encap"
	"github.com/sluice-gw/sluice/controlplane/node/hairpin"
	"github.com/sluice-gw/sluice/controlplane/node/iface"
	"github.com/sluice-gw/sluice/controlplane/node/logical"
	"github.com/sluice-gw/sluice/controlplane/node/macs"
	"github.com/sluice-gw/sluice/controlplane/node/physical"
	"github.com/sluice-gw/sluice/controlplane/node/rules"
	"github.com/sluice-gw/sluice/controlplane/node/zones"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/coverage"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/isolate"
	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// Config is what a Controller works with.
type Config struct {
	SB       *sb.Replica
	VSW      *vsw.Replica
	NameFlag string // -n: the chassis name, instead of system-id
	Hostname string
	Send     func(backend.Delta)
	// Offload takes what the targets of the offload need: rules as Send, in slices of its own, and what they
	// may do; nil for no targets. While nothing is to be offloaded, there are no rules.
	Offload func(backend.Delta, device.Setting)
	// AskUse has the targets asked how long ago the rules of node/aging's stages matched packets; the answer goes to
	// Controller.Used. nil: nobody can tell.
	AskUse   func()
	Busy     func() bool // whether a target has not taken yet what was sent; nil for never
	SlowPath *punt.SlowPath
	Store    *punt.Mailbox // what the slow path learned
	Coverage *coverage.Registry
	Log      *slog.Logger
	Now      func() time.Time
}

// Controller is the chassis. It belongs to the engine goroutine.
type Controller struct {
	cfg Config
	w   *node.World

	engine   *engine.Engine
	inSB     *engine.Node
	inVSW    *engine.Node
	inSwitch *engine.Node
	set      *rules.Set
	ifaces   *iface.Table
	tunnels  *encap.Tunnels
	ports    *binding.Ports
	local    *datapath.Local
	zones    *zones.Zones
	devices  *device.Devices
	hand     handovers
	chassis  *chassis.Chassis
	bridge   *bridge.Bridge
	logical  *logical.Logical
	phys     *physical.Physical
	macs     *macs.MACs
	hairpin  *hairpin.Hairpin
	acks     *acks
	side     sideNodes

	rev       backend.Revision // of the last delta sent
	acked     backend.Revision
	release   string
	complete  bool
	resend    string // why all rules must be sent again; "" for no
	condText  string // conditions asked for last, as text
	condDirty bool   // they may be others now
	condSeq   uint64
	sbBusy    bool               // a transaction is in flight
	isolation *isolate.Isolation // of what the Southbound database refuses
	vswBusy   bool
	// vswMatters: the transaction in flight does more than to tell what was done, so
	// nothing is acknowledged before it is committed.
	vswMatters bool
	wake       time.Time // when damped claims are due
	paused     bool
	sbGone     bool // the Southbound database is not connected
	vswSchema  *schema.Database
	failures   []backend.Failure
	sbErr      string
	vswErr     string
	sbPause    time.Time // no transaction before; zero for none
	vswPause   time.Time
	exit       *exit // nil while nobody has asked for one
	nbCfg      reportDelay
	events     events

	metersChanged  bool
	devicesChanged bool // the devices must be looked at again
	offloadChanged bool // the targets of the offload have not been told of what they may do
}

// New makes a controller that has seen nothing yet.
func New(cfg Config) *Controller {
	w := &node.World{SB: cfg.SB.DB(), VSW: cfg.VSW.DB(), SBChanges: &sb.Changes{}, VSWChanges: &vsw.Changes{}, Now: cfg.Now, Log: cfg.Log}
	c := &Controller{cfg: cfg, w: w, engine: engine.New(cfg.Now), set: rules.NewSet(), condDirty: true, events: newEvents(cfg.Coverage)}
	c.readConfig()
	c.ifaces = iface.New(w)
	c.tunnels = encap.New(w, c.ifaces)
	c.ports = binding.New(w, c.ifaces, c.tunnels)
	c.local = datapath.New(w, c.ports)
	c.zones = zones.New(w, c.ports, c.local)
	c.zones.SetLimitable(func() bool { return columnMax(cfg.VSW.State().Database, "CT_Zone", "limit") > 0 })
	c.devices = device.New(w, c.ifaces)
	c.chassis = chassis.New(w)
	c.chassis.Schema = func() string { return cfg.SB.State().Schema }
	c.bridge = bridge.New(w, c.ports, c.local)
	c.bridge.MaxPrefixes = func() int { return columnMax(cfg.VSW.State().Database, "Flow_Table", "prefixes") }
	c.logical = logical.New(logical.Inputs{World: w, Ports: c.ports, Local: c.local, Ifaces: c.ifaces, Tunnels: c.tunnels,
		Unsupported: punt.Unsupported, Early: c.sendEarly}, c.set)
	c.phys = physical.New(physical.Inputs{World: w, Ports: c.ports, Local: c.local, Tunnels: c.tunnels, Ifaces: c.ifaces, Zones: c.zones}, c.set)
	c.macs = macs.New(w, c.local, c.set)
	c.hairpin = hairpin.New(w, c.local, c.set)
	c.acks = newAcks(c)
	c.isolation = isolate.New(w.Now, c.refuse)
	c.side = c.newSideNodes()
	c.wire()
	return c
}

// readConfig reads the configuration; it tells whether it changed.
func (c *Controller) readConfig() bool {
	src := config.Source{NameFlag: c.cfg.NameFlag, Hostname: c.cfg.Hostname}
	for row := range c.w.VSW.OpenVSwitch.All() {
		src.ExternalIDs, src.IfaceTypes = row.ExternalIDs, row.IfaceTypes
	}
	now := config.Read(src)
	if c.w.Config != nil && now.Equal(c.w.Config) {
		return false
	}
	for _, p := range now.Problems {
		level := slog.LevelWarn
		if p.Needless {
			level = slog.LevelInfo
		}
		c.w.Log.Log(context.Background(), level, p.Text)
	}
	c.w.Config = &now
	return true
}

// Configuration is the configuration in force.
func (c *Controller) Configuration() *config.Config { return c.w.Config }

// OnVSW takes the next change set of the local database.
func (c *Controller) OnVSW(ch *vsw.Changes) {
	c.w.VSWChanges = ch
	c.inVSW.Touch()
	c.run()
	c.w.VSWChanges = &vsw.Changes{}
}

// OnSB takes the next change set of the Southbound database.
func (c *Controller) OnSB(ch *sb.Changes) {
	c.w.SBChanges = ch
	c.inSB.Touch()
	c.run()
	c.w.SBChanges = &sb.Changes{}
}

// Switch tells whether the switch is connected; as long as nobody says so, it is.
func (c *Controller) Switch(connected bool) {
	c.ports.SetSwitch(connected)
	c.inSwitch.Touch()
	c.run()
}

// run brings every node up to date and remembers who waits for the result.
func (c *Controller) run() {
	c.begin()
	c.engine.Run()
	c.count()
	ch := c.w.SBChanges
	c.metersChanged = c.metersChanged || len(ch.Meter)+len(ch.MeterBand) > 0
	if len(c.local.Added)+len(c.local.Removed)+len(c.ifaces.Changed)+len(ch.Chassis)+len(c.w.VSWChanges.OpenVSwitch) > 0 {
		c.condDirty = true
	}
	vsw := c.w.VSWChanges
	c.devicesChanged = c.devicesChanged || len(vsw.Interface)+len(vsw.Port)+len(vsw.Bridge)+len(vsw.Mirror)+len(vsw.OpenVSwitch)+len(ch.DatapathBinding) > 0 ||
		c.offloadRows()
	c.acks.observe()
}

// Settle sends and writes what follows from all changes so far. The owner calls it
// when no change set is waiting, so that a storm of them becomes one delta.
func (c *Controller) Settle() {
	if c.exit != nil {
		c.withdraw()
		return
	}
	if c.paused {
		return
	}
	c.follow()
	c.setConditions()
	c.followDevices()
	c.sendRules()
	c.tellOffload()
	c.side.tell()
	c.write()
}

// follow notices what is no row: the connection and the release of ovn-northd.
func (c *Controller) follow() {
	c.sbGone = !c.cfg.SB.State().Connected
	if db := c.cfg.VSW.State().Database; db != c.vswSchema { // Open vSwitch was upgraded
		c.vswSchema = db
		c.bridge.Invalidate()
		c.zones.Relimit()
	}
	for g := range c.w.SB.SBGlobal.All() {
		if v := g.Options["northd_internal_version"]; v != c.release {
			if c.release != "" {
				c.w.Log.Info("ovn-northd is now version " + v)
			}
			if c.rev > 0 { // table numbers and conventions may be others
				c.resend = "ovn-northd changed from version " + c.release + " to " + v
			}
			c.release = v
		}
	}
}

func (c *Controller) setConditions() {
	if !c.condDirty {
		return
	}
	c.condDirty = false
	conds := c.conditions()
	text := conditionText(conds)
	if text == c.condText {
		return
	}
	c.condText = text
	c.condSeq = c.cfg.SB.SetConditions(conds)
}

// settled tells whether the replica holds all rows that were asked for.
func (c *Controller) settled() bool {
	s := c.cfg.SB.State()
	return s.Connected && s.Conditions >= c.condSeq
}

// ready tells whether the rules are whole: nothing may be removed from the switch
// before.
func (c *Controller) ready() bool {
	return c.settled() && c.w.Self() != nil && c.w.Bridge() != nil
}

func (c *Controller) sendRules() {
	if c.resend != "" {
		c.w.Log.Info("sending all rules again: " + c.resend)
		c.set.Reset()
		c.engine.ForceAll(c.resend)
		c.run()
	}
	d := backend.Delta{Release: c.release, Reset: c.resend != "" || c.rev == 0}
	if !c.complete && c.ready() {
		c.complete = true
		d.Complete = true
		// Only now is it known which conntrack zones nobody needs any more.
		c.zones.Known()
	}
	if c.rev == 0 && !d.Complete { // nothing is of use to the switch yet
		return
	}
	c.send(d)
}

// sendEarly sends the rules computed so far while the first ones are being
// computed: a target that has nothing yet can begin with them.
func (c *Controller) sendEarly() {
	if c.complete || c.resend != "" || c.release == "" || !c.settled() || c.w.Bridge() == nil {
		return
	}
	if c.cfg.Busy == nil || !c.cfg.Busy() {
		c.send(backend.Delta{Release: c.release, Reset: c.rev == 0})
	}
}

func (c *Controller) send(d backend.Delta) {
	d.FlushZones = c.zones.TakeFlush()
	if c.complete { // before, what is missing may only not have arrived
		d.FlushConnections = c.hairpin.TakeForgotten()
	}
	d.Meters, d.DelMeters = c.acks.meters(d.Reset)
	nothing := len(d.FlushZones)+len(d.FlushConnections)+len(d.Meters)+len(d.DelMeters) == 0
	if nothing && !c.set.Pending() && !d.Complete && !d.Reset && !c.hand.changed {
		return
	}
	d.Complete = c.complete
	c.set.Take(&d)
	c.rev++
	d.Revision = c.rev
	c.resend = ""
	c.sendOffload(d)
	c.hand.add(&d)
	c.cfg.Send(d)
}

// Acked takes the targets' acknowledgement of a revision.
func (c *Controller) Acked(rev backend.Revision, failures []backend.Failure) {
	c.acked = rev
	c.failures = failures
	c.acks.release(rev)
}

// Resend makes all rules be sent again.
func (c *Controller) Resend(why string) { c.resend = why }

// Recompute computes everything anew.
func (c *Controller) Recompute(cause string) {
	c.engine.ForceAll(cause)
	c.tunnels.Invalidate()
	c.bridge.Invalidate()
	c.run()
}

// Wake is when Settle must be called next though nothing has changed; zero for never.
func (c *Controller) Wake() time.Time { return c.wake }

// retryPause is how long a database is left alone after it refused a transaction:
// the next one will very likely be the same.
const retryPause = time.Second

// write commits what the nodes want to be different in the databases. One
// transaction is in flight for each at a time: the next is made from what the
// replica then holds.
func (c *Controller) write() {
	c.wake = c.side.askUse()
	if s := c.cfg.VSW.State(); s.Connected && !c.vswBusy && c.due(c.vswPause) {
		tx := &idl.Tx{}
		if c.bridge.Pending() {
			c.bridge.Write(tx, c.complete)
		}
		if c.tunnels.Pending() && c.w.Self() != nil && c.settledOnce() {
			c.tunnels.Write(tx)
		}
		if c.zones.Pending() {
			c.zones.Write(tx)
		}
		c.acks.writeVSW(tx)
		c.side.writeVSW(tx)
		matters := tx.Len() > 0
		c.acks.writeBridge(tx)
		if tx.Len() > 0 {
			c.vswBusy, c.vswMatters = true, matters
			c.cfg.VSW.Commit(tx, func(r idl.Result) {
				c.vswBusy, c.vswMatters = false, false
				c.acks.marks = c.acks.marks || r.Err != nil
				c.vswPause = c.pauseAfter(r)
				c.vswErr = c.report("Open_vSwitch", r, c.vswErr)
			})
		}
	}
	if s := c.cfg.SB.State(); s.Connected && !c.sbBusy && c.due(c.sbPause) && c.w.Config.Chassis != "" {
		tx, again := c.isolation.Build(c.writeSB)
		if !again.IsZero() {
			c.wakeAt(again)
		}
		if tx.Len() > 0 {
			c.sbBusy = true
			c.cfg.SB.Commit(tx, func(r idl.Result) {
				c.sbBusy = false
				if c.isolation.Result(tx, r.Err) {
					r.Err = nil
				}
				c.sbPause = c.pauseAfter(r)
				c.sbErr = c.report("Southbound", r, c.sbErr)
			})
		}
	}
}

// writeSB adds what is to be different in the Southbound database to tx. It is false
// where it is not known yet what that is.
func (c *Controller) writeSB(tx *idl.Tx) bool {
	c.chassis.Write(tx)
	if c.chassis.Refused() != "" || !c.settledOnce() {
		return false
	}
	if at := c.ports.Claims().Write(tx); !at.IsZero() {
		c.wakeAt(at)
	}
	c.acks.writeSB(tx)
	c.side.writeSB(tx)
	return true
}

// refuse names a part that the Southbound database does not take; nil ends that.
func (c *Controller) refuse(p idl.Part, why error) {
	key := node.RefusalKey{Table: p.Table, Row: p.Row, Part: p.Kind + " " + p.Name}
	if why == nil {
		c.w.Refuse(key)
		return
	}
	fix := ""
	if op, ok := errors.AsType[*idl.OpError](why); ok {
		fix = permissionFix(op, c.w.Config)
	}
	c.w.Refuse(key, fmt.Sprintf("%s is not written, the Southbound database refuses it: %s.%s The rest is written; it is tried again now and then",
		p.Name, strings.TrimSuffix(why.Error(), "."), fix))
}

func (c *Controller) pauseAfter(r idl.Result) time.Time {
	if r.Err == nil || errors.Is(r.Err, idl.ErrTryAgain) {
		return time.Time{}
	}
	return c.w.Now().Add(retryPause)
}

// due tells whether a pause is over; when it is not, Settle is wanted at its end.
func (c *Controller) due(pause time.Time) bool {
	if pause.IsZero() || !c.w.Now().Before(pause) {
		return true
	}
	c.wakeAt(pause)
	return false
}

func (c *Controller) wakeAt(at time.Time) {
	if c.wake.IsZero() || at.Before(c.wake) {
		c.wake = at
	}
}

// columnMax is how many elements a column may hold; 0 if it is not there.
func columnMax(db *schema.Database, table, column string) int {
	if db == nil || db.Tables[table] == nil {
		return 0
	}
	return db.Tables[table].Columns[column].Max
}

// settledOnce tells whether the chassis rows of the Southbound database are known:
// before that, tunnels look superfluous that are not.
func (c *Controller) settledOnce() bool { return c.complete || c.settled() }

// report logs a failed transaction, once for each different failure in a row.
func (c *Controller) report(db string, r idl.Result, last string) string {
	if r.Err == nil {
		return ""
	}
	text := r.Err.Error()
	if text != last {
		c.w.Log.Warn("transaction on the " + db + " database failed: " + text)
	}
	return text
}
