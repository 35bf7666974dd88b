package vtepdb

import (
	"fmt"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// Registration is the chassis of a switch as the Southbound database is to have it.
type Registration struct {
	Name, Identity  string
	IPs             []string // tunnel addresses: where packets are sent to, and others that they may come from
	LogicalSwitches []string // sorted
	ServiceNode     bool     // see ReplicationKey
	BFD             bool     // see BFDKey
	// Members are the databases that have a part of it. Recorded: they are to be in the row; Name and Identity do not say all.
	Members  []Member
	Recorded bool
}

// Roll is what the table Chassis is to hold of the switches here.
type Roll struct {
	Identity string // of the switches' database; "": it is not known yet what is wanted
	Chassis  []Registration
	// Keep are names of switches whose rows are to stay, whatever they are like: a switch that has lost its tunnel address, for one.
	Keep map[string]bool
	// Left are, by name, those that are the other members' from now on.
	Left map[string]Registration
}

// Roll returns it as it is now.
func (p *Planner) Roll() Roll {
	if p.owner == "" || p.identity == "" {
		return Roll{}
	}
	r := Roll{Identity: p.identity, Keep: map[string]bool{}}
	if !p.withdrawn {
		for _, name := range p.ChassisNames() {
			h := p.homes[name]
			if r.Keep[name] = true; len(h.own.IPs) > 0 && p.clash(name) == "" {
				r.Chassis = append(r.Chassis, h.Registration)
			}
		}
	}
	r.Left = p.left(r.Keep)
	return r
}

// Claim is what a Port_Binding is to have.
type Claim struct {
	ID      ovsdb.UUID
	Port    *Port
	Chassis ovsdb.UUID // zero: none
	Up      bool
}

// Claims are the ports that are to be changed, in no particular order.
func (p *Planner) Claims(yield func(Claim) bool) {
	for id := range p.claims {
		c, differs := p.claim(id)
		if !differs {
			delete(p.claims, id)
		} else if !yield(c) {
			return
		}
	}
}

func (p *Planner) claim(id ovsdb.UUID) (Claim, bool) {
	port := p.ports[id]
	if port == nil || p.owner == "" || p.identity == "" {
		return Claim{}, false
	}
	b := p.bound[port.LogicalSwitch]
	if port.Kind == VTEP && b != nil && b.usable && b.winners[p.ChassisName(port.Switch)] == id {
		chassis, c, ok := p.chassisOf(p.ChassisName(port.Switch))
		if !ok || !p.ours(chassis) || !p.registered(c) {
			return Claim{}, false // it is being registered; its row marks this port again
		}
		// A port is up when the switch has what it needs to send frames there.
		row := p.db.LogicalSwitch.Get(b.ls)
		up := row != nil && row.TunnelKey == ovsdb.Some(p.keys[b.dp])
		return Claim{id, port, chassis, up}, port.Chassis != chassis || up && !port.Up
	}
	return Claim{ID: id, Port: port}, p.ours(port.Chassis) && !p.wantedElsewhere(id, port)
}

// Sighting is what the FDB row of a MAC address is to be.
type Sighting struct {
	Place
	Row  ovsdb.UUID // the one there is; zero: none
	Port int64      // tunnel key; 0: the row is to go
}

// Sightings are the FDB rows that are to be changed, in no particular order. A row of another port stays until a switch here sees the
// address once more: the one who has seen it last is right.
func (p *Planner) Sightings(yield func(Sighting) bool) {
	if p.owner == "" || p.identity == "" {
		return
	}
	for pl := range p.places {
		s, differs, held := p.sighting(pl)
		switch {
		case held:
		case !differs:
			delete(p.places, pl)
		case !yield(s):
			return
		}
	}
}

// sighting compares an FDB row with what the switches see. held: the difference has to wait.
func (p *Planner) sighting(pl Place) (s Sighting, differs, held bool) {
	dp := p.datapaths[pl.Datapath]
	var first *Port
	id, has := p.places_[pl]
	now := p.learned[id].Port
	seen := false // at the place that the row has
	for name := range p.boundTo[dp] {
		b := p.bound[name]
		for _, row := range p.locals[macKey{b.ls, pl.MAC}] {
			port := p.portOf(b, p.chassisAt(p.dstIP(row.Locator)))
			if port == nil {
				continue
			}
			seen = seen || port.Key == now
			if first == nil || port.Name < first.Name {
				first = port
			}
		}
	}
	subject := fmt.Sprintf("%d %v", pl.Datapath, pl.MAC)
	s = Sighting{Place: pl, Row: id}
	if has || first == nil {
		delete(p.turns, pl)
	}
	if first == nil || !has || seen {
		if !has || seen {
			delete(p.fresh, pl)
		}
		p.problems.set(macMoving, subject, "")
	}
	switch {
	case first == nil:
		port := p.ports[p.portAt[portPlace{pl.Datapath, now}]]
		if !has || port == nil || p.switches[port.Switch] == nil || !port.Chassis.IsZero() && !p.ours(port.Chassis) {
			delete(p.saw, pl)
			return s, false, false
		}
		if p.shared(p.ChassisName(port.Switch)) && !p.saw[pl] {
			return s, false, false // another member knows it
		}
	default:
		s.Port = first.Key
		chassis := p.ChassisName(first.Switch)
		shared := p.shared(chassis)
		if shared {
			p.saw[pl] = true
		}
		if shared && !has {
			if due := p.turn(chassis, pl); p.cfg.Now().Before(due) {
				p.wakeAt(due)
				return s, false, true
			}
		}
		if !has || seen {
			return s, !has, false
		}
		if !p.fresh[pl] {
			return s, false, false
		}
	}
	if until, held := p.moves.held(pl, p.cfg.Now()); held {
		p.wakeAt(until)
		p.problems.set(macMoving, subject, fmt.Sprintf("MAC address %v of the datapath with tunnel key %d moves too often, so its FDB row is left as it is until it has "+
			"stayed somewhere for %v; look for a loop, or for two hosts with this address", pl.MAC, pl.Datapath, moveHold))
		return s, false, true
	}
	return s, true, false
}

// portOf is the port of a chassis, nil if it has none in this binding or not yet.
func (p *Planner) portOf(b *binding, chassis string) *Port {
	id, ok := b.winners[chassis]
	if !ok || !b.usable || !p.ours(p.ports[id].Chassis) {
		return nil
	}
	return p.ports[id]
}

// chassisAt is the name of the chassis here with a tunnel address, "" if none has it.
func (p *Planner) chassisAt(ip string) string { return p.homeAt[ip] }

func (p *Planner) locatorOf(row *rows.UcastMacsLocal) *rows.PhysicalLocator {
	if row == nil {
		return nil
	}
	return p.db.PhysicalLocator.Get(row.Locator)
}

// checkLocal looks whether a station that a switch calls its own is at the switch.
func (p *Planner) checkLocal(id ovsdb.UUID) {
	text := ""
	row := p.db.UcastMacsLocal.Get(id)
	if l := p.locatorOf(row); l != nil && l.TunnelKey.OK {
		text = fmt.Sprintf("the switch gives a tunnel key to each locator (%d to %s, where it has station %s), which is not supported: it is not told to OVN. "+
			"The switch has to take the tunnel keys of logical switches (vtep(5), \"Per Logical-Switch Tunnel Key\")", l.TunnelKey.V, l.DstIP, row.MAC)
	} else if row != nil && p.chassisAt(p.dstIP(row.Locator)) == "" {
		text = fmt.Sprintf("the switch says that its own station %s is at %q, which is no address in Physical_Switch.tunnel_ips (row %v of Ucast_Macs_Local); "+
			"it is not told to OVN", row.MAC, p.dstIP(row.Locator), id)
	}
	p.problems.set(locatorForeign, id.String(), text)
}
