package vtepdb

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPairsIncremental: after random changes of two databases, whose switches are a pair now and then, and of the Southbound database the two planners come to
// an end at which planners that start now want nothing else, and the Southbound database is what both databases say, worked out plainly.
// SLUICE_SEED repeats a run.
func TestPairsIncremental(t *testing.T) {
	one, two := newPair(t)
	r := random(t)
	a := &generator{bench: one, r: r, switches: 4}
	b := &generator{bench: two, r: r, switches: 4, first: 2}
	steps, together := 250, 0
	if testing.Short() {
		steps = 60
	}
	for i := range steps {
		for range 1 + r.IntN(4) {
			g := []*generator{a, b}[r.IntN(2)]
			if g.step(); g == a { // they are of one Southbound database
				b.ids, b.hosts, b.next = a.ids, a.hosts, a.next
			} else {
				a.ids, a.hosts, a.next = b.ids, b.hosts, b.next
			}
		}
		one.now = one.now.Add(time.Hour) // nothing is damped
		two.now = one.now
		settlePair(one, two)
		for _, side := range []*bench{one, two} {
			if text := side.differsFromFresh(); text != "" {
				t.Fatalf("step %d: %s: %s", i, side.plan.Switches(), text)
			}
		}
		if got, want := one.records(), recorded(one, two); got != want {
			t.Fatalf("step %d: the chassis are\n%s\nwant\n%s", i, got, want)
		}
		if text := unseen(one, two); text != "" {
			t.Fatalf("step %d: %s", i, text)
		}
		if text := one.unclaimed(); text != "" {
			t.Fatalf("step %d: %s", i, text)
		}
		if one.plan.shared("sw0") {
			together++
		}
	}
	t.Logf("a pair in %d of %d steps", together, steps)
}

// records are the chassis of switches, with what is recorded of their members.
func (b *bench) records() string {
	var lines []string
	for _, c := range b.chassis {
		if c.Identity != "" {
			lines = append(lines, fmt.Sprintf("%s at %s: %v", c.Name, c.IP, c.Members))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// recorded is what records has to be, but where a switch has no address, or one that is another chassis' already, as then who came first counts.
func recorded(one, two *bench) string {
	var lines []string
	for _, c := range one.chassis {
		if c.Identity == "" {
			continue
		}
		var members []Member
		for _, side := range []*bench{one, two} {
			db := side.replica.DB()
			for _, m := range c.Members {
				if m.Identity != side.global().String() {
					continue
				}
				if len(c.Members) == 1 && c.Name == m.Switches[0] { // it is not recorded, and tested with one database
					members = append(members, m)
					continue
				}
				var ips []string
				bound := map[string]bool{}
				for _, name := range m.Switches {
					row := db.PhysicalSwitchByName.One(name)
					if row == nil {
						return "a chassis has a switch that is gone: " + name
					}
					ips = append(ips, row.TunnelIPs...)
					for _, id := range row.Ports {
						for _, ls := range db.PhysicalPort.Get(id).VLANBindings {
							bound[db.LogicalSwitch.Get(ls).Name] = true
						}
					}
				}
				if one.held(Chassis{Name: c.Name, Members: []Member{{IPs: ips}}}) {
					members = append(members, m)
					continue
				}
				slices.Sort(ips)
				if has := slices.Sorted(slices.Values(m.IPs)); !slices.Equal(has, slices.Compact(ips)) {
					return fmt.Sprintf("chassis %s has of %s the addresses %v, they are %v", c.Name, m.Switches, has, ips)
				}
				m.Bound = sortedKeys(bound)
				members = append(members, m)
			}
		}
		if len(members) != len(c.Members) {
			return fmt.Sprintf("chassis %s has members that there are not: %v", c.Name, c.Members)
		}
		slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.Identity, b.Identity) })
		lines = append(lines, fmt.Sprintf("%s at %s: %v", c.Name, c.IP, members))
		switch a, b := one.replica.DB().PhysicalSwitchByName.One("sw0"), two.replica.DB().PhysicalSwitchByName.One("sw2"); {
		case c.Name != "sw0" || a == nil || b == nil:
		case shareAddress([]Member{{IPs: a.TunnelIPs}}, Member{IPs: b.TunnelIPs}) != (len(members) == 2):
			reach := slices.ContainsFunc(members, func(m Member) bool { return len(m.Switches) > 1 }) // by a third one, perhaps
			if !reach {
				return fmt.Sprintf("sw0 has %v, sw2 %v, and the chassis %v", a.TunnelIPs, b.TunnelIPs, members)
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// unseen says which station that a switch knows has no FDB row.
func unseen(one, two *bench) string {
	for _, side := range []*bench{one, two} {
		db := side.replica.DB()
		for row := range db.UcastMacsLocal.All() {
			b := side.plan.bound[db.LogicalSwitch.Get(row.LogicalSwitch).Name]
			mac, ok := side.plan.readMAC(row.MAC)
			if !ok || b == nil || side.plan.portOf(b, side.plan.chassisAt(side.plan.dstIP(row.Locator))) == nil {
				continue
			}
			pl := Place{one.datapaths[b.dp], mac}
			if !slices.ContainsFunc(slices.Collect(maps.Values(one.learned)), func(l Learned) bool { return l.Place == pl }) {
				return fmt.Sprintf("station %v has no FDB row", pl)
			}
		}
	}
	return ""
}

// unclaimed says which logical switch of a pair has none of the ports that could be bound, or two.
func (b *bench) unclaimed() string {
	if !b.plan.shared("sw0") {
		return ""
	}
	h := b.plan.homes["sw0"]
	if id, c, ok := b.plan.chassisOf("sw0"); !ok || !b.plan.registered(c) || !reflect.DeepEqual(b.chassis[id].Members, ReadMembers(Records(h.Members))) {
		return ""
	}
	for n := range 3 {
		ls := fmt.Sprint("ls", n)
		candidates, bound, alone := 0, 0, true
		for _, port := range b.ports {
			if port.Kind != VTEP || port.LogicalSwitch != ls {
				continue
			}
			ours := slices.ContainsFunc(h.Members, func(m Member) bool { return slices.Contains(m.Switches, port.Switch) })
			if ours && b.datapaths[port.Datapath] != 0 && slices.Contains(h.LogicalSwitches, ls) {
				candidates++
			}
			alone = alone && (ours || port.Switch == "far")
			if b.chassis[port.Chassis].Name == "sw0" {
				bound++
			}
		}
		if want := min(candidates, 1); bound > 1 || alone && bound != want {
			return fmt.Sprintf("%d ports of chassis sw0 are bound to %s, of %d", bound, ls, candidates)
		}
	}
	return ""
}
