package vtepdb

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/vtepdb/locator"
)

// newPair is two databases with a planner each at one Southbound database. Switch sw2 of the second is registered as one of a pair with sw0 of the first.
func newPair(t *testing.T) (one, two *bench) {
	t.Helper()
	one, two = newBench(t), newBench(t)
	two.sw, two.pair = "sw2", "sw0"
	two.plan = two.planner()
	two.chassis, two.ports, two.datapaths, two.learned, two.groups = one.chassis, one.ports, one.datapaths, one.learned, one.groups
	one.peer, two.peer = two, one
	one.global()
	two.global()
	return one, two
}

// settlePair lets both have their way, and waits for turns.
func settlePair(one, two *bench) {
	one.Helper()
	for range 50 {
		first, second := one.settle(), two.settle()
		wake := one.plan.Wake()
		if at := two.plan.Wake(); wake.IsZero() || !at.IsZero() && at.Before(wake) {
			wake = at
		}
		switch {
		case !wake.IsZero():
			one.now, two.now = wake, wake
		case !first && !second:
			return
		}
	}
	one.Fatalf("the two do not come to an end: %+v\n%+v", one.plan.pending, two.plan.pending)
}

// pairScene is a pair at 192.0.2.1 with logical switch ls, which both have, and a logical port that calls the second.
type pairScene struct {
	one, two *bench
	dp, tor  ovsdb.UUID
}

func newPairScene(t *testing.T) *pairScene {
	one, two := newPair(t)
	s := &pairScene{one, two, ovsdb.NewUUID(), ovsdb.NewUUID()}
	for i, side := range []*bench{one, two} {
		global := side.global()
		side.change(func(tx *idl.Tx) {
			ls := tx.Insert("Logical_Switch", map[string]any{"name": "ls"})
			port := tx.Insert("Physical_Port", map[string]any{"name": "p", "vlan_bindings": map[int64]ovsdb.NamedUUID{5: ls}})
			tx.Insert("Physical_Locator", map[string]any{"encapsulation_type": locator.VXLAN, "dst_ip": "192.0.2.1"})
			tx.Mutate("Global", global, "switches", "insert", tx.Insert("Physical_Switch", map[string]any{"name": fmt.Sprint("sw", 2*i), "ports": port, "tunnel_ips": "192.0.2.1"}))
		})
	}
	one.datapaths[s.dp] = 7
	one.ports[s.tor] = &Port{Name: "tor", Kind: VTEP, Datapath: s.dp, Key: 1, Switch: "sw2", LogicalSwitch: "ls"}
	settlePair(one, two)
	if id, _, ok := one.plan.chassisOf("sw0"); len(one.chassis) != 1 || !ok || one.ports[s.tor].Chassis != id || !one.ports[s.tor].Up {
		t.Fatalf("chassis %+v, port %+v", one.chassis, one.ports[s.tor])
	}
	return s
}

// knows makes a switch know a station, or forget it.
func (s *pairScene) knows(side *bench, mac wire.MAC, does bool) {
	db := side.replica.DB()
	side.change(func(tx *idl.Tx) {
		for row := range db.UcastMacsLocal.All() {
			if row.MAC == mac.String() {
				tx.Delete("Ucast_Macs_Local", row.UUID)
			}
		}
		if does {
			at := locator.New(tx, db.PhysicalLocatorByDstIP, plain).To("192.0.2.1")
			tx.Insert("Ucast_Macs_Local", map[string]any{"MAC": mac.String(), "logical_switch": db.LogicalSwitchByName.One("ls").UUID, "locator": at})
		}
	})
}

// TestPairStations: stations that one switch of a pair knows, or both, have an FDB row exactly as long as one does, however they are learned and forgotten,
// and neither switch is told that they are elsewhere.
func TestPairStations(t *testing.T) {
	s := newPairScene(t)
	r := random(t)
	known := map[wire.MAC][2]bool{}
	for i := range 60 {
		for range 1 + r.IntN(4) {
			mac, n := wire.MAC{2, 0, 0, 0, 0, byte(r.IntN(4))}, r.IntN(2)
			now := known[mac]
			now[n] = r.IntN(2) == 0
			known[mac] = now
			s.knows([]*bench{s.one, s.two}[n], mac, now[n])
			if r.IntN(3) == 0 {
				s.one.settle()
			}
			if r.IntN(3) == 0 {
				s.two.settle()
			}
		}
		s.one.now = s.one.now.Add(time.Hour)
		s.two.now = s.one.now
		settlePair(s.one, s.two)
		var got, want []string
		for _, l := range s.one.learned {
			got = append(got, fmt.Sprint(l.MAC, " ", l.Port))
		}
		for mac, by := range known {
			if by[0] || by[1] {
				want = append(want, fmt.Sprint(mac, " 1"))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("step %d: FDB rows %v, want %v", i, got, want)
		}
		if n := s.one.replica.DB().UcastMacsRemote.Len() + s.two.replica.DB().UcastMacsRemote.Len(); n != 0 {
			t.Fatalf("step %d: %d remote MACs", i, n)
		}
	}
	// A start of either, when the switches know what they know, changes nothing.
	for _, side := range []*bench{s.one, s.two} {
		if text := side.differsFromFresh(); text != "" {
			t.Error(text)
		}
	}
}

// TestPairTurns: a new station that the second member sees first has to wait for the first one; one that somebody forgets does not.
func TestPairTurns(t *testing.T) {
	s := newPairScene(t)
	mac := wire.MAC{2, 0, 0, 0, 0, 1}
	s.knows(s.two, mac, true)
	s.two.settle()
	if at := s.two.plan.Wake(); len(s.one.learned) != 0 || at != s.two.now.Add(turnPause) {
		t.Errorf("FDB %v, woken at %v, now is %v", s.one.learned, at, s.two.now)
	}
	s.knows(s.one, mac, true)
	s.one.settle()
	s.two.settle()
	if len(s.one.learned) != 1 || !s.two.plan.Wake().IsZero() {
		t.Errorf("FDB %v, woken at %v", s.one.learned, s.two.plan.Wake())
	}
	s.knows(s.one, mac, false)
	s.one.settle()
	if len(s.one.learned) != 0 {
		t.Errorf("FDB %v", s.one.learned)
	}
	s.two.settle()
	if len(s.one.learned) != 1 {
		t.Errorf("FDB %v", s.one.learned)
	}
}

// TestPairMode: what one member cannot do none is asked to, as a chassis has one mode; each records what is its own need.
func TestPairMode(t *testing.T) {
	s := newPairScene(t)
	modes := func() string {
		var out []string
		for _, side := range []*bench{s.one, s.two} {
			out = append(out, side.replica.DB().LogicalSwitchByName.One("ls").ReplicationMode.V)
		}
		return strings.Join(out, " ")
	}
	global := s.two.global()
	set := func(mode string) {
		s.two.change(func(tx *idl.Tx) {
			tx.Mutate("Global", global, "other_config", "delete", []string{replicationKey})
			tx.Mutate("Global", global, "other_config", "insert", map[string]string{replicationKey: mode})
		})
		settlePair(s.one, s.two)
	}
	if got := modes(); got != "source_node source_node" {
		t.Errorf("modes: %s", got)
	}
	set(ServiceNode)
	if got := modes(); got != "service_node service_node" {
		t.Errorf("modes: %s", got)
	}
	set(SourceNode)
	if got := modes(); got != "source_node source_node" {
		t.Errorf("modes: %s", got)
	}
}

// TestPairLeave: what one member takes back is its own part: the chassis, the port that calls it by the name of the other and the station of the other stay.
func TestPairLeave(t *testing.T) {
	s := newPairScene(t)
	mac := wire.MAC{2, 0, 0, 0, 0, 1}
	s.knows(s.one, mac, true)
	s.knows(s.two, mac, true)
	settlePair(s.one, s.two)
	s.one.plan.Withdraw()
	settlePair(s.one, s.two)
	id, c, ok := s.two.plan.chassisOf("sw0")
	if !ok || len(c.Members) != 1 || c.Identity != s.two.global().String() || s.one.ports[s.tor].Chassis != id || len(s.one.learned) != 1 {
		t.Errorf("after the first has gone: chassis %+v, port %+v, FDB %v", c, s.one.ports[s.tor], s.one.learned)
	}
	if text := s.two.differsFromFresh(); text != "" {
		t.Error(text)
	}
	s.two.plan.Withdraw()
	settlePair(s.one, s.two)
	if len(s.one.chassis) != 0 || !s.one.ports[s.tor].Chassis.IsZero() || len(s.one.learned) != 0 {
		t.Errorf("after both have gone: chassis %+v, port %+v, FDB %v", s.one.chassis, s.one.ports[s.tor], s.one.learned)
	}
}

// TestPairApart: a member that has no address of the pair is a chassis of its own, and says why; with one it is of the pair again.
func TestPairApart(t *testing.T) {
	s := newPairScene(t)
	move := func(ip string) string {
		s.two.change(func(tx *idl.Tx) {
			tx.Update("Physical_Switch", s.two.replica.DB().PhysicalSwitchByName.One("sw2").UUID, map[string]any{"tunnel_ips": ip})
		})
		settlePair(s.one, s.two)
		var codes []string
		for _, p := range s.two.plan.Problems() {
			codes = append(codes, p.Code)
		}
		return fmt.Sprint(sortedKeys(presence(s.one.plan.chassisByName)), s.one.chassis[s.one.ports[s.tor].Chassis].Name, codes)
	}
	if got := move("192.0.2.2"); got != "[sw0 sw2]sw2[pair-apart]" {
		t.Errorf("with another address: %s", got)
	}
	if got := move("192.0.2.1"); got != "[sw0]sw0[]" {
		t.Errorf("with the pair's address: %s", got)
	}
}

// TestReadMembers: what is written is read again; what is malformed is no member.
func TestReadMembers(t *testing.T) {
	members := []Member{{Identity: "a", Switches: []string{"x:y \"z\"", "ü"}, IPs: []string{"192.0.2.1"}, BFD: true, Bound: []string{"", ":", "ls 1"}},
		{Identity: "b", Switches: []string{"t"}, ServiceNode: true}}
	config := Records(members)
	config["is-vtep"], config[MemberKey+"c"], config[MemberKey], config[MemberKey+"d"], config[boundKey+"e:f"] = "true", "{", "{}", `{"switches":[]}`, ""
	if got := ReadMembers(config); !reflect.DeepEqual(got, members) {
		t.Errorf("%+v, want %+v", got, members)
	}
}
