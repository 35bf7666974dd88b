package tc

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
	"github.com/sluice-gw/sluice/offload/tc/flower"
	"github.com/sluice-gw/sluice/offload/tc/flower/flowertest"
)

// testLinks are devices by number; those of a port have 10 times its number.
type testLinks map[int32]Link

func (l testLinks) ByName(name string) (Link, error) {
	for _, x := range l {
		if x.Name == name {
			return x, nil
		}
	}
	return Link{}, ErrNoLink
}

func (l testLinks) ByIndex(ifindex int32) (Link, error) {
	if x, ok := l[ifindex]; ok {
		return x, nil
	}
	return Link{}, ErrNoLink
}

// scratch is the device to try filters on.
const scratch = 9

func (l testLinks) Scratch() (Link, func() error, error) {
	l[scratch] = Link{Name: "scratch", Ifindex: scratch}
	return l[scratch], func() error { delete(l, scratch); return nil }, nil
}

// Drain is where packets that were on their way have left.
func (h hooks) Drain() error {
	if h.bench.drained != nil {
		h.bench.drained()
	}
	return nil
}

// hooks are the devices of a fake kernel. It is asked for at each call, because a bench can get another one.
type hooks struct {
	testLinks
	bench *bench
}

func (h hooks) Clsact(ifindex int32) error {
	_, err := h.ByIndex(ifindex)
	if err == nil {
		h.bench.kernel.Clsact(ifindex)
	}
	return err
}

func (h hooks) Unhook(ifindex int32) error {
	h.bench.kernel.Unhook(ifindex)
	return nil
}

func (h hooks) Hooked() (list []Link, err error) {
	for ifindex, l := range h.testLinks {
		if h.bench.kernel.Hooked(ifindex) {
			list = append(list, l)
		}
	}
	return list, nil
}

// tunnelPort is the port of the tests that is a tunnel.
const tunnelPort = 2

var farEnd, nearEnd = netip.MustParseAddr("172.16.0.2"), netip.MustParseAddr("172.16.0.1")

// bench is a fake kernel with some ports.
type bench struct {
	kernel *flowertest.Kernel
	links  testLinks
	ports  []offload.Port
	// drained is called where the target waits for packets that are on their way.
	drained func()
}

func newBench(mode offload.Mode) *bench {
	b := &bench{links: testLinks{}}
	var devices []int32
	for n := int32(1); n <= 5; n++ {
		name := fmt.Sprintf("dev%d", n)
		b.links[10*n] = Link{Name: name, Ifindex: 10 * n}
		devices = append(devices, 10*n)
		p := offload.Port{Ofport: uint32(n), Device: name, Mode: mode}
		if n == tunnelPort {
			p.Tunnel = &offload.Tunnel{Type: geneve, Local: nearEnd, Remote: farEnd, DstPort: 6081}
		}
		b.ports = append(b.ports, p)
	}
	b.kernel = flowertest.New(append(devices, scratch)...)
	return b
}

func (b *bench) target() *Target {
	return b.dialling(func() (*flower.Conn, error) { return flower.NewConn(b.kernel.Wire(0), 0), nil })
}

// dialling is a target that knows already what the kernel can do.
func (b *bench) dialling(dial func() (*flower.Conn, error)) *Target {
	t := New(Config{Links: hooks{b.links, b}, Dial: dial})
	t.probed = &probed{}
	return t
}

// sim is what the kernel does to packets of a port.
func (b *bench) sim(port uint32, tracker ir.Tracker) (*sim, error) {
	c := flower.NewConn(b.kernel.Wire(0), 0)
	all, err := c.Dump(context.Background(), flower.Scope{Hook: flower.Ingress(int32(10 * port))})
	return &sim{filters: all, tracker: tracker, portOf: func(m flower.Mirred, set *flower.TunnelSet) (uint32, error) {
		if tunnel := m.Ifindex == 10*tunnelPort; tunnel != (set != nil) {
			return 0, fmt.Errorf("output to device %d with outer headers %v", m.Ifindex, set)
		}
		return uint32(m.Ifindex / 10), nil
	}}, err
}

// tables are those of all segments with every path that can be offloaded.
func tables(f *flatten.Flattener) (list []offload.Table) {
	for s := range f.Segments() {
		can := func(p *flatten.Path) bool { return !p.Trap() }
		traps := flatten.Traps(s.Paths, can)
		t := offload.Table{Segment: s.ID, Tracked: s.Tracked, Zone: s.Zone}
		for _, p := range s.Paths {
			if trap := slices.Contains(traps, p); trap || can(p) {
				t.Entries = append(t.Entries, offload.Entry{Path: p, Match: p.Match, Trap: trap})
			}
		}
		list = append(list, t)
	}
	return list
}

func unique(rules []ir.Rule) []ir.Rule {
	byID := map[ir.RuleID]ir.Rule{}
	for _, r := range rules {
		byID[r.ID] = r
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b ir.Rule) int { return cmp.Compare(a.ID, b.ID) })
}

// arriving is p as a port's device can receive it: with outer headers only by the tunnel.
func arriving(p *ir.Packet) *ir.Packet {
	p = p.Copy()
	if p.Get(ir.InPort).Lo == tunnelPort {
		p.Put(ir.TunSrc, ir.BytesValue(farEnd.AsSlice()))
		p.Put(ir.TunDst, ir.BytesValue(nearEnd.AsSlice()))
		return p
	}
	for f := ir.TunID; f <= ir.TunDst6; f++ {
		p.Put(f, ir.Value{})
	}
	return p
}

// seen is a result as it can be seen outside: metadata is lost, but for the outer headers of what leaves by the tunnel.
func seen(r ir.Result) string {
	for i, d := range r.Outputs {
		q := d.Packet.Copy()
		key, option := q.Get(ir.TunID), q.Get(ir.TunOpt)
		for f := ir.PktMark; f <= ir.TunDst6; f++ {
			q.Put(f, ir.Value{})
		}
		if d.Port == tunnelPort {
			q.Put(ir.TunID, key.And(ir.Ones(24)))
			q.Put(ir.TunOpt, option)
		}
		r.Outputs[i].Packet = q
	}
	return flattentest.Text(r)
}

// checkAgree sends packets through the pipeline, and through the kernel's filters with the pipeline as the fallback.
func (b *bench) checkAgree(t *rapid.T, rules []ir.Rule, packets []*ir.Packet, hits map[string]int) {
	wantCT, gotCT := ir.NewConntrack(), ir.NewConntrack()
	pl, fallback := ir.NewPipeline(rules...), ir.NewPipeline(rules...)
	for i, p := range packets {
		p = arriving(p)
		want, err := pl.Evaluate(p, ir.PhyToLog, ir.Options{CT: wantCT, Choose: flattentest.Choose(false, 0), Trace: true})
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.sim(uint32(p.Get(ir.InPort).Lo), gotCT)
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.run(p)
		if err != nil {
			t.Fatalf("packet %d %s: %v\n%s", i, p, err, flower.List(s.filters, flower.Style{}))
		}
		var got ir.Result
		if o.pass != nil {
			if g, w := o.pass.String(), p.String(); g != w {
				t.Fatalf("packet %d %s: the fallback gets %s\n%s", i, w, g, flower.List(s.filters, flower.Style{}))
			}
			if got, err = fallback.Evaluate(o.pass, ir.PhyToLog, ir.Options{CT: gotCT, Choose: flattentest.Choose(false, 0)}); err != nil {
				t.Fatal(err)
			}
			hits["fallback"]++
		} else {
			hits["offloaded"]++
		}
		got.Outputs = append(o.out, got.Outputs...)
		if g, w := seen(got), seen(want); g != w {
			t.Fatalf("packet %d %s: got\n%s\nwant\n%s\n%s\n%s", i, p, g, w, want.Trace, flower.List(s.filters, flower.Style{}))
		}
		if g, w := flattentest.Connections(gotCT), flattentest.Connections(wantCT); g != w {
			t.Fatalf("packet %d %s: connections\n%s\nwant\n%s\n%s\n%s", i, p, g, w, want.Trace, flower.List(s.filters, flower.Style{}))
		}
	}
}

func flattener(t *rapid.T, rules []ir.Rule) *flatten.Flattener {
	f := flatten.New(flatten.Config{CanTags: true, Workers: 1, Cut: rapid.IntRange(0, 3).Draw(t, "cut")})
	f.Apply(backend.Delta{Put: rules})
	return f
}

func TestFiltersDoWhatThePipelineDoes(t *testing.T) {
	hits := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		rules := unique(flattentest.Pipeline().Draw(t, "rules"))
		b := newBench(offload.Software)
		target := b.target()
		report, err := target.Apply(context.Background(), offload.Delta{Put: tables(flattener(t, rules)), Ports: b.ports, Reset: true})
		if err != nil {
			t.Fatal(err)
		}
		for range report.Failures {
			hits["failures"]++
		}
		b.checkAgree(t, rules, rapid.SliceOfN(flattentest.Packet(), 1, 10).Draw(t, "packets"), hits)
	})
	t.Log(hits)
}
