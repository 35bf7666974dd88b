package controller

import (
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// acks tells the world when the switch has what it asked for: nb_cfg, the state
// "up" of ports, ovn-installed of interfaces. Each waits for the acknowledgement
// of the revision that its rules went out with.
type acks struct {
	c *Controller

	newest  generation // SB_Global's as the present rules know it
	done    generation // that which the switch has
	doneAt  int64      // when, in ms since 1970
	waiting []waitingCfg
	start   string // when this controller started, in ms since 1970

	install map[ovsdb.UUID]bool             // ports whose rules are new
	sent    map[ovsdb.UUID]backend.Revision // ports whose rules are on their way
	ready   map[ovsdb.UUID]bool             // ports whose rules are in the switch, state to be written
	stale   map[ovsdb.UUID]bool             // ports claimed anew: an ovn-installed from before says nothing of their rules

	sentMeters map[string]bool
	marks      bool // ovn-installed of interfaces may be wrong
}

// generation is a state of the network.
type generation struct {
	n  int64 // SB_Global.nb_cfg
	at int64 // when ovn-northd wrote it, in ms since 1970; 0: it does not say (before OVN 26.03)
}

type waitingCfg struct {
	rev backend.Revision
	cfg generation
}

func newAcks(c *Controller) *acks {
	return &acks{c: c, install: map[ovsdb.UUID]bool{}, sent: map[ovsdb.UUID]backend.Revision{}, ready: map[ovsdb.UUID]bool{}, stale: map[ovsdb.UUID]bool{},
		sentMeters: map[string]bool{}, done: generation{n: -1}, start: strconv.FormatInt(c.w.Now().UnixMilli(), 10)}
}

// observe looks at what the run changed.
func (a *acks) observe() {
	c := a.c
	for id := range c.ports.Changed {
		p := c.ports.Get(id)
		if p.Place != binding.Nowhere && p.Bound {
			a.install[id] = true
			delete(a.ready, id)
		} else {
			delete(a.install, id)
			delete(a.sent, id)
			delete(a.ready, id)
		}
	}
	for _, ch := range c.w.SBChanges.PortBinding {
		self := c.w.SelfID()
		if ch.New == nil || ch.New.Chassis != self {
			delete(a.stale, ch.ID)
		} else if ch.Old != nil && ch.Old.Chassis != self {
			a.stale[ch.ID] = true
		}
		if row := ch.New; row != nil && row.Up.OK && !row.Up.V && c.ports.Get(ch.ID).Bound && !a.install[ch.ID] {
			if _, on := a.sent[ch.ID]; !on {
				a.ready[ch.ID] = true // ovn-northd or somebody else reset it
			}
		}
	}
	for _, ch := range c.w.VSWChanges.Interface {
		if ch.New == nil || ch.New.ExternalIDs["ovn-installed"] == "true" {
			continue
		}
		for _, pb := range c.w.SB.PortBindingByLogicalPort.Get(ch.New.ExternalIDs["iface-id"]) {
			if p := c.ports.Get(pb.UUID); p.Bound && p.Iface == ch.ID && !a.install[pb.UUID] {
				if _, on := a.sent[pb.UUID]; !on {
					a.ready[pb.UUID] = true
				}
			}
		}
	}
	a.marks = a.marks || len(c.ports.Changed)+len(c.ifaces.Changed) > 0
	for g := range c.w.SB.SBGlobal.All() {
		a.newest = generation{g.NBCfg, g.NBCfgTimestamp}
	}
}

// flush binds what waits to the newest revision; called when all rules so far were sent.
func (a *acks) flush() {
	c := a.c
	if !c.complete || !c.settled() || c.set.Pending() || c.vswMatters || c.tunnels.Pending() || c.bridge.Pending() || c.ifaces.Unassigned() {
		return
	}
	for id := range a.install {
		a.sent[id] = c.rev
		delete(a.install, id)
	}
	last := a.done
	if n := len(a.waiting); n > 0 {
		last = a.waiting[n-1].cfg
	}
	if a.newest.n != last.n {
		a.waiting = append(a.waiting, waitingCfg{c.rev, a.newest})
	}
	a.release(c.acked)
}

// release notes that the switch has revision rev.
func (a *acks) release(rev backend.Revision) {
	for len(a.waiting) > 0 && a.waiting[0].rev <= rev {
		a.done, a.doneAt = a.waiting[0].cfg, a.c.w.Now().UnixMilli()
		a.waiting = a.waiting[1:]
	}
	for id, r := range a.sent {
		if r <= rev {
			delete(a.sent, id)
			a.ready[id] = true
		}
	}
}

// writeSB adds nb_cfg and the state of ports to tx.
func (a *acks) writeSB(tx *idl.Tx) {
	a.flush()
	c := a.c
	private := c.w.SB.ChassisPrivateByName.One(c.w.Config.Chassis)
	if private != nil && a.done.n >= 0 && private.NBCfg != a.done.n && a.wanted() &&
		tx.Part(idl.Part{Kind: "nb_cfg", Table: "Chassis_Private", Row: private.UUID, Name: "nb_cfg"}) && c.reportDue() {
		tx.Update("Chassis_Private", private.UUID, map[string]any{"nb_cfg": a.done.n, "nb_cfg_timestamp": a.doneAt})
	}
	for id := range a.ready {
		pb := c.w.SB.PortBinding.Get(id)
		if pb == nil || a.up(pb) && a.installed(pb) {
			delete(a.ready, id)
			continue
		}
		if !a.up(pb) && tx.Part(idl.Part{Kind: "state", Table: "Port_Binding", Row: id, Name: "the state of lport " + pb.LogicalPort}) {
			c.w.Log.Info("Setting lport " + pb.LogicalPort + " up in Southbound")
			tx.Update("Port_Binding", id, map[string]any{"up": true})
		}
	}
}

// wanted tells whether the Southbound database is to be told of each generation:
// SB_Global options:enable_chassis_nb_cfg_update, which ovn-northd copies there.
func (a *acks) wanted() bool {
	for g := range a.c.w.SB.SBGlobal.All() {
		return g.Options["enable_chassis_nb_cfg_update"] != "false"
	}
	return true
}

// up tells whether nothing is to be written about a port's state. A port of an
// ovn-northd without that column, and one that is here additionally only, has none.
func (a *acks) up(pb *sb.PortBinding) bool {
	return !pb.Up.OK || pb.Up.V || pb.Chassis != a.c.w.SelfID()
}

func (a *acks) installed(pb *sb.PortBinding) bool {
	p := a.c.ports.Get(pb.UUID)
	if p.Kind != binding.VIF {
		return true
	}
	row := a.c.w.VSW.Interface.Get(p.Iface)
	return row == nil || row.ExternalIDs["ovn-installed"] == "true" && !a.stale[pb.UUID]
}

// writeVSW adds ovn-installed of interfaces to tx, and takes it away from those
// that no port of this chassis uses.
func (a *acks) writeVSW(tx *idl.Tx) {
	c := a.c
	for id := range a.ready {
		pb := c.w.SB.PortBinding.Get(id)
		if pb == nil || a.installed(pb) {
			continue
		}
		c.w.Log.Info("Setting lport " + pb.LogicalPort + " ovn-installed in OVS")
		delete(a.stale, id)
		row := c.ports.Get(id).Iface
		tx.Mutate("Interface", row, "external_ids", "delete", []string{"ovn-installed", "ovn-installed-ts"})
		tx.Mutate("Interface", row, "external_ids", "insert", map[string]string{"ovn-installed": "true",
			"ovn-installed-ts": strconv.FormatInt(c.w.Now().UnixMilli(), 10)})
	}
	if !c.complete || !a.marks {
		return
	}
	a.marks = false // what is written now changes the interface, and we look again
	for id, row := range c.ifaces.All() {
		if row.ExternalIDs["ovn-installed"] != "true" {
			continue
		}
		pb := c.w.SB.PortBindingByLogicalPort.One(row.ExternalIDs["iface-id"])
		if pb == nil || c.ports.Get(pb.UUID).Iface != id {
			c.w.Log.Info("Removing iface " + row.Name + " ovn-installed in OVS")
			tx.Mutate("Interface", id, "external_ids", "delete", []string{"ovn-installed", "ovn-installed-ts"})
		}
	}
}

// writeBridge keeps what local programs want to know of this controller in the
// integration bridge's external_ids: when it started, which generation of the
// network the switch has, since when, and when ovn-northd asked for it.
func (a *acks) writeBridge(tx *idl.Tx) {
	br := a.c.w.Bridge()
	if br == nil {
		return
	}
	var gone []string
	set := map[string]string{}
	put := func(k, v string) {
		if old, has := br.ExternalIDs[k]; old == v && has == (v != "") {
			return
		} else if has {
			gone = append(gone, k)
		}
		if v != "" {
			set[k] = v
		}
	}
	put("ovn-startup-ts", a.start)
	if n := strconv.FormatInt(a.done.n, 10); a.done.n > 0 && br.ExternalIDs["ovn-nb-cfg"] != n {
		put("ovn-nb-cfg", n)
		put("ovn-nb-cfg-ts", strconv.FormatInt(a.doneAt, 10))
		asked := ""
		if a.done.at > 0 {
			asked = strconv.FormatInt(a.done.at, 10)
		}
		put("ovn-nb-cfg-sb-ts", asked)
	}
	if len(gone) > 0 {
		tx.Mutate("Bridge", br.UUID, "external_ids", "delete", gone)
	}
	if len(set) > 0 {
		tx.Mutate("Bridge", br.UUID, "external_ids", "insert", set)
	}
}

// meters are the Meter rows that changed since they were last sent; all of them on
// a reset.
func (a *acks) meters(reset bool) (put []backend.Meter, del []string) {
	if reset {
		clear(a.sentMeters)
	}
	c := a.c
	if !reset && !c.metersChanged {
		return nil, nil
	}
	c.metersChanged = false
	seen := map[string]bool{}
	for m := range c.w.SB.Meter.All() {
		x := backend.Meter{Name: m.Name, PacketRate: m.Unit == "pktps"}
		for _, id := range m.Bands {
			if b := c.w.SB.MeterBand.Get(id); b != nil {
				x.Bands = append(x.Bands, backend.MeterBand{Rate: uint32(b.Rate), Burst: uint32(b.BurstSize)})
			}
		}
		put = append(put, x)
		seen[m.Name], a.sentMeters[m.Name] = true, true
	}
	for name := range a.sentMeters {
		if !seen[name] {
			del = append(del, name)
			delete(a.sentMeters, name)
		}
	}
	return put, del
}
