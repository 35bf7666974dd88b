package vtepdb

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// OnRows takes a change set of the switch's database, whose tables have it already.
func (p *Planner) OnRows(c *rows.Changes) {
	p.drifted(c)
	p.switches_ = p.switches_ || len(c.Global) > 0 || len(c.PhysicalSwitch) > 0 || slices.ContainsFunc(c.PhysicalPort, portMatters)
	for _, ch := range c.LogicalSwitch {
		p.onLogicalSwitch(ch)
	}
	for _, ch := range c.UcastMacsLocal {
		p.onLocal(ch, !c.Initial)
	}
	for _, ch := range c.UcastMacsRemote {
		p.onRemote(ch)
	}
	for _, ch := range c.Tunnel {
		p.tunnels[ch.ID] = true
	}
	for _, ch := range c.McastMacsLocal {
		if ch.Old != nil {
			p.lessUsed(ch.Old.LogicalSwitch)
		}
	}
	for _, ch := range c.McastMacsRemote {
		p.onFlood(ch)
	}
}

// portMatters is false where only the statistics of a port are others: a switch may well give them new rows each time.
func portMatters(ch idl.Change[rows.PhysicalPort]) bool {
	if ch.Old == nil || ch.New == nil {
		return true
	}
	return ch.Old.Name != ch.New.Name || !maps.Equal(ch.Old.VLANBindings, ch.New.VLANBindings) || !maps.Equal(ch.Old.OtherConfig, ch.New.OtherConfig) ||
		!slices.Equal(ch.Old.PortFaultStatus, ch.New.PortFaultStatus)
}

func (p *Planner) onLogicalSwitch(ch idl.Change[rows.LogicalSwitch]) {
	if ch.Old == nil || ch.New == nil || ch.Old.Name != ch.New.Name {
		p.switches_ = true // whose sets of bound logical switches are by name
	}
	for _, row := range []*rows.LogicalSwitch{ch.Old, ch.New} {
		if row == nil {
			continue
		}
		p.bindings[row.Name] = true
		p.ls[row.UUID] = true
		if ch.New == nil || ch.New.Name != row.Name {
			p.problems.forget(row.Name)
		}
		if ch.Old == nil || ch.New == nil || p.mine(ch.Old) != p.mine(ch.New) {
			p.markLogicalSwitch(row.UUID)
		}
	}
}

// onLocal follows what a switch has learned. seen: it has learned it now, and the row is not just read again.
func (p *Planner) onLocal(ch idl.Change[rows.UcastMacsLocal], seen bool) {
	p.checks[ch.ID] = true
	if ch.Old != nil {
		p.lessUsed(ch.Old.LogicalSwitch)
	}
	for _, row := range []*rows.UcastMacsLocal{ch.Old, ch.New} {
		if row == nil {
			continue
		}
		mac, ok := p.readMAC(row.MAC)
		p.malformed(row.UUID, row.MAC, ok || row == ch.Old)
		if !ok {
			continue
		}
		key := macKey{row.LogicalSwitch, mac}
		edit(p.locals, key, row, row == ch.New, func(o *rows.UcastMacsLocal) bool { return o.UUID == ch.ID })
		ls := p.db.LogicalSwitch.Get(row.LogicalSwitch)
		if ls == nil || p.bound[ls.Name] == nil {
			continue
		}
		pl := Place{p.keys[p.bound[ls.Name].dp], mac}
		p.places[pl] = true
		if seen && row == ch.New {
			p.fresh[pl] = true
		}
	}
}

func (p *Planner) onRemote(ch idl.Change[rows.UcastMacsRemote]) {
	if ch.Old != nil {
		p.lessUsed(ch.Old.LogicalSwitch)
	}
	for _, row := range []*rows.UcastMacsRemote{ch.Old, ch.New} {
		if row == nil {
			continue
		}
		mac, ok := p.readMAC(row.MAC)
		if !ok {
			continue // somebody else's
		}
		key := macKey{row.LogicalSwitch, mac}
		edit(p.remotes, key, row, row == ch.New, func(o *rows.UcastMacsRemote) bool { return o.UUID == ch.ID })
		p.macs[key] = true
		if ch.New == nil {
			p.moves.note(key, p.cfg.Now())
		}
	}
}

// edit takes a row out of an index, by same, or adds it.
func edit[R any](index map[macKey][]*R, key macKey, row *R, add bool, same func(*R) bool) {
	list := slices.DeleteFunc(index[key], same)
	if add {
		list = append(list, row)
	}
	if index[key] = list; len(list) == 0 {
		delete(index, key)
	}
}

// readMAC reads a MAC address of a station as a switch writes it; hexadecimal digits of either case.
func (p *Planner) readMAC(s string) (wire.MAC, bool) {
	mac, err := wire.ParseMAC(strings.ToLower(s))
	return mac, err == nil && !mac.IsMulticast() && !mac.IsZero()
}

func (p *Planner) malformed(id ovsdb.UUID, text string, fine bool) {
	if fine {
		p.problems.set(macMalformed, id.String(), "")
		return
	}
	p.problems.set(macMalformed, id.String(), fmt.Sprintf("the switch has written %q as a MAC address into Ucast_Macs_Local (row %v); "+
		"a station's address is expected, as 02:00:00:00:00:01", text, id))
}
