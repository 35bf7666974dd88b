package vtepdb

import (
	"net/netip"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/wire"
)

// Group is an IGMP_Group row: a chassis has members of a multicast group.
type Group struct {
	Datapath ovsdb.UUID
	MAC      wire.MAC // zero: of every group, as there is a multicast router
	Chassis  ovsdb.UUID
}

// membership is how many rows say that a chassis has members, by the group's MAC address.
type membership map[wire.MAC]map[ovsdb.UUID]int

// GroupMAC is the MAC address of a multicast group (RFC 1112, 6.4; RFC 2464, 7). It is false for what is no group, and for groups
// whose frames are for everybody, as multicast snooping has it (RFC 4541, 2.1.2 and 3): those of 224.0.0.0/24, which nobody has to
// join, and those of neighbour discovery, with all that share their MAC addresses.
func GroupMAC(ip netip.Addr) (wire.MAC, bool) {
	ip = ip.Unmap()
	if !ip.IsMulticast() {
		return wire.MAC{}, false
	}
	if ip.Is4() {
		b := ip.As4()
		mac := wire.MAC{0x01, 0x00, 0x5e, b[1] & 0x7f, b[2], b[3]}
		return mac, mac[3] != 0 || mac[4] != 0
	}
	mac := wire.MulticastMAC(ip)
	return mac, mac[2] != 0xff && (mac[2] != 0 || mac[3] != 0 || mac[4] != 0)
}

// SetGroup says what an IGMP_Group row is now; nil: it is gone.
func (p *Planner) SetGroup(id ovsdb.UUID, g *Group) {
	old, had := p.groups[id]
	if g != nil && had && old == *g || g == nil && !had {
		return
	}
	if had {
		delete(p.groups, id)
		p.member(old, -1)
	}
	if g != nil {
		p.groups[id] = *g
		p.member(*g, 1)
	}
}

// member counts what says that a chassis has members, or ceases to.
func (p *Planner) member(g Group, n int) {
	at := p.members[g.Datapath]
	if at == nil {
		at = membership{}
		p.members[g.Datapath] = at
	}
	if at[g.MAC] == nil {
		at[g.MAC] = map[ovsdb.UUID]int{}
	}
	for name := range p.boundTo[g.Datapath] { // while the group is still there
		if b := p.bound[name]; g.MAC.IsZero() {
			p.markFloods(b)
		} else {
			p.floods[macKey{b.ls, g.MAC}] = true
		}
	}
	chassis := at[g.MAC]
	if chassis[g.Chassis] += n; chassis[g.Chassis] == 0 {
		delete(chassis, g.Chassis)
	}
	if len(chassis) == 0 {
		delete(at, g.MAC)
	}
	if len(at) == 0 {
		delete(p.members, g.Datapath)
	}
}

// audience is where frames to a multicast group go: the chassis that have members, those with multicast routers, and other
// switches, which OVN does not see into. Empty: nobody knows, so they are flooded.
func (p *Planner) audience(b *binding, group wire.MAC) map[string]bool {
	out := map[string]bool{}
	if len(p.members[b.dp][group]) == 0 || p.mode == ServiceNode { // which knows the members
		return out
	}
	add := func(id ovsdb.UUID) {
		if ip, ok := p.reach(id); ok {
			out[ip] = true
		}
	}
	for _, mac := range []wire.MAC{group, {}} {
		for id := range p.members[b.dp][mac] {
			add(id)
		}
	}
	if s := p.segments[b.dp]; s != nil {
		for id := range s.hosts {
			if p.chassis[id].VTEP {
				add(id)
			}
		}
	}
	return out
}
