package vtepdb

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// driftShown is how long after the last drift the problem stays.
const driftShown = 10 * time.Minute

// Drift is what somebody else has done to rows that are from here, and was put right.
type Drift struct {
	Count uint64    `json:"count"`          // since the start
	Last  time.Time `json:"last,omitzero"`  // zero: never
	What  string    `json:"what,omitempty"` // the last: "MAC address 02:00:00:00:00:01 of logical switch ls1"
}

// drift finds out that somebody else has changed what is from here: a row has changed whose change is not that of our last transaction, and
// what is wanted, which is worked out then, is something else. Keys are those of pending: macKey, the UUID of a Logical_Switch, Tunnel or
// Physical_Port row, recordDrift, or the name of a Logical_Switch that was made from here.
type drift struct {
	Drift
	began    time.Time    // of the drifts that are shown together
	together uint64       // how many these are
	own      map[any]bool // what the last transaction is about
	touched  map[any]bool // what somebody else has changed, and was not looked at yet
	// Locators and sets of them that go with the rows that lead there, in the change set that is being read.
	locators map[ovsdb.UUID]*rows.PhysicalLocator
	sets     map[ovsdb.UUID]*rows.PhysicalLocatorSet
}

// recordDrift is the key of the record in Global.other_config.
const recordDrift = "record"

func newDrift() drift {
	return drift{own: map[any]bool{}, touched: map[any]bool{}, locators: map[ovsdb.UUID]*rows.PhysicalLocator{}, sets: map[ovsdb.UUID]*rows.PhysicalLocatorSet{}}
}

// Drift returns what there was of it.
func (p *Planner) Drift() Drift { return p.drift.Drift }

// touch notes that a row that was from here has changed.
func (d *drift) touch(key any) {
	if !d.own[key] {
		d.touched[key] = true
	}
}

// wrote notes that a transaction is about a key, and counts a drift if that is why.
func (w *writer) wrote(key any, what string) {
	d := &w.drift
	if w.preview {
		return
	}
	d.own[key] = true
	if !d.touched[key] {
		return
	}
	delete(d.touched, key)
	now := w.cfg.Now()
	if now.Sub(d.Last) > driftShown {
		d.began, d.together = now, 0
	}
	d.Count++
	d.together++
	d.Last, d.What = now, what
	w.problems.report(Problem{Drifted, what, fmt.Sprintf("%s: somebody else has changed or removed what is written from here into the switch's database; it is put right", what)})
}

// driftProblem is there for a while after the last drift.
func (p *Planner) driftProblem() (Problem, bool) {
	d := &p.drift
	if d.Last.IsZero() || p.cfg.Now().Sub(d.Last) > driftShown {
		return Problem{}, false
	}
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	return Problem{Drifted, strings.Join(p.Switches(), " "), fmt.Sprintf("somebody else has changed or removed what is written from here into the switch's database, %d times since %s, "+
		"last at %s: %s. It was put right each time. Look for another controller, or a script, that writes there: ovsdb-client monitor shows when it does",
		d.together, at(d.began), at(d.Last), d.What)}, true
}

// drifted looks for changes by somebody else of what is from here. Rows of a first reading are as they were found; later readings, of a
// database that was away, are compared with what was there before.
func (p *Planner) drifted(c *rows.Changes) {
	for _, ch := range c.PhysicalLocator {
		if ch.New == nil {
			p.drift.locators[ch.ID] = ch.Old
		}
	}
	for _, ch := range c.PhysicalLocatorSet {
		if ch.New == nil {
			p.drift.sets[ch.ID] = ch.Old
		}
	}
	for _, ch := range c.UcastMacsRemote {
		for _, row := range versions(ch, c.Initial) {
			if mac, ok := p.readMAC(row.MAC); ok && p.wroteInto(row.LogicalSwitch) && p.known(p.ledTo(row.Locator)) {
				p.drift.touch(macKey{row.LogicalSwitch, mac})
			}
		}
	}
	for _, ch := range c.McastMacsRemote {
		for _, row := range versions(ch, c.Initial) {
			if mac, ok := readGroup(row.MAC); ok && p.wroteInto(row.LogicalSwitch) && p.fromHere(p.flooded(row)) {
				p.drift.touch(macKey{row.LogicalSwitch, mac})
			}
		}
	}
	for _, ch := range c.LogicalSwitch {
		switch old := ch.Old; {
		case old == nil:
		case ch.New == nil:
			if p.provisioned(old.Name) && old.OtherConfig[createdKey] == p.owner && !p.drift.own[ch.ID] {
				p.drift.touch(old.Name)
			}
		case p.mine(old) && (old.TunnelKey != ch.New.TunnelKey || old.ReplicationMode != ch.New.ReplicationMode || !p.mine(ch.New)):
			p.drift.touch(ch.ID)
		}
	}
	for _, ch := range c.Tunnel {
		if ch.Old != nil && ch.New != nil && !(maps.Equal(ch.Old.BFDParams, ch.New.BFDParams) && maps.Equal(ch.Old.BFDConfigRemote, ch.New.BFDConfigRemote)) {
			p.drift.touch(ch.ID)
		}
	}
	for _, ch := range c.PhysicalPort {
		if ch.Old != nil && ch.New != nil && p.unbound(ch.Old, ch.New) {
			p.drift.touch(ch.ID)
		}
	}
	for _, ch := range c.Global {
		for _, key := range recordKeys {
			if key += p.owner; ch.Old != nil && ch.New != nil && ch.Old.OtherConfig[key] != "" && ch.Old.OtherConfig[key] != ch.New.OtherConfig[key] {
				p.drift.touch(recordDrift)
			}
		}
	}
	clear(p.drift.locators)
	clear(p.drift.sets)
}

// versions are the rows that a change is about. One that is new in a reading of everything was not somebody's doing that we saw.
func versions[R any](ch idl.Change[R], initial bool) (list []*R) {
	if ch.Old != nil {
		list = append(list, ch.Old)
	}
	if ch.New != nil && !(ch.Old == nil && initial) {
		list = append(list, ch.New)
	}
	return list
}

// wroteInto tells whether a Logical_Switch is ours.
func (p *Planner) wroteInto(ls ovsdb.UUID) bool {
	row := p.db.LogicalSwitch.Get(ls)
	return row != nil && p.mine(row)
}

// ledTo is dstIP, also for a locator that has just gone.
func (p *Planner) ledTo(locator ovsdb.UUID) string {
	if row := p.drift.locators[locator]; row != nil && !row.TunnelKey.OK {
		return row.DstIP
	}
	return p.dstIP(locator)
}

// flooded is flood, also for locators that have just gone.
func (p *Planner) flooded(row *rows.McastMacsRemote) map[string]bool {
	set := p.db.PhysicalLocatorSet.Get(row.LocatorSet)
	if set == nil {
		set = p.drift.sets[row.LocatorSet]
	}
	out := map[string]bool{}
	if set != nil {
		for _, l := range set.Locators {
			out[p.ledTo(l)] = true
		}
	}
	return out
}

// unbound tells whether a VLAN that was bound from here is not any more.
func (p *Planner) unbound(old, now *rows.PhysicalPort) bool {
	for key, id := range old.OtherConfig {
		if vlan, ours := p.markedVLAN(key); ours && old.VLANBindings[vlan].String() == id && now.VLANBindings[vlan].IsZero() {
			return true
		}
	}
	return false
}
