package vtep

import (
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb"
)

// maxOps bounds a transaction, so that others have their turn at the server.
const maxOps = 4000

// southbound adds to one transaction of the Southbound database.
type southbound struct {
	db    *sb.DB
	tx    *idl.Tx
	roll  bool              // the chassis are to be looked at
	taken map[string]string // why a switch cannot have its chassis: somebody else has the address; by name
	log   *slog.Logger
	seen  map[string]bool // names of chassis that were there before
	limit int             // of operations
	first inserted
}

// inserted is a row that a transaction makes, by which one can tell that the replica has the transaction.
type inserted struct {
	table string
	name  ovsdb.NamedUUID // "" for none
}

func (s *southbound) insert(table string, row map[string]any) ovsdb.NamedUUID {
	name := s.tx.Insert(table, row)
	if table == "Chassis" || table == "FDB" {
		s.first = inserted{table, name}
	}
	return name
}

// write adds all that a planner wants. It is false when there is more.
func (s *southbound) write(plan *vtepdb.Planner) bool {
	if s.roll {
		if roll := plan.Roll(); roll.Identity != "" {
			s.writeRoll(roll)
		}
	}
	whole := true
	room := func() bool {
		whole = s.tx.Len() < s.limit
		return whole
	}
	plan.Claims(func(c vtepdb.Claim) bool {
		s.writeClaim(c)
		return room()
	})
	if whole {
		plan.Sightings(func(g vtepdb.Sighting) bool {
			s.writeSighting(g)
			return room()
		})
	}
	return whole
}

// writeRoll keeps the chassis of the switches. The rows of switches that are gone, or have another name now, go in the same
// transaction in which others come: two chassis cannot have one address.
func (s *southbound) writeRoll(roll vtepdb.Roll) {
	orphans := map[string]bool{}
	for row := range s.db.Chassis.All() {
		if row.OtherConfig[identityKey] == roll.Identity && row.OtherConfig[isVTEP] == "true" && !roll.Keep[row.Name] {
			orphans[row.Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(orphans)) {
		row := s.db.ChassisByName.One(name)
		if s.tx.Part(idl.Part{Kind: "chassis", Table: "Chassis", Row: row.UUID, Name: "the removal of chassis " + name}) {
			s.tx.Delete("Chassis", row.UUID)
			delete(s.seen, name)
		}
	}
	given := map[string]string{} // names of chassis by address
	for _, r := range roll.Chassis {
		other, ip := s.holder(r, orphans)
		for _, a := range r.IPs {
			if other == "" && given[a] != "" {
				other, ip = given[a], a
			}
		}
		if other != "" {
			s.taken[r.Name] = fmt.Sprintf("chassis %s in the Southbound database has the tunnel address %s of switch %s already, so the switch is not registered. "+
				"A pair of switches that share an address is one chassis if both are in one database; if chassis %s is a leftover: ovn-sbctl chassis-del %s",
				other, ip, r.Name, other, other)
			continue
		}
		delete(s.taken, r.Name)
		for _, a := range r.IPs {
			given[a] = r.Name
		}
		if row := s.db.ChassisByName.One(r.Name); row != nil {
			s.seen[r.Name] = true
			s.repair(r, row)
		} else if s.tx.Part(idl.Part{Kind: "chassis", Table: "Chassis", Name: "chassis " + r.Name}) {
			if s.seen[r.Name] {
				s.log.Warn(fmt.Sprintf("Chassis for VTEP physical switch (%s) disappears, maybe deleted by ovn-sbctl, adding it back", r.Name))
			}
			s.insert("Chassis", map[string]any{"name": r.Name, "encaps": s.encaps(r, nil), "vtep_logical_switches": r.LogicalSwitches,
				"other_config": marks(r)})
		}
	}
}

// markKeys are the keys of other_config that a switch's chassis may have from here.
var markKeys = []string{isVTEP, identityKey, vtepdb.ReplicationKey, vtepdb.BFDKey}

// marks are what it has there.
func marks(r vtepdb.Registration) map[string]string {
	m := map[string]string{isVTEP: "true", identityKey: r.Identity}
	if r.ServiceNode {
		m[vtepdb.ReplicationKey] = vtepdb.ServiceNode
	}
	if r.BFD {
		m[vtepdb.BFDKey] = "true"
	}
	return m
}

// repair makes a row what it is to be; what others have put into other_config stays.
func (s *southbound) repair(r vtepdb.Registration, row *sb.Chassis) {
	marked := true
	for _, key := range markKeys {
		marked = marked && row.OtherConfig[key] == marks(r)[key]
	}
	encaps := s.encapsRight(r, row)
	named := slices.Equal(row.VTEPLogicalSwitches, r.LogicalSwitches)
	if marked && encaps && named || !s.tx.Part(idl.Part{Kind: "chassis", Table: "Chassis", Row: row.UUID, Name: "chassis " + r.Name}) {
		return
	}
	if !marked {
		s.tx.Mutate("Chassis", row.UUID, "other_config", "delete", markKeys)
		s.tx.Mutate("Chassis", row.UUID, "other_config", "insert", marks(r))
	}
	if !encaps {
		s.tx.Update("Chassis", row.UUID, map[string]any{"encaps": s.encaps(r, row)})
	}
	if !named {
		s.tx.Update("Chassis", row.UUID, map[string]any{"vtep_logical_switches": r.LogicalSwitches})
	}
}

// writeClaim binds a port, or gives it up.
func (s *southbound) writeClaim(c vtepdb.Claim) {
	if !s.tx.Part(idl.Part{Kind: "claim", Table: "Port_Binding", Row: c.ID, Name: "the claim of logical port " + c.Port.Name}) {
		return
	}
	row := map[string]any{"chassis": c.Chassis}
	switch {
	case c.Chassis.IsZero():
		if c.Port.Up {
			row["up"] = false
		}
		s.log.Info(fmt.Sprintf("Releasing lport %s from this switch.", c.Port.Name))
	default:
		if c.Up {
			row["up"] = true
		}
		if c.Port.Chassis != c.Chassis {
			s.log.Info(fmt.Sprintf("Claiming lport %s for switch %s.", c.Port.Name, c.Port.Switch))
		}
	}
	s.tx.Update("Port_Binding", c.ID, row)
}

// writeSighting keeps the FDB row of a station behind a switch. Its time is that of a row that never ages: the switch says when it has
// forgotten the station.
func (s *southbound) writeSighting(g vtepdb.Sighting) {
	if !s.tx.Part(idl.Part{Kind: "sighting", Table: "FDB", Row: g.Row, Name: fmt.Sprintf("MAC address %v of the datapath with tunnel key %d", g.MAC, g.Datapath)}) {
		return
	}
	switch {
	case g.Port == 0:
		s.tx.Delete("FDB", g.Row)
	case g.Row.IsZero():
		s.insert("FDB", map[string]any{"mac": g.MAC.String(), "dp_key": g.Datapath, "port_key": g.Port, "timestamp": int64(math.MaxInt64)})
	default:
		s.tx.Update("FDB", g.Row, map[string]any{"port_key": g.Port, "timestamp": int64(math.MaxInt64)})
	}
}
