package plan_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// device is a target that takes nothing with TCP port 23.
type device struct{ table offload.Table }

func (*device) Name() string { return "device" }

func (*device) Caps(context.Context) (offload.Caps, error) {
	match := offload.Fields{}
	for _, f := range []ir.Field{ir.EthType, ir.IPProto, ir.TCPDst} {
		match[f] = offload.AllOf(f, offload.Ternary)
	}
	return offload.Caps{
		Target: "device", Match: match, Outputs: offload.Amount{Max: 1},
		DecTTL: offload.Amount{Lack: offload.Lack{Why: "the firmware does not know the TTL", Fix: "firmware 4"}},
	}, nil
}

func (x *device) Apply(_ context.Context, d offload.Delta) (r offload.Report, err error) {
	for _, t := range d.Put {
		x.table = t
		for _, e := range t.Entries {
			if port, _ := e.Match.Term(ir.TCPDst); port.Value.Lo == 23 && !e.Trap {
				r.Failures = append(r.Failures, offload.Failure{Segment: t.Segment, Path: e.Path.ID, Kind: backend.Unsupported, Detail: "telnet is dead"})
			}
		}
	}
	return r, nil
}

func (x *device) Counters(context.Context) iter.Seq2[offload.Counter, error] {
	return func(yield func(offload.Counter, error) bool) {
		for _, e := range x.table.Entries {
			if !yield(offload.Counter{Segment: x.table.Segment, Path: e.Path.ID, Trap: e.Trap, Packets: 5, Bytes: 500, HWPackets: 5, HWBytes: 500}, nil) {
				return
			}
		}
	}
}

func (x *device) Usage(context.Context) ([]offload.Usage, error) { return nil, nil }

// The goroutine that drives a target does this, each part when there is something to do.
func Example() {
	ctx, now := context.Background(), time.Unix(1000, 0)
	target := &device{}
	p := plan.New(flatten.Config{Cut: 16}) // with Control: flatten.NeighbourTraffic()

	// At the start, and when the target or its driver has changed.
	caps, _ := target.Caps(ctx)
	p.SetCaps(caps)

	// When the rules or the ports have changed.
	p.Apply(backend.Delta{Put: rules()})
	p.SetPorts([]offload.Port{
		{Ofport: 1, Name: "vif1", Device: "eth1", Mode: offload.HardwareToo},
		{Ofport: 2, Name: "vif2", Device: "eth2", Mode: offload.HardwareToo}}, nil)

	// After anything, and when p.Next has come.
	for {
		d, ok := p.Delta(now)
		if !ok {
			break
		}
		report, err := target.Apply(ctx, d)
		if err != nil {
			p.Restart() // and try again after a pause
			break
		}
		p.Report(now, report)
	}

	// Every few seconds.
	p.Observe(now, func(yield func(offload.Counter) bool) {
		for c, err := range target.Counters(ctx) {
			if err != nil || !yield(c) {
				return
			}
		}
	}, maps.All(map[ir.RuleID]uint64{}))

	// When somebody asks.
	for s := range p.Paths() {
		if s.Reason == nil {
			fmt.Println(s.Path, "--", s.Seen.Device.Packets, "packets in hardware")
			continue
		}
		fmt.Println(s.Path.Match, "--", s.Reason)
		if r := p.Blamed(s.Reason); r != nil {
			fmt.Println("    because of", r.Stage, r.Match)
		}
	}
	total := p.Coverage().Total
	fmt.Println(total.Offloaded, "paths are offloaded,", total.Fallback, "are not")
	// Output:
	// eth.type=2048, ip.proto=6, tcp.dst=80 -> to_port 2; -- 5 packets in hardware
	// eth.type=2048, ip.proto=6, tcp.dst=23 -- refused: the target refused it: unsupported: telnet is dead; fix: look its words up in the manual of the device; it is tried again when the path or the driver changes
	//     because of ingress.0 eth.type=2048, ip.proto=6, tcp.dst=23
	// eth.type=2048, ip.proto=6, ip.ttl=0/254, tcp.dst=22 -- match: the target cannot match: ip.ttl/254; fix: none known
	//     because of ingress.0 eth.type=2048, ip.proto=6, tcp.dst=22
	// eth.type=2048, ip.proto=6, tcp.dst=22 -- rewrite: the target cannot rewrite: TTL decremented by 1, at most 0 (the firmware does not know the TTL); fix: firmware 4
	//     because of ingress.0 eth.type=2048, ip.proto=6, tcp.dst=22
	// any -> drop -- 5 packets in hardware
	// 2 paths are offloaded, 3 are not
}

func rules() (rules []ir.Rule) {
	for _, text := range []string{
		"phy_to_log 10 match(in_port=1) { call ingress.0; }",
		"ingress.0 9 match(eth.type=2048, ip.proto=6, tcp.dst=80) { to_port 2; }",
		"ingress.0 8 match(eth.type=2048, ip.proto=6, tcp.dst=23) { to_port 2; }",
		"ingress.0 7 match(eth.type=2048, ip.proto=6, tcp.dst=22) { dec_ttl; to_port 2; }",
	} {
		r, err := ir.ParseRule(text)
		if err != nil {
			panic(err) // the text is above
		}
		rules = append(rules, r)
	}
	return rules
}
