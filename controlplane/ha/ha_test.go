package ha

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// links are the chassis to which BFD is up.
type links []string

func (l links) Up(chassis string) bool { return slices.Contains(l, chassis) }
func (l links) Any() bool              { return len(l) > 0 }

// group parses "a=30 b=20 / c d": members with their priorities, then who refers
// to the group. "?=10" is a member whose chassis is not registered.
func group(text string) Group {
	var g Group
	members, refs, _ := strings.Cut(text, "/")
	for _, w := range strings.Fields(members) {
		name, prio, _ := strings.Cut(w, "=")
		if name == "?" {
			name = ""
		}
		m := Member{Chassis: name}
		for _, c := range prio {
			m.Priority = m.Priority*10 + int64(c-'0')
		}
		g.Members = append(g.Members, m)
	}
	g.Refs = strings.Fields(refs)
	return g
}

const three = "ha1=30 ha2=40 ha3=20 / c1 c2"

func TestActive(t *testing.T) {
	for _, c := range []struct {
		name, group, self, up string
		active                bool
	}{
		{"no members", "", "a", "b", false},
		{"one member", "a=1", "a", "", true},
		{"one member, another", "a=1", "b", "a", false},
		{"one member, not registered", "?=1", "a", "b", false},
		{"no chassis name", "?=1 ?=2", "", "b", false},
		{"the other is not registered", "a=1 ?=2", "a", "", true},
		{"the other is not registered, asked elsewhere", "a=1 ?=2", "b", "a", false},
		{"all see each other: the best", three, "ha2", "ha1 ha3 c1 c2", true},
		{"all see each other: the second", three, "ha1", "ha2 ha3 c1 c2", false},
		{"all see each other: the third", three, "ha3", "ha1 ha2 c1 c2", false},
		{"the best is gone: the second", three, "ha1", "ha3 c1 c2", true},
		{"the best is gone: the third", three, "ha3", "ha1 c1 c2", false},
		{"both better ones are gone", three, "ha3", "c1 c2", true},
		{"both better ones are gone, one hypervisor is left", three, "ha3", "c2", true},
		{"cut off: the best", three, "ha2", "", false},
		{"cut off: the third", three, "ha3", "", false},
		{"sees nobody of the group or its hypervisors", three, "ha2", "x", false},
		{"sees a member but no hypervisor", three, "ha2", "ha3", true},
		{"a hypervisor is never active", three, "c1", "ha1 ha2 ha3 c2", false},
		{"a hypervisor that sees only one member", three, "c1", "ha3", false},
		{"equal priorities: by name, the last", "a=5 b=5 / c", "b", "a c", true},
		{"equal priorities: the other", "a=5 b=5 / c", "a", "b c", false},
		{"nobody refers, the other is gone", "a=5 b=9", "a", "x", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := group(c.group).Active(c.self, links(strings.Fields(c.up))); got != c.active {
				t.Errorf("%s is active: %v, want %v (group %s, BFD up to %q)", c.self, got, c.active, c.group, c.up)
			}
		})
	}
}

func TestOrdered(t *testing.T) {
	for text, want := range map[string]string{
		three:               "ha2 ha1 ha3",
		"a=5 c=5 b=5 ?=9":   "c b a",
		"":                  "",
		"?=1":               "",
		"z=1 a=2 m=2 / x y": "m a z",
	} {
		var got []string
		for _, m := range group(text).Ordered() {
			got = append(got, m.Chassis)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: ordered %q, want %q", text, s, want)
		}
	}
}

func TestBFDPeers(t *testing.T) {
	for _, c := range []struct{ group, self, want string }{
		{three, "ha1", "c1 c2 ha2 ha3"},
		{three, "c1", "ha1 ha2 ha3"},
		{three, "stranger", ""},
		{"a=1 / c", "a", ""},          // one member needs no election
		{"a=1 ?=2 / c", "c", "a"},     // not registered yet, but a member
		{"a=1 b=2 / a c", "a", "b c"}, // a member that is also behind its own gateway
		{"?=1 b=2 / c", "", ""},
	} {
		got := group(c.group).BFDPeers(c.self)
		slices.Sort(got)
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("group %q: %s runs BFD with %q, want %q", c.group, c.self, s, c.want)
		}
	}
}

// TestOneActive: while all members see each other and each hypervisor, exactly one
// believes that it is active, whatever the priorities.
func TestOneActive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching("[a-e]"), 1, 5, rapid.ID).Draw(t, "members")
		g := Group{Refs: []string{"hv"}}
		for _, n := range names {
			g.Members = append(g.Members, Member{n, rapid.Int64Range(0, 2).Draw(t, "priority")})
		}
		active := 0
		for _, self := range names {
			up := links{"hv"}
			for _, n := range names {
				if n != self {
					up = append(up, n)
				}
			}
			if g.Active(self, up) {
				active++
				if first := g.Ordered()[0].Chassis; first != self {
					t.Fatalf("%s is active, %s is preferred", self, first)
				}
			}
		}
		if active != 1 {
			t.Fatalf("%d members of %v are active", active, g.Members)
		}
	})
}
