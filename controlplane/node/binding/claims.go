package binding

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// Damping of claims. Two chassis that both have an interface for the same port
// take it from each other for ever (the upstream controller claims twice a
// second). Here the first loss is taken back twice claimPause after the claim, the
// next after twice as long, and after maxSteals this chassis gives in until the
// port is released, its interface is plugged anew (iface.Table.Replugged), or
// requested-chassis names this chassis.
const (
	claimPause  = 500 * time.Millisecond
	stealWindow = 30 * time.Second // a loss later than this after a claim is a migration
	maxSteals   = 3
	// conflictPatience is how long a port is left to another chassis without a warning.
	conflictPatience = time.Minute
	// haPause bounds the pause between claims of a port of an HA chassis group.
	haPause = 8 * time.Second
)

// Claims writes what Ports wants into the Southbound database.
type Claims struct {
	p     *Ports
	dirty map[ovsdb.UUID]bool
	fight map[ovsdb.UUID]*fight
	// Conflicts are the ports that another chassis insists on: port -> text.
	Conflicts map[string]string

	elsewhere map[ovsdb.UUID]string // ports that have an interface here and are requested elsewhere: where
}

type fight struct {
	claimed time.Time // when this chassis last claimed it
	lost    int       // times that another chassis took it soon after
	owner   ovsdb.UUID

	givenUp time.Time // when it was left to another chassis
	warned  bool
}

func newClaims(p *Ports) *Claims {
	return &Claims{p: p, dirty: map[ovsdb.UUID]bool{}, fight: map[ovsdb.UUID]*fight{}, Conflicts: map[string]string{},
		elsewhere: map[ovsdb.UUID]string{}}
}

// Claims is the writer of claims and releases.
func (p *Ports) Claims() *Claims { return p.claims }

func (c *Claims) forget(id ovsdb.UUID) {
	delete(c.dirty, id)
	delete(c.fight, id)
	delete(c.elsewhere, id)
}

// reconsider forgets a lost fight: the interface was plugged anew, so the operator did
// something.
func (c *Claims) reconsider(lport string) {
	delete(c.Conflicts, lport)
	for _, pb := range c.p.w.SB.PortBindingByLogicalPort.Get(lport) {
		delete(c.fight, pb.UUID)
	}
}

func (c *Claims) consider(pb *sb.PortBinding, want Port) {
	self := c.p.w.Self()
	if self == nil {
		return
	}
	c.tellElsewhere(pb, want, self)
	if f := c.fight[pb.UUID]; f != nil {
		switch {
		case pb.Chassis.IsZero():
			f.lost, f.warned = 0, false
			delete(c.Conflicts, pb.LogicalPort)
		case pb.Chassis != self.UUID && f.owner == self.UUID && c.p.w.Now().Sub(f.claimed) < stealWindow:
			f.lost++
		}
		f.owner = pb.Chassis
	}
	if !c.satisfied(pb, want, self) {
		c.dirty[pb.UUID] = true
	}
}

func (c *Claims) satisfied(pb *sb.PortBinding, want Port, self *sb.Chassis) bool {
	additional := slices.Contains(pb.AdditionalChassis, self.UUID)
	switch want.Place {
	case Main:
		return pb.Chassis == self.UUID && !additional && c.encapRight(pb, want, self)
	case Additional:
		want := c.encap(want, self)
		return additional && pb.Chassis != self.UUID &&
			slices.Equal(c.ourAdditionalEncaps(pb, self), slices.DeleteFunc([]ovsdb.UUID{want}, ovsdb.UUID.IsZero))
	}
	return pb.Chassis != self.UUID && !additional
}

// ourAdditionalEncaps are the additional encaps of a port that are this chassis's.
func (c *Claims) ourAdditionalEncaps(pb *sb.PortBinding, self *sb.Chassis) (ours []ovsdb.UUID) {
	for _, id := range pb.AdditionalEncap {
		if slices.Contains(self.Encaps, id) {
			ours = append(ours, id)
		}
	}
	return ours
}

// encapRight tells whether the port's encap is the one that the interface asks for
// (external_ids:encap-ip), none when it does not ask.
func (c *Claims) encapRight(pb *sb.PortBinding, want Port, self *sb.Chassis) bool {
	return encapOfNorthd(pb) || pb.Encap == c.encap(want, self)
}

// encapOfNorthd tells whether the encap of a port is ovn-northd's to write
// (options:requested-encap-ip, OVN 26.03 and later).
func encapOfNorthd(pb *sb.PortBinding) bool { return pb.Options["requested-encap-ip"] != "" }

func (c *Claims) encap(want Port, self *sb.Chassis) ovsdb.UUID {
	row := c.p.w.VSW.Interface.Get(want.Iface)
	if row == nil || row.ExternalIDs["encap-ip"] == "" {
		return ovsdb.UUID{}
	}
	var best *sb.Encap
	for _, id := range self.Encaps {
		e := c.p.w.SB.Encap.Get(id)
		if e != nil && e.IP == row.ExternalIDs["encap-ip"] && (best == nil || e.Type == "geneve") {
			best = e
		}
	}
	if best == nil {
		return ovsdb.UUID{}
	}
	return best.UUID
}

// Write adds the claims and releases that are due to tx. It returns when to call
// again for those that are damped, zero for never.
func (c *Claims) Write(tx *idl.Tx) (again time.Time) {
	self := c.p.w.Self()
	if self == nil {
		return
	}
	for id := range c.dirty {
		pb := c.p.w.SB.PortBinding.Get(id)
		if pb == nil {
			delete(c.dirty, id)
			continue
		}
		want := c.p.ports[id]
		if c.satisfied(pb, want, self) {
			delete(c.dirty, id)
			continue
		}
		part := idl.Part{Kind: "claim", Table: "Port_Binding", Row: id, Name: "the claim of lport " + pb.LogicalPort}
		if want.Place == Nowhere {
			part.Name = "the release of lport " + pb.LogicalPort
			if tx.Part(part) {
				c.release(tx, pb, self)
			}
			continue
		}
		if at := c.damped(pb, want, self); !at.IsZero() {
			if again.IsZero() || at.Before(again) {
				again = at
			}
			continue
		}
		if tx.Part(part) {
			c.claim(tx, pb, want, self)
		}
	}
	return again
}

// forever is a time that does not come: the port is left to the other chassis.
var forever = time.Unix(1<<60, 0)

func (c *Claims) damped(pb *sb.PortBinding, want Port, self *sb.Chassis) time.Time {
	f := c.fight[pb.UUID]
	if f == nil || want.Place != Main || pb.Chassis.IsZero() || pb.Chassis == self.UUID || pb.RequestedChassis == self.UUID {
		return time.Time{}
	}
	if want.Kind == ChassisRedirect || want.Kind == External {
		// BFD decides. While two chassis see it differently, the preferred one insists.
		if at := f.claimed.Add(min(claimPause<<f.lost, haPause)); f.lost > 0 && c.p.w.Now().Before(at) &&
			!c.p.live.GroupPreferred(pb.HAChassisGroup) {
			return at
		}
		return time.Time{}
	}
	if f.lost >= maxSteals {
		return c.giveUp(pb, self, f)
	}
	if at := f.claimed.Add(claimPause << f.lost); f.lost > 0 && c.p.w.Now().Before(at) {
		return at
	}
	return time.Time{}
}

// giveUp leaves a port to another chassis. It is worth a warning when that lasts:
// while a machine moves both chassis may have its interface for a while.
func (c *Claims) giveUp(pb *sb.PortBinding, self *sb.Chassis, f *fight) (again time.Time) {
	if c.Conflicts[pb.LogicalPort] == "" {
		other := c.p.w.ChassisName(pb.Chassis)
		c.Conflicts[pb.LogicalPort] = fmt.Sprintf("lport %s is claimed by this chassis %s and by chassis %s: both have an interface with "+
			"external_ids:iface-id=%s. Leaving it to %s; remove the interface from one of them or set requested-chassis",
			pb.LogicalPort, self.Name, other, pb.LogicalPort, other)
		c.p.w.Log.Info(c.Conflicts[pb.LogicalPort])
		f.givenUp, f.warned = c.p.w.Now(), false
	}
	due := f.givenUp.Add(conflictPatience)
	if f.warned {
		return forever
	}
	if c.p.w.Now().Before(due) {
		return due
	}
	f.warned = true
	c.p.w.Log.Warn(c.Conflicts[pb.LogicalPort])
	return forever
}

// tellElsewhere says once that a port that could be claimed is not.
func (c *Claims) tellElsewhere(pb *sb.PortBinding, want Port, self *sb.Chassis) {
	requested := pb.Options["requested-chassis"]
	if want.Place != Nowhere || requested == "" || KindOf(pb) != VIF || c.p.vifRow(pb) == nil {
		delete(c.elsewhere, pb.UUID)
		return
	}
	if c.elsewhere[pb.UUID] != requested {
		c.elsewhere[pb.UUID] = requested
		c.p.w.Log.Info(fmt.Sprintf("Not claiming lport %s, chassis %s requested-chassis %s pb->chassis %s",
			pb.LogicalPort, self.Name, requested, c.p.w.ChassisName(pb.Chassis)))
	}
}

func (c *Claims) claim(tx *idl.Tx, pb *sb.PortBinding, want Port, self *sb.Chassis) {
	w := c.p.w
	if want.Place == Additional {
		c.claimAdditional(tx, pb, want, self)
		return
	}
	row := map[string]any{}
	if pb.Chassis != self.UUID {
		if pb.Chassis.IsZero() {
			w.Log.Info("Claiming lport " + pb.LogicalPort + " for this chassis.")
		} else {
			w.Log.Info(fmt.Sprintf("Changing chassis for lport %s from %s to %s.", pb.LogicalPort, w.ChassisName(pb.Chassis), self.Name))
		}
		for _, mac := range pb.MAC {
			w.Log.Info(pb.LogicalPort + ": Claiming " + mac)
		}
		row["chassis"] = self.UUID
		f := c.fight[pb.UUID]
		if f == nil {
			f = &fight{}
			c.fight[pb.UUID] = f
		}
		f.claimed, f.owner = w.Now(), self.UUID
	}
	c.leaveAdditional(tx, pb, self)
	if e := c.encap(want, self); e != pb.Encap && !encapOfNorthd(pb) {
		if e.IsZero() {
			row["encap"] = []ovsdb.UUID{}
		} else {
			row["encap"] = e
		}
	}
	if len(row) > 0 {
		tx.Update("Port_Binding", pb.UUID, row)
	}
}

func (c *Claims) claimAdditional(tx *idl.Tx, pb *sb.PortBinding, want Port, self *sb.Chassis) {
	if !slices.Contains(pb.AdditionalChassis, self.UUID) {
		c.p.w.Log.Info("Claiming lport " + pb.LogicalPort + " for this additional chassis.")
		for _, mac := range pb.MAC {
			c.p.w.Log.Info(pb.LogicalPort + ": Claiming " + mac)
		}
		tx.Mutate("Port_Binding", pb.UUID, "additional_chassis", "insert", []ovsdb.UUID{self.UUID})
	}
	if pb.Chassis == self.UUID {
		tx.Update("Port_Binding", pb.UUID, map[string]any{"chassis": []ovsdb.UUID{}})
	}
	e, ours := c.encap(want, self), c.ourAdditionalEncaps(pb, self)
	if gone := slices.DeleteFunc(slices.Clone(ours), func(id ovsdb.UUID) bool { return id == e }); len(gone) > 0 {
		tx.Mutate("Port_Binding", pb.UUID, "additional_encap", "delete", gone)
	}
	if !e.IsZero() && !slices.Contains(ours, e) {
		tx.Mutate("Port_Binding", pb.UUID, "additional_encap", "insert", []ovsdb.UUID{e})
	}
}

// leaveAdditional takes this chassis from the additional ones.
func (c *Claims) leaveAdditional(tx *idl.Tx, pb *sb.PortBinding, self *sb.Chassis) {
	if slices.Contains(pb.AdditionalChassis, self.UUID) {
		tx.Mutate("Port_Binding", pb.UUID, "additional_chassis", "delete", []ovsdb.UUID{self.UUID})
	}
	if ours := c.ourAdditionalEncaps(pb, self); len(ours) > 0 {
		tx.Mutate("Port_Binding", pb.UUID, "additional_encap", "delete", ours)
	}
}

func (c *Claims) release(tx *idl.Tx, pb *sb.PortBinding, self *sb.Chassis) {
	if slices.Contains(pb.AdditionalChassis, self.UUID) {
		c.p.w.Log.Info("Releasing lport " + pb.LogicalPort + " from this additional chassis.")
	}
	c.leaveAdditional(tx, pb, self)
	if pb.Chassis != self.UUID {
		return
	}
	c.p.w.Log.Info("Releasing lport " + pb.LogicalPort + " from this chassis.")
	row := map[string]any{"chassis": []ovsdb.UUID{}}
	if !pb.Encap.IsZero() && !encapOfNorthd(pb) {
		row["encap"] = []ovsdb.UUID{}
	}
	if pb.Up.OK && pb.Up.V {
		row["up"] = false
	}
	if pb.VirtualParent.OK {
		row["virtual_parent"] = []string{}
	}
	tx.Update("Port_Binding", pb.UUID, row)
}

// Pending tells whether there is something to write, now or when damping ends.
func (c *Claims) Pending() bool { return len(c.dirty) > 0 }

// ReleaseAll adds the release of every port of this chassis to tx, for a graceful exit.
func (c *Claims) ReleaseAll(tx *idl.Tx) {
	self := c.p.w.Self()
	if self == nil {
		return
	}
	for pb := range c.p.w.SB.PortBinding.All() {
		if BoundTo(pb, self) {
			c.release(tx, pb, self)
		}
	}
}
