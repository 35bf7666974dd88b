// Package ha decides which chassis of an HA chassis group is the active one, and
// with which chassis this one must run BFD (ovn-architecture(7), "High
// Availability for Distributed Gateways"). It is pure: liveness is an input.
package ha

import "slices"

// Member is a chassis of a group.
type Member struct {
	Chassis  string // name; "" when the chassis is not registered
	Priority int64
}

// Group is an HA chassis group: its members, and the chassis that refer to it
// (they send traffic to the active member).
type Group struct {
	Members []Member
	Refs    []string
}

// Live tells whether BFD on the tunnel to a chassis is up.
type Live interface {
	Up(chassis string) bool
	// Any tells whether BFD is up on any tunnel.
	Any() bool
}

// Ordered are the registered members, the most preferred first: by priority, then
// by name in reverse, as every OVN chassis orders them.
func (g Group) Ordered() []Member { return g.ordered(func(string) bool { return true }) }

func (g Group) ordered(keep func(string) bool) []Member {
	var ms []Member
	for _, m := range g.Members {
		if m.Chassis != "" && keep(m.Chassis) {
			ms = append(ms, m)
		}
	}
	slices.SortFunc(ms, func(a, b Member) int {
		switch {
		case a.Priority > b.Priority:
			return -1
		case a.Priority < b.Priority:
			return 1
		case a.Chassis > b.Chassis:
			return -1
		case a.Chassis < b.Chassis:
			return 1
		}
		return 0
	})
	return ms
}

// Contains tells whether a chassis is a registered member.
func (g Group) Contains(chassis string) bool {
	return slices.ContainsFunc(g.Members, func(m Member) bool { return m.Chassis == chassis && chassis != "" })
}

// Active tells whether self is the active member as far as self can see.
//
// A member that has lost all its BFD sessions believes that it is cut off and is
// not active. One that sees no other member is active only when it still reaches
// one of the chassis that refer to the group: otherwise two members that do not
// see each other would both be active.
func (g Group) Active(self string, live Live) bool {
	if len(g.Members) == 0 {
		return false
	}
	if len(g.Members) == 1 {
		return g.Members[0].Chassis == self
	}
	if all := g.Ordered(); len(all) == 1 && all[0].Chassis == self {
		return true
	}
	if !live.Any() {
		return false
	}
	ms := g.ordered(func(c string) bool { return c == self || live.Up(c) })
	if len(ms) == 1 {
		return ms[0].Chassis == self && slices.ContainsFunc(g.Refs, live.Up)
	}
	return len(ms) > 0 && ms[0].Chassis == self
}

// BFDPeers are the chassis that self must run BFD with on account of g: the other
// members and, when self is a member, the chassis that refer to g.
func (g Group) BFDPeers(self string) []string {
	if len(g.Members) < 2 {
		return nil
	}
	member := g.Contains(self)
	if !member && !slices.Contains(g.Refs, self) {
		return nil
	}
	var peers []string
	for _, m := range g.Members {
		if m.Chassis != "" && m.Chassis != self {
			peers = append(peers, m.Chassis)
		}
	}
	if member {
		for _, r := range g.Refs {
			if r != self {
				peers = append(peers, r)
			}
		}
	}
	return peers
}
