package logical

import (
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// dep is something by name that a logical flow's rules depend on.
type dep struct {
	kind depKind
	dp   uint32 // with depPort: key of the datapath on which the name is looked up
	name string
}

func on(kind depKind, name string) dep { return dep{kind: kind, name: name} }

type depKind uint8

const (
	depPort       depKind = iota // key of a logical port or multicast group
	depRelated                   // whether flows about a port matter here
	depResident                  // is_chassis_resident
	depAddressSet                // content of an address set
	depPortGroup                 // Southbound Port_Group, by its name there
	depTemplate                  // template variable
	depMeter                     // existence of a Meter row
	depWatch                     // OpenFlow port through which a logical port is reached
	depCollector                 // existence of a Flow_Sample_Collector_Set, by its id
	depFeature                   // whether the network asks for a feature that is lacking
)

// users is a set of flows: nearly always one, sometimes thousands.
type users struct {
	one  ovsdb.UUID
	many map[ovsdb.UUID]bool
}

// file replaces what flow id depends on.
func (l *Logical) file(id ovsdb.UUID, deps []dep) {
	for _, d := range l.flows[id] {
		u := l.users[d]
		switch {
		case u == nil:
		case u.many == nil:
			if u.one == id {
				l.unused(d)
			}
		default:
			if delete(u.many, id); len(u.many) == 0 {
				l.unused(d)
			}
		}
	}
	if len(deps) == 0 {
		delete(l.flows, id)
		return
	}
	l.flows[id] = deps
	for _, d := range deps {
		u := l.users[d]
		switch {
		case u == nil:
			l.users[d] = &users{one: id}
			if d.kind == depWatch {
				l.watched[d] = true
			}
		case u.many != nil:
			u.many[id] = true
		case u.one != id:
			u.many = map[ovsdb.UUID]bool{u.one: true, id: true}
		}
	}
}

func (l *Logical) unused(d dep) {
	delete(l.users, d)
	delete(l.watched, d)
}

// mark makes the flows that depend on d be compiled again.
func (l *Logical) mark(d dep) {
	u := l.users[d]
	switch {
	case u == nil:
	case u.many == nil:
		l.dirty[u.one] = true
	default:
		for id := range u.many {
			l.dirty[id] = true
		}
	}
}
