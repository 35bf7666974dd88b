package flatten_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
)

var sizes = []struct {
	name   string
	rules  func() []ir.Rule
	config flatten.Config
}{
	{"gateway/ports=10000", func() []ir.Rule { return flattentest.Gateway(10000, 100, 0) }, flatten.Config{}},
	{"gateway/ports=10000/cut", func() []ir.Rule { return flattentest.Gateway(10000, 100, 0) }, flatten.Config{Cut: 16}},
	{"acl=1000/destinations=1000", func() []ir.Rule { return flattentest.Gateway(1000, 10, 1000) }, flatten.Config{}},
	{"acl=1000/destinations=1000/cut", func() []ir.Rule { return flattentest.Gateway(1000, 10, 1000) }, flatten.Config{Cut: 16}},
	{"devices=200", func() []ir.Rule { return flattentest.Devices(200, 0) }, flatten.Config{}},
	{"devices=200/acl=100/cut", func() []ir.Rule { return flattentest.Devices(200, 100) }, flatten.Config{Cut: 16}},
}

func paths(f *flatten.Flattener) (n int) {
	for s := range f.Segments() {
		n += len(s.Paths)
	}
	return n
}

// BenchmarkFlatten starts with all rules.
func BenchmarkFlatten(b *testing.B) {
	for _, z := range sizes {
		b.Run(z.name, func(b *testing.B) {
			rules := z.rules()
			n, size := 0, uint64(0)
			for b.Loop() {
				b.StopTimer()
				before := heap()
				b.StartTimer()
				f := flatten.New(z.config)
				f.Apply(backend.Delta{Put: rules})
				b.StopTimer()
				n = paths(f)
				size = heap() - before
				runtime.KeepAlive(f)
				b.StartTimer()
			}
			b.ReportMetric(float64(n), "paths")
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "paths/s")
			b.ReportMetric(float64(size)/float64(n), "B/path")
		})
	}
}

// heap is what is alive, in bytes.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkChange gives one rule another priority, and back.
func BenchmarkChange(b *testing.B) {
	for _, z := range sizes {
		b.Run(z.name, func(b *testing.B) {
			f := flatten.New(z.config)
			rules := z.rules()
			f.Apply(backend.Delta{Put: rules})
			old := rules[len(rules)/2]
			now := ir.NewRule(old.Stage, old.Priority+1, old.Datapath, old.Match, nil, old.Program, old.Owner)
			i := 0
			for b.Loop() {
				if i++; i%2 == 1 {
					f.Apply(backend.Delta{Del: []ir.RuleID{old.ID}, Put: []ir.Rule{now}})
				} else {
					f.Apply(backend.Delta{Del: []ir.RuleID{now.ID}, Put: []ir.Rule{old}})
				}
			}
		})
	}
}

// The benchmarks measure something: every destination of the gateway is reached.
func TestBenchmarkedGateway(t *testing.T) {
	f := flatten.New(flatten.Config{})
	f.Apply(backend.Delta{Put: flattentest.Gateway(100, 3, 0)})
	out := map[string]bool{}
	for _, p := range f.Segment(flatten.IngressID(1)).Paths {
		if len(p.Actions) == 1 && !p.Actions[0].Rewrite.IsZero() {
			out[fmt.Sprint(p.Actions[0])] = true
		}
	}
	if len(out) != 100 {
		t.Errorf("%d different outputs, want 100", len(out))
	}
}
