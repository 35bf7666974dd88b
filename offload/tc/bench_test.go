package tc

import (
	"fmt"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// hosts is a table of so many paths to hosts, with one for all others behind them.
func hosts(n int) offload.Table {
	t := offload.Table{Segment: flatten.IngressID(1)}
	add := func(m ir.Match) {
		id := flatten.PathID(len(t.Entries) + 1)
		t.Entries = append(t.Entries, offload.Entry{Match: m, Path: &flatten.Path{ID: id, Match: m, Actions: []flatten.Action{{Do: ir.ToPort{Port: 3}}}}})
	}
	for i := range n {
		add(ir.MustMatch(ir.Exact(ir.EthType, 0x800), ir.Exact(ir.IP4Dst, uint64(0x0a000000+i))))
	}
	add(ir.MustMatch(ir.Exact(ir.EthType, 0x800)))
	return t
}

// BenchmarkCompile makes the filters of a table, and what must be done to a chain that has none.
func BenchmarkCompile(b *testing.B) {
	const n = 10000
	t := newBench(offload.Software).target()
	d := offload.Delta{Put: []offload.Table{hosts(n)}, Ports: newBench(offload.Software).ports}
	t.takePorts(&d)
	t.takeTables(&d)
	t.arrange(true)
	b.ReportAllocs()
	for b.Loop() {
		for _, x := range t.devices {
			x.renew()
			x.compile(t.tables, t.ports)
			for _, c := range x.sorted() {
				c.requests(c.difference())
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/entry")
}

// BenchmarkRouted makes the filters of a router's paths to hosts, which have a trap for packets whose TTL is at its end.
func BenchmarkRouted(b *testing.B) {
	const n = 2000
	t := newBench(offload.Software).target()
	var rules []ir.Rule
	for i := range n {
		r, err := ir.ParseRule(fmt.Sprintf("phy_to_log 20 match(in_port=1, vlan.tci=0/0x1000, eth.type=0x800, ip4.dst=%#x) "+
			"{ dec_ttl; eth.src = 0x020000000f01; eth.dst = %#x; to_port 3; }", 0x0a000000+i, 0x020000100000+i))
		if err != nil {
			b.Fatal(err)
		}
		rules = append(rules, r)
	}
	f := flatten.New(flatten.Config{CanTags: true})
	f.Apply(backend.Delta{Put: rules})
	d := offload.Delta{Put: tables(f), Ports: newBench(offload.Software).ports}
	t.takePorts(&d)
	t.takeTables(&d)
	t.arrange(true)
	b.ReportAllocs()
	for b.Loop() {
		for _, x := range t.devices {
			x.renew()
			x.compile(t.tables, t.ports)
			for _, c := range x.sorted() {
				c.requests(c.difference())
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/entry")
}
