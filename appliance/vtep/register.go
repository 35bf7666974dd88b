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
	gone := map[string]bool{}
	for row := range s.db.Chassis.All() {
		if !roll.Keep[row.Name] && row.OtherConfig[isVTEP] == "true" && (row.OtherConfig[identityKey] == roll.Identity || row.OtherConfig[vtepdb.MemberKey+roll.Identity] != "") {
			gone[row.Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		row := s.db.ChassisByName.One(name)
		if left, others := roll.Left[name]; others {
			s.repair(left, row, false)
		} else if s.tx.Part(idl.Part{Kind: "chassis", Table: "Chassis", Row: row.UUID, Name: "the removal of chassis " + name}) {
			s.unchanged(row) // nobody has come to share it
			s.tx.Delete("Chassis", row.UUID)
			delete(s.seen, name)
		}
	}
	maps.DeleteFunc(s.taken, func(name, _ string) bool { return !roll.Keep[name] })
	given := map[string]string{} // names of chassis by address
	for _, r := range roll.Chassis {
		other, ip := s.holder(r, gone, roll.Left)
		for _, a := range r.IPs {
			if other == "" && given[a] != "" {
				other, ip = given[a], a
			}
		}
		if other != "" {
			s.taken[r.Name] = s.held(r, other, ip)
			if row := s.db.ChassisByName.One(r.Name); row != nil { // who may share it is to know what is wanted: he may be the one that has the address
				r.Recorded = true
				s.repair(r, row, true)
			}
			continue
		}
		delete(s.taken, r.Name)
		for _, a := range r.IPs {
			given[a] = r.Name
		}
		if row := s.db.ChassisByName.One(r.Name); row != nil {
			s.seen[r.Name] = true
			s.repair(r, row, false)
		} else if s.tx.Part(idl.Part{Kind: "chassis", Table: "Chassis", Name: "chassis " + r.Name}) {
			if s.seen[r.Name] {
				s.log.Warn(fmt.Sprintf("Chassis for VTEP physical switch (%s) disappears, maybe deleted by ovn-sbctl, adding it back", r.Name))
			}
			s.insert("Chassis", map[string]any{"name": r.Name, "encaps": s.encaps(r, nil), "vtep_logical_switches": r.LogicalSwitches,
				"other_config": marks(r)})
		}
	}
}

// held says that another chassis has the address of a switch, and what to do.
func (s *southbound) held(r vtepdb.Registration, other, ip string) string {
	pair, sw := "", r.Name
	if row := s.db.ChassisByName.One(other); row != nil && row.OtherConfig[isVTEP] == "true" && len(r.Members) == 1 {
		pair = fmt.Sprintf("If the two are a pair that shares the address (MLAG), and so one chassis, say so: sluice vtep register %s --target REMOTE --pair=%s. ", sw, other)
	}
	return fmt.Sprintf("chassis %s in the Southbound database has the tunnel address %s of switch %s already, so the switch is not registered. "+
		"%sIf chassis %s is a leftover: ovn-sbctl chassis-del %s", other, ip, sw, pair, other, other)
}

// marks are what a switch's chassis has in other_config from here.
func marks(r vtepdb.Registration) map[string]string {
	m := map[string]string{}
	if r.Recorded {
		m = vtepdb.Records(r.Members)
	}
	m[isVTEP], m[identityKey] = "true", r.Identity
	if r.ServiceNode {
		m[vtepdb.ReplicationKey] = vtepdb.ServiceNode
	}
	if r.BFD {
		m[vtepdb.BFDKey] = "true"
	}
	return m
}

// isMark tells whether a key is one of marks.
func isMark(key string) bool {
	return key == isVTEP || key == identityKey || key == vtepdb.ReplicationKey || key == vtepdb.BFDKey || vtepdb.IsMemberKey(key)
}

// unchanged makes the transaction fail if a chassis is not what was read, as to who its members are.
func (s *southbound) unchanged(row *sb.Chassis) {
	s.tx.Wait("Chassis", row.UUID, map[string]any{"other_config": row.OtherConfig})
}

// repair makes a row what it is to be, but for the addresses where another chassis has one of them; what others have put into other_config stays.
func (s *southbound) repair(r vtepdb.Registration, row *sb.Chassis, held bool) {
	want, missing := marks(r), map[string]string{}
	var wrong []string
	for key, value := range row.OtherConfig {
		if wanted, is := want[key]; isMark(key) && (!is || value != wanted) {
			wrong = append(wrong, key)
		}
	}
	for key, value := range want {
		if has, is := row.OtherConfig[key]; !is || has != value {
			missing[key] = value
		}
	}
	encaps := held || s.encapsRight(r, row)
	named := slices.Equal(row.VTEPLogicalSwitches, r.LogicalSwitches)
	if len(wrong)+len(missing) == 0 && encaps && named || !s.tx.Part(idl.Part{Kind: "chassis", Table: "Chassis", Row: row.UUID, Name: "chassis " + r.Name}) {
		return
	}
	if r.Recorded { // what the others have of it counts
		s.unchanged(row)
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		s.tx.Mutate("Chassis", row.UUID, "other_config", "delete", wrong)
	}
	if len(missing) > 0 {
		s.tx.Mutate("Chassis", row.UUID, "other_config", "insert", missing)
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
