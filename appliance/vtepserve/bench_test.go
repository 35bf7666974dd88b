package vtepserve

import (
	"fmt"
	"iter"
	"net/netip"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/offload"
)

// sizes are those of a logical switch: ports with one VLAN each, stations at each of them, stations behind tunnels and these tunnels' other ends.
var sizes = []struct{ ports, each, remote, ends int }{
	{4, 25, 100, 4},
	{16, 16, 256, 16},
	{48, 10, 500, 20},
	{48, 40, 2000, 20},
}

// world is one logical switch of a size, as the rulebook is told of it.
type world struct {
	segment bridging.Segment
	learned []bridging.Learned
	ports   []offload.Port
}

func worldOf(ports, each, remote, ends int) *world {
	w := &world{segment: bridging.Segment{ID: 1 << 33, VNI: 5, Tunnel: 999}}
	mac := func(n int) wire.MAC { return wire.MAC{2, 0, 0, 0, byte(n >> 8), byte(n)} }
	for i := range ports {
		at := bridging.Attachment{Port: ofp.Port(i + 1), VLAN: 100}
		w.segment.Attachments = append(w.segment.Attachments, at)
		w.ports = append(w.ports, offload.Port{Ofport: uint32(at.Port), Name: fmt.Sprintf("p%d", i), Device: fmt.Sprintf("eth%d", i), Mode: offload.Software})
		for j := range each {
			w.learned = append(w.learned, bridging.Learned{Segment: w.segment.ID, MAC: mac(i*each + j), At: at})
		}
	}
	end := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i%ends)}) }
	for i := range ends {
		w.segment.Unknown = append(w.segment.Unknown, bridging.Remote{IP: end(i)})
		w.ports = append(w.ports, offload.Port{Ofport: bridging.TunnelPort(end(i)), Name: end(i).String(), Device: "vxlan_sys_4789", Mode: offload.Software,
			Tunnel: &offload.Tunnel{Type: "vxlan", Local: netip.AddrFrom4([4]byte{192, 0, 2, 1}), Remote: end(i), DstPort: 4789, DF: true}})
	}
	for i := range remote {
		w.segment.Stations = append(w.segment.Stations, bridging.Station{MAC: mac(0x8000 + i), At: bridging.Remote{IP: end(i)}})
	}
	return w
}

// caps are those of traffic control that matter here: no registers, 16 actions.
func caps() offload.Caps {
	all := offload.Fields{}
	for f := ir.PktMark; f < ir.NumFields; f++ {
		all[f] = offload.AllOf(f, offload.Ternary)
	}
	return offload.Caps{Target: "like traffic control", Kernel: true, Match: all, Set: all, Copy: offload.No("tc writes constants only", ""), Jump: offload.Yes, Tags: offload.Yes,
		PopVLAN: offload.Amount{Max: 1}, Push: offload.Amount{Max: 2}, Outputs: offload.Amount{Max: 15}, Tunnels: map[string]offload.Ability{"vxlan": offload.Yes}}
}

// tell has the planner place what it was told, and counts the entries that change.
func tell(p *plan.Planner) (entries int) {
	for d, ok := p.Delta(time.Unix(1000, 0)); ok; d, ok = p.Delta(time.Unix(1000, 0)) {
		for _, t := range d.Put {
			entries += len(t.Entries)
		}
		p.Report(time.Unix(1000, 0), offload.Report{Revision: d.Revision})
	}
	return entries
}

func (w *world) all() iter.Seq[bridging.Learned] {
	return func(yield func(bridging.Learned) bool) {
		for _, l := range w.learned {
			if !yield(l) {
				return
			}
		}
	}
}

// begin is a planner that has been told of all.
func (w *world) begin() (*rulebook, *plan.Planner) {
	b, p := newRulebook(), reconcile.NewPlanner()
	b.setAging(300)
	b.setSegments(map[uint64]bridging.Segment{w.segment.ID: w.segment}, nobody)
	b.setLearned(w.all())
	b.begin()
	p.SetCaps(caps())
	p.SetPorts(w.ports, nil)
	d := backend.Delta{Reset: true, Complete: true}
	b.set.Take(&d)
	p.Apply(d)
	return b, p
}

// BenchmarkOffload is a logical switch from nothing: filters is how many there are in the end, on all devices, traps those of them that lead to Open vSwitch.
func BenchmarkOffload(b *testing.B) {
	for _, z := range sizes {
		b.Run(fmt.Sprintf("ports=%d/stations=%d/remote=%d", z.ports, z.ports*z.each, z.remote), func(b *testing.B) {
			w := worldOf(z.ports, z.each, z.remote, z.ends)
			filters, c := 0, plan.Count{}
			for b.Loop() {
				_, p := w.begin()
				filters = tell(p)
				c = p.Coverage().Total
			}
			b.ReportMetric(float64(filters), "filters")
			b.ReportMetric(float64(c.Offloaded), "offloaded")
			b.ReportMetric(float64(c.Fallback), "fallback")
		})
	}
}

// BenchmarkMove is a station that goes from one port to another and back, until it is known which filters change: written is how many are in tables that do.
func BenchmarkMove(b *testing.B) {
	for _, z := range sizes {
		b.Run(fmt.Sprintf("ports=%d/stations=%d/remote=%d", z.ports, z.ports*z.each, z.remote), func(b *testing.B) {
			w := worldOf(z.ports, z.each, z.remote, z.ends)
			book, p := w.begin()
			tell(p)
			mac, to, n, written := w.learned[0].MAC, w.segment.Attachments[:2], 0, 0
			for b.Loop() {
				n++
				book.setLocation(w.segment.ID, mac, &to[n%2])
				var d backend.Delta
				book.set.Take(&d)
				p.Apply(d)
				written += tell(p)
			}
			b.ReportMetric(float64(written)/float64(b.N), "written")
		})
	}
}
