package plan

import (
	"net/netip"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
)

// benchmarked are the sizes of benchmarks.
var benchmarked = []struct {
	name             string
	ports, acls, cut int
	entries          int
}{
	{"ports=10000", 10000, 0, 16, 0},
	{"ports=10000/room=5000", 10000, 0, 16, 5000},
	{"ports=1000/acls=1000", 1000, 1000, 16, 0},
}

const chassis = 100

// gateway is a planner with the ports of a gateway.
func gateway(cut, entries int) *Planner {
	p := New(flatten.Config{Cut: cut})
	c := generous()
	c.Entries = entries
	p.SetCaps(c)
	ports := []offload.Port{{Ofport: 1, Device: "eth1", Mode: offload.HardwareToo}}
	for i := range uint32(chassis) {
		ports = append(ports, offload.Port{Ofport: flattentest.FirstTunnel + i, Device: "genev", Mode: offload.HardwareToo, Tunnel: &offload.Tunnel{Type: "vxlan"}})
	}
	for i := range ports[1:] {
		ports[i+1].Tunnel.Remote = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
	}
	p.SetPorts(ports, nil)
	return p
}

// BenchmarkPlace decides about all paths.
func BenchmarkPlace(b *testing.B) {
	for _, z := range benchmarked {
		b.Run(z.name, func(b *testing.B) {
			rules := flattentest.Gateway(z.ports, chassis, z.acls)
			placed := Count{}
			for b.Loop() {
				b.StopTimer()
				p := gateway(z.cut, z.entries)
				p.Apply(backend.Delta{Put: rules})
				b.StartTimer()
				tell(p, start)
				b.StopTimer()
				placed = p.Coverage().Total
				b.StartTimer()
			}
			b.ReportMetric(float64(placed.Offloaded), "offloaded")
			b.ReportMetric(float64(placed.Fallback), "fallback")
		})
	}
}

// BenchmarkChange gives a rule another priority and back, with what flatten does for it.
func BenchmarkChange(b *testing.B) {
	for _, z := range benchmarked {
		b.Run(z.name, func(b *testing.B) {
			rules := flattentest.Gateway(z.ports, chassis, z.acls)
			p := gateway(z.cut, z.entries)
			p.Apply(backend.Delta{Put: rules})
			tell(p, start)
			old := rules[len(rules)/2]
			now := ir.NewRule(old.Stage, old.Priority+1, old.Datapath, old.Match, nil, old.Program, old.Owner)
			for b.Loop() {
				p.Apply(backend.Delta{Del: []ir.RuleID{old.ID}, Put: []ir.Rule{now}})
				tell(p, start)
				old, now = now, old
			}
		})
	}
}
