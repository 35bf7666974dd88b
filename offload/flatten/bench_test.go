package flatten_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// network makes the rules of one logical switch: of ports on tunnels or on devices,
// in the form that the pipeline of OVN has.
type network struct{ rules []ir.Rule }

func (n *network) add(s ir.Stage, priority uint16, terms []ir.Term, ops ...ir.Op) {
	n.rules = append(n.rules, ir.NewRule(s, priority, 0, ir.MustMatch(terms...), nil, ir.NewProgram(ops...), ir.Owner{}))
}

func mac(port int) uint64 { return 0x0a0000000000 | uint64(port) }

// local makes ports with devices, each with port security.
func (n *network) local(count int) {
	for i := 1; i <= count; i++ {
		n.add(ir.PhyToLog, 100, []ir.Term{ir.Exact(ir.InPort, uint64(i))},
			ir.Set{Dst: ir.All(ir.Datapath), Value: ir.V(1)}, ir.Set{Dst: ir.All(ir.Inport), Value: ir.V(uint64(i))}, ir.Call{Stage: ir.Ingress(0)})
		n.add(ir.Ingress(0), 50, []ir.Term{ir.Exact(ir.Inport, uint64(i)), ir.Exact(ir.EthSrc, mac(i))}, ir.Call{Stage: ir.Ingress(1)})
		to := ir.Exact(ir.Outport, uint64(i))
		n.add(ir.LocalOutput, 100, []ir.Term{to}, ir.Call{Stage: ir.Egress(0)})
		n.add(ir.Egress(0), 50, []ir.Term{to}, ir.Call{Stage: ir.LogToPhy})
		n.add(ir.LogToPhy, 100, []ir.Term{to}, ir.ToPort{Port: uint32(i)})
		n.destination(i)
	}
}

// remote makes ports behind tunnels to so many chassis.
func (n *network) remote(first, count, chassis int) {
	for i := first; i < first+count; i++ {
		n.add(ir.RemoteOutput, 100, []ir.Term{ir.Exact(ir.Outport, uint64(i))},
			ir.Set{Dst: ir.All(ir.TunID), Value: ir.V(1)}, ir.Copy{Dst: ir.Bits(ir.TunOpt, 0, 16), Src: ir.Bits(ir.Outport, 0, 16)},
			ir.Copy{Dst: ir.Bits(ir.TunOpt, 16, 15), Src: ir.Bits(ir.Inport, 0, 15)}, ir.ToPort{Port: uint32(50000 + i%chassis)})
		n.destination(i)
	}
	for i := range chassis {
		n.add(ir.PhyToLog, 100, []ir.Term{ir.Exact(ir.InPort, uint64(50000+i))},
			ir.Copy{Dst: ir.Bits(ir.Datapath, 0, 24), Src: ir.Bits(ir.TunID, 0, 24)}, ir.Copy{Dst: ir.Bits(ir.Inport, 0, 15), Src: ir.Bits(ir.TunOpt, 16, 15)},
			ir.Copy{Dst: ir.Bits(ir.Outport, 0, 16), Src: ir.Bits(ir.TunOpt, 0, 16)}, ir.Call{Stage: ir.LocalOutput})
	}
}

// destination makes what leads to a port.
func (n *network) destination(port int) {
	to := ir.Exact(ir.Outport, uint64(port))
	n.add(ir.Ingress(2), 50, []ir.Term{ir.Exact(ir.EthDst, mac(port))}, ir.Set{Dst: ir.All(ir.Outport), Value: ir.V(uint64(port))}, ir.Call{Stage: ir.CheckLoopback})
	n.add(ir.CheckLoopback, 100, []ir.Term{to, ir.Exact(ir.Inport, uint64(port))})
}

// policy makes rules that let packets pass.
func (n *network) policy(count int) {
	n.add(ir.CheckLoopback, 0, nil, ir.Call{Stage: ir.RemoteOutput})
	n.add(ir.RemoteOutput, 0, nil, ir.Call{Stage: ir.LocalOutput})
	n.add(ir.Ingress(1), 0, nil, ir.Call{Stage: ir.Ingress(2)})
	for i := range count {
		n.add(ir.Ingress(1), uint16(1000+i%1000), []ir.Term{ir.Exact(ir.EthType, 0x800), ir.Exact(ir.IPProto, 6),
			ir.Masked(ir.IP4Src, 0x0a000000|uint64(i)<<8, 0xffffff00), ir.Exact(ir.TCPDst, uint64(80+i))}, ir.Call{Stage: ir.Ingress(2)})
	}
}

func allLocal(ports, acls int) []ir.Rule {
	n := &network{}
	n.policy(acls)
	n.local(ports)
	return n.rules
}

// gateway has an uplink and all other ports behind tunnels.
func gateway(ports, chassis int) []ir.Rule {
	n := &network{}
	n.policy(0)
	n.local(1)
	n.remote(2, ports, chassis)
	return n.rules
}

var sizes = []struct {
	name   string
	rules  func() []ir.Rule
	config flatten.Config
}{
	{"gateway/ports=10000", func() []ir.Rule { return gateway(10000, 100) }, flatten.Config{}},
	{"gateway/ports=10000/cut", func() []ir.Rule { return gateway(10000, 100) }, flatten.Config{Cut: 16}},
	{"acl=1000/destinations=1000", func() []ir.Rule {
		n := &network{}
		n.policy(1000)
		n.local(1)
		n.remote(2, 1000, 10)
		return n.rules
	}, flatten.Config{}},
	{"acl=1000/destinations=1000/cut", func() []ir.Rule {
		n := &network{}
		n.policy(1000)
		n.local(1)
		n.remote(2, 1000, 10)
		return n.rules
	}, flatten.Config{Cut: 16}},
	{"devices=200", func() []ir.Rule { return allLocal(200, 0) }, flatten.Config{}},
	{"devices=200/acl=100/cut", func() []ir.Rule { return allLocal(200, 100) }, flatten.Config{Cut: 16}},
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
	f.Apply(backend.Delta{Put: gateway(100, 3)})
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
