package ovs_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs"
	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
)

// ports are the OpenFlow ports of the test bridge; packets come in through the first.
const ports = 3

// bridge is a real bridge, programmed by a Backend, whose ports record what they send.
type bridge struct {
	t     *testing.T
	sw    *vswitch.Switch
	mail  *backend.Mailbox
	acked chan []backend.Failure
	read  [ports + 1]int64 // bytes of the records that were looked at
	rev   backend.Revision
	// release of ovn-northd, for which table numbers are chosen
	release string
}

func startBridge(t *testing.T, release string) *bridge {
	b := &bridge{t: t, release: release, sw: vswitch.Start(t), mail: backend.NewMailbox(), acked: make(chan []backend.Failure, 1)}
	mgmt := b.sw.AddBridge("br-int")
	for p := 1; p <= ports; p++ {
		name := fmt.Sprint("p", p)
		b.sw.AddPort("br-int", name, fmt.Sprint(p))
		b.sw.Vsctl("set", "interface", name, "options:tx_pcap="+b.record(p))
	}
	be := ovs.New(ovs.Config{
		Addr: func() string { return "unix:" + mgmt }, Changes: b.mail, Log: slog.New(slog.DiscardHandler),
		Acked:    func(_ backend.Revision, f []backend.Failure) { b.acked <- f },
		Resend:   func(string) {},
		PacketIn: func(ovs.PacketIn) {},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = be.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return b
}

func (b *bridge) record(port int) string {
	return filepath.Join(b.sw.RunDir, fmt.Sprintf("p%d.pcap", port))
}

// program replaces the rules.
func (b *bridge) program(rules []ir.Rule) {
	b.t.Helper()
	b.rev++
	d := backend.Delta{Revision: b.rev, Put: rules, Reset: true, Complete: true, Release: b.release}
	b.mail.Send(d)
	select {
	case failures := <-b.acked:
		for _, f := range failures {
			b.t.Fatalf("rule %x is refused: %s", uint64(f.Rule), f.Detail)
		}
	case <-time.After(30 * time.Second):
		b.t.Fatal("no acknowledgement")
	}
}

// marker is a frame that the bridge sends out of every port but the first, and
// back out of that: behind it nothing of earlier packets can come.
const markerType = 0x9999

func markerRule() ir.Rule {
	var ops []ir.Op
	for p := uint32(2); p <= ports; p++ {
		ops = append(ops, ir.ToPort{Port: p})
	}
	return ir.NewRule(ir.PhyToLog, 65000, 0, ir.MustMatch(ir.Exact(ir.EthType, markerType)), nil,
		ir.NewProgram(append(ops, ir.ToPort{Port: ir.InPortNumber})...), ir.Owner{})
}

// send injects a frame into port 1 and tells which frames left which port.
func (b *bridge) send(frame []byte) map[int][]string {
	b.t.Helper()
	marker, err := ir.NewPacket(ir.Exact(ir.EthType, markerType))
	if err != nil {
		b.t.Fatal(err)
	}
	// The datapath's cache forgets rules that are gone, and learns of new ones, too late.
	b.sw.Appctl("revalidator/purge")
	b.sw.Appctl("netdev-dummy/receive", "p1", hex.EncodeToString(frame))
	b.sw.Appctl("netdev-dummy/receive", "p1", hex.EncodeToString(marker.Frame()))
	out := map[int][]string{}
	for p := 1; p <= ports; p++ {
		for last := ""; last != hex.EncodeToString(marker.Frame()); {
			if last = b.next(p); last != hex.EncodeToString(marker.Frame()) {
				out[p] = append(out[p], last)
			}
		}
	}
	return out
}

// next reads the next record of a port's pcap file; it waits for it.
func (b *bridge) next(port int) string {
	b.t.Helper()
	const fileHeader, recordHeader = 24, 16
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		data, err := os.ReadFile(b.record(port))
		if err != nil {
			b.t.Fatal(err)
		}
		at := max(b.read[port], fileHeader)
		if int64(len(data)) >= at+recordHeader {
			n := int64(binary.NativeEndian.Uint32(data[at+8:]))
			if end := at + recordHeader + n; int64(len(data)) >= end {
				b.read[port] = end
				return hex.EncodeToString(data[at+recordHeader : end])
			}
		}
		b.sw.Appctl("version") // a round trip through the switch's main loop
	}
	b.t.Fatalf("port %d sends nothing more", port)
	return ""
}

// program generator: rules on UDP and ICMP over IPv4, whose operations Open vSwitch
// accepts with the matches that they get.
type generator struct {
	*rand.Rand
	zone uint16
	nat  bool
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

var stages = []ir.Stage{ir.PhyToLog, ir.Ingress(0), ir.Ingress(1), ir.Egress(0), ir.MACBinding}

// rules makes a few rules for each stage, with a priority of their own, for packets of
// one protocol: what is on that is then allowed in their programs.
func (g *generator) rules(proto uint64) []ir.Rule {
	rules := []ir.Rule{markerRule()}
	for i, s := range stages {
		for priority := range uint16(1 + g.IntN(3)) {
			terms := []ir.Term{ir.Exact(ir.EthType, 0x800), ir.Exact(ir.IPProto, proto)}
			for range g.IntN(3) {
				terms = append(terms, g.term(proto))
			}
			m, ok := ir.NewMatch(terms...)
			if !ok {
				continue
			}
			rules = append(rules, ir.NewRule(s, priority, 0, m, g.product(), ir.NewProgram(g.program(i)...), ir.Owner{}))
		}
	}
	return rules
}

func (g *generator) product() *ir.Product {
	if g.IntN(6) > 0 {
		return nil
	}
	alt := func(f ir.Field, v uint64) ir.Match { return ir.MustMatch(ir.Exact(f, v)) }
	return ir.NewProduct([][]ir.Match{
		{alt(ir.IP4Src, 0x0a000001), alt(ir.IP4Src, 0x0a000002)},
		{alt(ir.IPTTL, 64), alt(ir.IPTTL, 1)},
	})
}

func (g *generator) term(proto uint64) ir.Term {
	terms := []ir.Term{
		ir.Masked(ir.Reg0, uint64(g.IntN(4)), 3), ir.Masked(ir.Reg1, uint64(g.IntN(2)), 1), ir.Exact(ir.Reg3, 0),
		ir.Masked(ir.IP4Src, 0x0a000000|uint64(g.IntN(4)), 0xff000003), ir.Exact(ir.IPTTL, pick[uint64](g, 64, 63, 1)),
		ir.Masked(ir.CTState, pick[uint64](g, 33, 32, 34, 42, 0), pick[uint64](g, 33, 32, 34, 42)),
		ir.Masked(ir.CTMark, uint64(g.IntN(4)), 3), ir.Masked(ir.EthSrc, 1, 1),
	}
	if proto == 17 {
		terms = append(terms, ir.Exact(ir.UDPDst, pick[uint64](g, 53, 80, 1001)))
	}
	t := pick(g, terms...)
	t.Value = t.Value.And(t.Mask)
	return t
}

// program makes the operations of a rule. Two of them are only where Open vSwitch
// does as its manual says: what follows check_pkt_larger is lost to callers, and
// NAT of a recirculated copy shows in the packet that goes on. So the one is
// first and the other last in a rule that nobody calls. OVN's use is like that.
func (g *generator) program(at int) []ir.Op {
	ops := g.ops(at, 2)
	if at > 0 {
		return ops
	}
	if g.IntN(3) == 0 {
		ops = append([]ir.Op{ir.CheckLarger{Dst: ir.Bits(ir.Reg1, 0, 1), Len: pick[uint16](g, 41, 42, 50, 60)}}, ops...)
	}
	if g.nat {
		ct := g.ct(ir.Ingress(0))
		ct.Next = ir.Ingress(0)
		ct.NAT = &ir.NAT{}
		if ct.Commit && g.IntN(2) == 0 {
			*ct.NAT = pick(g, ir.NAT{SNAT: true, AddrMin: netip.MustParseAddr("20.0.0.1")}, ir.NAT{DNAT: true, AddrMin: netip.MustParseAddr("30.0.0.1")})
		}
		ops = append(ops, ct)
	}
	return ops
}

// ops makes operations for a rule of stage number at, which calls later stages only.
func (g *generator) ops(at, depth int) []ir.Op {
	var ops []ir.Op
	for range 1 + g.IntN(4) {
		ops = append(ops, g.op(at, depth)...)
	}
	return ops
}

func (g *generator) op(at, depth int) []ir.Op {
	later := stages[min(at+1+g.IntN(2), len(stages)-1)]
	switch n := g.IntN(15); {
	case n < 3:
		return []ir.Op{ir.ToPort{Port: pick[uint32](g, 1, 2, 3, 3, ir.InPortNumber)}}
	case n < 6 && at < len(stages)-1:
		return []ir.Op{ir.Call{Stage: later}}
	case n == 6:
		return []ir.Op{ir.DecTTL{}}
	case n == 7:
		return []ir.Op{ir.Push{Src: g.sub()}, ir.Pop{Dst: g.sub()}}
	case n == 8 && depth > 0:
		return []ir.Op{ir.Clone{Ops: g.ops(at, depth-1)}}
	case n == 9:
		return []ir.Op{ir.PushVLAN{TPID: 0x8100}, ir.Set{Dst: ir.Bits(ir.VLANTCI, 0, 13), Value: ir.V(uint64(0x1000 | g.IntN(4096)))},
			ir.ToPort{Port: 2}, ir.PopVLAN{}}
	case n == 10:
		return []ir.Op{ir.Push{Src: ir.All(ir.Reg0)}, ir.Push{Src: ir.All(ir.Reg1)}, ir.Pop{Dst: ir.All(ir.Reg0)}}
	case n == 11 && at < len(stages)-1:
		return []ir.Op{g.ct(later)}
	case n == 12 && at < len(stages)-1:
		// A bucket of a group is an action set: changes, then one way out. Actions of
		// OVN make no others.
		ops := []ir.Op{ir.Set{Dst: ir.All(ir.Reg0), Value: ir.V(g.Uint64() >> 32)}, pick[ir.Op](g, g.ct(later), ir.Call{Stage: later})}
		return []ir.Op{ir.Select{Fields: []ir.Field{ir.IP4Src}, Buckets: []ir.Bucket{{Weight: 1, Ops: ops}}}}
	case n == 13 && at < 3:
		return []ir.Op{ir.Learn{Stage: ir.MACBinding, Priority: 100,
			Matches: []ir.LearnMatch{{Dst: ir.All(ir.EthType), Value: ir.V(0x800)}, {Dst: ir.All(ir.IP4Src), Src: ir.All(ir.IP4Dst)}},
			Loads:   []ir.LearnLoad{{Dst: ir.All(ir.EthDst), Src: ir.All(ir.EthSrc)}}}}
	case n == 14:
		return []ir.Op{pick[ir.Op](g, ir.CTClear{}, ir.Set{Dst: ir.Bits(ir.InPort, 0, 16)})}
	}
	d := g.sub()
	if g.IntN(2) == 0 {
		s := g.sub()
		width := min(d.N, s.N)
		d.N, s.N = width, width
		return []ir.Op{ir.Copy{Dst: d, Src: s}}
	}
	return []ir.Op{ir.Set{Dst: d, Value: ir.V(g.Uint64() >> (64 - min(int(d.N), 64)))}}
}

func (g *generator) sub() ir.Sub {
	s := ir.All(pick(g, ir.Reg0, ir.Reg1, ir.Reg3, ir.EthSrc, ir.EthDst, ir.IPTTL, ir.IPDSCP, ir.XReg0, ir.IP4Dst))
	if g.nat && s.Field == ir.IP4Dst {
		s = ir.All(ir.Reg1) // collisions of rewritten connections are resolved differently
	}
	if g.IntN(2) == 0 {
		s.Ofs = uint8(g.IntN(int(s.N)))
		s.N = 1 + uint8(g.IntN(int(s.N-s.Ofs)))
	}
	return s
}

func (g *generator) ct(next ir.Stage) ir.CT {
	ct := ir.CT{Zone: ir.ZoneRef{Const: g.zone + uint16(g.IntN(2))}, Next: next, Commit: g.IntN(2) == 0}
	if ct.Commit {
		ct.Exec = []ir.Op{ir.Set{Dst: ir.Bits(ir.CTMark, 0, 2), Value: ir.V(uint64(g.IntN(4)))}}
		if g.IntN(3) == 0 {
			ct.Next = ir.NoStage
		}
	}
	return ct
}

// packets are a conversation: two hosts ask, and are answered.
func (g *generator) packets(proto uint64) []*ir.Packet {
	var all []*ir.Packet
	for range 6 {
		host := uint64(1 + g.IntN(2))
		terms := []ir.Term{ir.Exact(ir.EthType, 0x800), ir.Exact(ir.IPProto, proto), ir.Exact(ir.IPTTL, pick[uint64](g, 64, 64, 1)), ir.Exact(ir.InPort, 1),
			ir.Exact(ir.EthSrc, host), ir.Exact(ir.EthDst, 0x20)}
		src, dst := 0x0a000000|host, uint64(0x0a000063)
		back := g.IntN(3) == 0
		if back {
			src, dst = dst, src
		}
		terms = append(terms, ir.Exact(ir.IP4Src, src), ir.Exact(ir.IP4Dst, dst))
		switch {
		case proto == 17 && back:
			terms = append(terms, ir.Exact(ir.UDPSrc, 53), ir.Exact(ir.UDPDst, 1000+host))
		case proto == 17:
			terms = append(terms, ir.Exact(ir.UDPSrc, 1000+host), ir.Exact(ir.UDPDst, 53))
		case !back:
			terms = append(terms, ir.Exact(ir.ICMP4Type, 8))
		}
		p, err := ir.NewPacket(terms...)
		if err != nil {
			panic(err)
		}
		all = append(all, p)
	}
	return all
}

// Open vSwitch, programmed by the Backend, and the evaluator of ir do the same to the
// same packets: random rules, a conversation through each set of them, with the table numbers of each profile.
func TestOpenVSwitchDoesWhatIRSays(t *testing.T) {
	for profile, release := range map[string]string{"23.03": "23.03.1-20.27.0-70.6", "26.09": "26.09.0-21.11.0-83.1"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel() // the switch is waited for most of the time
			differ(t, startBridge(t, release))
		})
	}
}

func differ(t *testing.T, b *bridge) {
	for seed := range uint64(40) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), zone: uint16(10 + 2*seed), nat: seed%2 == 1}
		proto := pick[uint64](g, 17, 17, 1)
		rules := g.rules(proto)
		b.program(rules)
		pl, ct := ir.NewPipeline(rules...), ir.NewConntrack()
		for _, p := range g.packets(proto) {
			// From the frame, as the switch sees it.
			in, err := ir.ParseFrame(p.Frame())
			if err != nil {
				t.Fatal(err)
			}
			in.Put(ir.InPort, ir.V(1))
			r, err := pl.Evaluate(in, ir.PhyToLog, ir.Options{CT: ct, Trace: true})
			if err != nil {
				t.Fatal(err)
			}
			want := map[int][]string{}
			for _, d := range r.Outputs {
				want[int(d.Port)] = append(want[int(d.Port)], hex.EncodeToString(d.Packet.Frame()))
			}
			got := b.send(p.Frame())
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("seed %d, %s:\nswitch    %s\nevaluator %s\n%s", seed, in, show(got), show(want), r.Trace)
				break
			}
		}
	}
}

// show writes frames as fields.
func show(frames map[int][]string) string {
	var b strings.Builder
	for port := 1; port <= ports; port++ {
		for _, f := range frames[port] {
			raw, _ := hex.DecodeString(f)
			p, err := ir.ParseFrame(raw)
			if err != nil {
				fmt.Fprintf(&b, "%d: %v; ", port, err)
				continue
			}
			fmt.Fprintf(&b, "%d: %s (%d bytes); ", port, p, len(raw))
		}
	}
	return b.String()
}
