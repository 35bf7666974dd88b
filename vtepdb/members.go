package vtepdb

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// A chassis can be that of switches in several databases, a pair, each with a controller of its own that knows nothing of the other but what is in
// the row. So each writes its part into Chassis.other_config, under keys that nobody else writes, and all of them make the rest of the row what
// the parts say. A chassis of one database, called like a switch in it, has no such keys: sluice-identity says all.
const (
	// MemberKey and the identity of a database: a Member, as JSON.
	MemberKey = "sluice-member:"
	// boundKey, that identity, ":" and the name of a logical switch that the member's ports have. They are not in one text, as there may be thousands.
	boundKey = "sluice-bound:"
)

// Member is what a database has of a chassis.
type Member struct {
	Identity    string   `json:"-"`        // UUID of its Global row
	Switches    []string `json:"switches"` // sorted
	IPs         []string `json:"tunnel_ips"`
	ServiceNode bool     `json:"service_node,omitempty"` // see ReplicationKey
	BFD         bool     `json:"bfd,omitempty"`          // see BFDKey
	Bound       []string `json:"-"`                      // logical switches, sorted
}

// ReadMembers reads the members of a chassis, by identity. What is malformed is none: its writer puts it right.
func ReadMembers(config map[string]string) []Member {
	by := map[string]*Member{}
	for key, text := range config {
		id, is := strings.CutPrefix(key, MemberKey)
		m := Member{Identity: id}
		if is && id != "" && json.Unmarshal([]byte(text), &m) == nil && len(m.Switches) > 0 {
			by[id] = &m
		}
	}
	if len(by) == 0 {
		return nil
	}
	for key := range config {
		if text, is := strings.CutPrefix(key, boundKey); is {
			id, ls, _ := strings.Cut(text, ":")
			if m := by[id]; m != nil {
				m.Bound = append(m.Bound, ls)
			}
		}
	}
	var members []Member
	for _, id := range slices.Sorted(maps.Keys(by)) {
		slices.Sort(by[id].Bound)
		members = append(members, *by[id])
	}
	return members
}

// IsMemberKey tells whether a key in Chassis.other_config is of what Records returns.
func IsMemberKey(key string) bool {
	return strings.HasPrefix(key, MemberKey) || strings.HasPrefix(key, boundKey)
}

// Records are the keys and values in Chassis.other_config that say which members there are.
func Records(members []Member) map[string]string {
	records := map[string]string{}
	for _, m := range members {
		text, err := json.Marshal(m)
		if err != nil {
			panic(err) // of strings and truth values there is always a text
		}
		records[MemberKey+m.Identity] = string(text)
		for _, ls := range m.Bound {
			records[boundKey+m.Identity+":"+ls] = ""
		}
	}
	return records
}

// registration is the chassis that members make up. All of them come to the same: it depends on nothing else, and not on the order. Members are
// sorted for that, the one first that has the switch that the chassis is called like, the others by name.
func registration(name string, members []Member) Registration {
	slices.SortFunc(members, func(a, b Member) int {
		other := func(m Member) int {
			if slices.Contains(m.Switches, name) {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(other(a), other(b)), slices.Compare(a.Switches, b.Switches), cmp.Compare(a.Identity, b.Identity))
	})
	r := Registration{Name: name, Identity: members[0].Identity, Members: members, Recorded: len(members) > 1 || !slices.Contains(members[0].Switches, name)}
	bound := map[string]bool{}
	for _, m := range members {
		for _, ip := range m.IPs {
			if !slices.Contains(r.IPs, ip) {
				r.IPs = append(r.IPs, ip)
			}
		}
		for _, ls := range m.Bound {
			bound[ls] = true
		}
		r.ServiceNode, r.BFD = r.ServiceNode || m.ServiceNode, r.BFD || m.BFD
	}
	r.LogicalSwitches = sortedKeys(bound)
	return r
}

// registered tells whether a chassis has what is here as a member.
func (p *Planner) registered(c Chassis) bool {
	return c.Identity != "" && c.Identity == p.identity || slices.ContainsFunc(c.Members, func(m Member) bool { return m.Identity == p.identity })
}

// others are the members of a chassis in other databases. One with a switch of the name of one here is that switch's database from before.
func (p *Planner) others(c Chassis) (others []Member) {
	for _, m := range c.Members {
		if m.Identity != p.identity && !slices.ContainsFunc(m.Switches, func(sw string) bool { return p.switches[sw] != nil && !p.switches[sw].peer }) {
			others = append(others, m)
		}
	}
	return others
}
