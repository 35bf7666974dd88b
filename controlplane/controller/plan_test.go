package controller

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/internal/testkit/central"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
)

// switchCaps is a target much like TC flower that shares connections with the fallback.
func switchCaps() offload.Caps {
	match, set := offload.Fields{}, offload.Fields{}
	for _, f := range []ir.Field{ir.EthSrc, ir.EthDst, ir.EthType, ir.VLANTCI, ir.IPProto, ir.IPDSCP, ir.IPTTL, ir.IPFrag, ir.IP4Src, ir.IP4Dst, ir.IP6Src, ir.IP6Dst,
		ir.TCPSrc, ir.TCPDst, ir.TCPFlags, ir.UDPSrc, ir.UDPDst, ir.SCTPSrc, ir.SCTPDst, ir.ICMP4Type, ir.ICMP4Code, ir.ICMP6Type, ir.ICMP6Code,
		ir.TunID, ir.TunOpt, ir.CTState, ir.CTMark, ir.CTLabel, ir.PktMark} {
		match[f] = offload.AllOf(f, offload.Ternary)
	}
	for _, f := range []ir.Field{ir.EthSrc, ir.EthDst, ir.VLANTCI, ir.IPDSCP, ir.IPTTL, ir.IP4Src, ir.IP4Dst, ir.IP6Src, ir.IP6Dst,
		ir.TCPSrc, ir.TCPDst, ir.UDPSrc, ir.UDPDst, ir.TunID, ir.TunOpt, ir.PktMark} {
		set[f] = offload.AllOf(f, offload.Ternary)
	}
	few := offload.Amount{Max: 2}
	return offload.Caps{
		Target: "test", Match: match, Set: set, DecTTL: few, PopVLAN: few, Push: few, Outputs: offload.Amount{Max: 16},
		Tunnels: map[string]offload.Ability{"geneve": offload.Yes}, Jump: offload.Yes, Tags: offload.Yes, Meter: offload.Yes, Queue: offload.Yes,
		Conntrack: offload.Conntrack{Shared: offload.Yes, Commit: offload.Yes, NAT: offload.Yes, Mark: offload.Yes, Label: offload.Yes, Clear: offload.Yes},
	}
}

// tables are what a target holds that does as it is told.
type tables map[flatten.SegmentID]*offload.Table

// follow does all that p has to tell.
func (ts tables) follow(p *plan.Planner, now time.Time) {
	for d, ok := p.Delta(now); ok; d, ok = p.Delta(now) {
		if d.Reset {
			clear(ts)
		}
		for _, t := range d.Put {
			ts[t.Segment] = &t
		}
		for _, id := range d.Del {
			delete(ts, id)
		}
	}
}

func (ts tables) entries() (n int) {
	for _, t := range ts {
		n += len(t.Entries)
	}
	return n
}

// refuse has the target refuse a twentieth of what it holds.
func (ts tables) refuse(seed uint64) (r offload.Report) {
	random := rand.New(rand.NewPCG(seed, 1))
	for _, id := range slices.SortedFunc(maps.Keys(ts), flatten.CompareIDs) {
		for _, e := range ts[id].Entries {
			if random.IntN(20) == 0 {
				r.Failures = append(r.Failures, offload.Failure{Segment: id, Path: e.Path.ID, Kind: backend.Unsupported, Detail: "no"})
			}
		}
	}
	return r
}

// covered is a coverage in words.
func covered(c plan.Coverage) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d paths are offloaded", c.Total.Offloaded, c.Total.Offloaded+c.Total.Fallback)
	for _, k := range slices.SortedFunc(maps.Keys(c.ByCause), func(a, b plan.Cause) int {
		return cmp.Or(cmp.Compare(c.ByCause[b].Fallback, c.ByCause[a].Fallback), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Stage, b.Stage))
	}) {
		fmt.Fprintf(&b, "; %s at %s %d", k.Code, k.Stage, c.ByCause[k].Fallback)
	}
	return b.String()
}

// devices are the ports of c, each with a device.
func (c *hypervisor) devices() (ports []offload.Port) {
	for name, n := range c.ofports {
		p := offload.Port{Ofport: uint32(n), Name: name, Device: "dev-" + name, Mode: offload.HardwareToo}
		if strings.HasPrefix(name, "ovn-") {
			p.Tunnel = &offload.Tunnel{Type: "geneve", Remote: netip.MustParseAddr("192.0.2.2")}
		}
		ports = append(ports, p)
	}
	return ports
}

// TestPlacementFollowsChanges makes random changes of a deployment, has the target
// refuse some entries after each, and sends packets and replies through what it holds.
func TestPlacementFollowsChanges(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	for n := range *seeds {
		seed := *first + uint64(n)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			d := central.Start(t)
			local := localDB(t, localIDs)
			physBridges(local)
			c := startChassis(t, d.SB, local)
			c.quiet(d)
			m := newMutator(seed, d, c)
			m.base()
			caps := switchCaps()
			caps.Handover.Can = seed%2 == 0
			p := plan.New(flatten.Config{Cut: 16, Control: flatten.NeighbourTraffic()})
			p.SetCaps(caps)
			now, ts, hits := time.Unix(1000, 0), tables{}, map[string]int{}
			rules := map[ir.RuleID]ir.Rule{}
			for step := range max(1, *steps/5) {
				for range 3 {
					m.change()
					c.quiet(d)
				}
				change := changed(rules, c.rules)
				change.Meters = slices.Collect(maps.Values(c.meters))
				rules = maps.Clone(c.rules)
				p.Apply(change)
				p.SetPorts(c.devices(), nil)
				for range 2 {
					ts.follow(p, now)
					machine := &flattentest.Machine{Paths: p.Flattener(), Hash: p.Caps().Hash.Can, Tables: ts, Hits: hits}
					if wrong := machine.Converse(slices.Collect(maps.Values(rules)), seed+uint64(step), 100); wrong != "" {
						t.Fatalf("%s\nhistory:\n%s", wrong, strings.Join(m.history, "\n"))
					}
					p.Report(now, ts.refuse(seed+uint64(step)))
				}
			}
			t.Logf("%d tables, %d entries; packets met %v; %s", len(ts), ts.entries(), hits, covered(p.Coverage()))
			if hits["output"]+hits["drop"] == 0 {
				t.Error("no packet met an offloaded path: this test tests nothing")
			}
		})
	}
}

// TestPlacementOfGateway places the paths of a gateway, also where the target has little
// room or refuses entries, and sends packets and replies through what was placed.
func TestPlacementOfGateway(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	c := startGateway(t)
	for _, variant := range []struct {
		name string
		caps func(*offload.Caps)
	}{
		{"all", func(*offload.Caps) {}},
		{"handover", func(c *offload.Caps) { c.Handover = offload.Yes }},
		{"stateless", func(c *offload.Caps) { c.Conntrack = offload.Conntrack{} }},
		{"room", func(c *offload.Caps) { c.Entries = 300 }},
	} {
		t.Run(variant.name, func(t *testing.T) {
			caps := switchCaps()
			variant.caps(&caps)
			p := plan.New(flatten.Config{Cut: 16, Control: flatten.NeighbourTraffic()})
			p.SetCaps(caps)
			p.SetPorts(c.devices(), nil)
			begin := time.Now()
			p.Apply(backend.Delta{Put: slices.Collect(maps.Values(c.rules)), Meters: slices.Collect(maps.Values(c.meters))})
			flat := time.Since(begin)
			now, ts, hits := time.Unix(1000, 0), tables{}, map[string]int{}
			tell := func(seed uint64) {
				t.Helper()
				ts.follow(p, now)
				if caps.Entries > 0 && ts.entries() > caps.Entries {
					t.Fatalf("%d entries, there is room for %d", ts.entries(), caps.Entries)
				}
				m := &flattentest.Machine{Paths: p.Flattener(), Hash: p.Caps().Hash.Can, Tables: ts, Hits: hits}
				if wrong := m.Converse(slices.Collect(maps.Values(c.rules)), seed, 500); wrong != "" {
					t.Fatal(wrong)
				}
			}
			begin = time.Now()
			p.Delta(now)
			placed := time.Since(begin)
			p.Restart()
			tell(1)
			t.Logf("made in %v, placed in %v: %d tables, %d entries; packets met %v; %s", flat, placed, len(ts), ts.entries(), hits, covered(p.Coverage()))
			before := p.Coverage().Total.Offloaded
			if before == 0 || hits["output"]+hits["drop"]+hits["jump"] == 0 {
				t.Error("nothing is offloaded")
			}
			p.Report(now, ts.refuse(1))
			tell(2)
			if after := p.Coverage().Total.Offloaded; after >= before && variant.name != "room" {
				t.Errorf("%d paths are offloaded after refusals, %d before", after, before)
			}
			t.Logf("after refusals: %d tables, %d entries; %s", len(ts), ts.entries(), covered(p.Coverage()))
		})
	}
}
