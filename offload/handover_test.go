package offload_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
)

// errUnlike says that something was done to a packet that only the pipelines drawn here can do, not those of a switch: what is not IP was
// tracked, or a VLAN header taken off where none is known to be.
var errUnlike = errors.New("no switch can do that")

func needsVLAN(t offload.Table) bool {
	return slices.ContainsFunc(t.TableRules(), func(r ir.Rule) bool { _, does := r.Match.Term(ir.VLANTCI); return does })
}

// A VLAN header must be there where one is taken off; but not where that is one that was put on before.
func TestHandoverOfVLAN(t *testing.T) {
	push, out, pop := ir.PushVLAN{TPID: 0x8100}, ir.ToPort{Port: 1}, ir.PopVLAN{}
	for _, tt := range []struct {
		ops  []ir.Op
		want bool
	}{
		{[]ir.Op{out}, false}, {[]ir.Op{out, pop}, true}, {[]ir.Op{push, out, pop}, false}, {[]ir.Op{push, out, pop, pop}, true}, {[]ir.Op{pop, push}, true},
		{[]ir.Op{ir.Clone{Ops: []ir.Op{pop}}, push}, true}, {[]ir.Op{push, ir.Clone{Ops: []ir.Op{pop}}, pop}, false},
		{[]ir.Op{ir.Clone{Ops: []ir.Op{push, pop}}, out}, false}, {[]ir.Op{ir.Clone{Ops: []ir.Op{push}}, pop}, true},
	} {
		if got := needsVLAN(offload.Table{Mark: 1, Entry: tt.ops}); got != tt.want {
			t.Errorf("%v: needs a VLAN header: %v, want %v", tt.ops, got, tt.want)
		}
	}
}

// TestHandoverRulesGoOn sends packets through paths, and hands those that meet a trap in the middle to the pipeline by its first stage,
// with a mark: what comes out is what comes out of the pipeline alone.
func TestHandoverRulesGoOn(t *testing.T) {
	taken := 0
	property := func(t *rapid.T) {
		byID := map[ir.RuleID]bool{}
		rules := slices.DeleteFunc(flattentest.Pipeline().Draw(t, "rules"), func(r ir.Rule) bool {
			again := byID[r.ID]
			byID[r.ID] = true
			return again
		})
		f := flatten.New(flatten.Config{Workers: 1, CanTags: true, Handover: true, Cut: rapid.IntRange(0, 3).Draw(t, "cut")})
		f.Apply(backend.Delta{Put: rules})
		options := func() ir.Options {
			return ir.Options{CT: ir.NewConntrack(), Choose: flattentest.Choose(false, 0)}
		}
		alone := options()
		m := &flattentest.Machine{Paths: f, Handover: true, Options: options()}
		m.TakeOver = func(seg *flatten.Segment, p *ir.Packet) (ir.Result, error) {
			table := offload.Table{Segment: seg.ID, Tracked: seg.Tracked, Zone: seg.Zone, Mark: offload.HandoverMark | uint32(seg.ID)}
			table.Entry, _ = seg.Entry()
			if typ := p.Get(ir.EthType).Lo; seg.Tracked && typ != 0x0800 && typ != 0x86dd || p.Get(ir.VLANTCI).IsZero() && needsVLAN(table) {
				return ir.Result{}, errUnlike
			}
			taken++
			whole := ir.NewPipeline(slices.Concat(rules, offload.HandoverRules(nil), table.TableRules())...)
			p.Put(ir.PktMark, ir.V(uint64(table.Mark)))
			return whole.Evaluate(p, ir.PhyToLog, m.Options)
		}
		for _, p := range rapid.SliceOfN(flattentest.Packet(), 1, 8).Draw(t, "packets") {
			if f.Segment(flatten.IngressID(uint32(p.Get(ir.InPort).Lo))) == nil {
				continue
			}
			want, err := ir.NewPipeline(rules...).Evaluate(p, ir.PhyToLog, alone)
			if err != nil {
				t.Fatal(err)
			}
			m.Fallback = ir.NewPipeline(rules...) // which has learned nothing, like the one alone
			got, err := m.Run(p)
			if errors.Is(err, errUnlike) {
				continue
			}
			if err != nil {
				t.Fatalf("packet %s: %v", p, err)
			}
			if g, w := flattentest.Text(got), flattentest.Text(want); g != w {
				t.Fatalf("packet %s: got\n%s\nwant\n%s", p, g, w)
			}
		}
	}
	for range 20 { // some rounds have no such packet
		if rapid.Check(t, property); taken > 0 || t.Failed() {
			break
		}
	}
	if t.Log(taken, "packets were handed over with a mark"); taken == 0 {
		t.Error("nothing was tried")
	}
}

// Packets by another bridge are taken over where they belong, and nowhere else when that bridge floods them.
func TestHandoverByBridges(t *testing.T) {
	ports := []offload.Port{{Ofport: 4, Bridge: &offload.Bridge{}}, {Ofport: 5, Bridge: &offload.Bridge{VLAN: 100}}, {Ofport: 6}}
	table := offload.Table{Mark: offload.HandoverMark | 7, Entry: []ir.Op{ir.ToPort{Port: 9}}}
	pl := ir.NewPipeline(slices.Concat(offload.HandoverRules(ports), table.TableRules())...)
	for _, tt := range []struct {
		port, tci, mark uint64
		taken           bool
	}{
		{4, 0, offload.HandoverMark | 7, true}, {4, 0x1064, offload.HandoverMark | 7, false},
		{5, 0, offload.HandoverMark | 7, false}, {5, 0x1064, offload.HandoverMark | 7, true}, {5, 0x3064, offload.HandoverMark | 7, true}, {5, 0x1065, offload.HandoverMark | 7, false},
		{6, 0, offload.HandoverMark | 7, true}, {6, 0x1064, offload.HandoverMark | 7, true}, {6, 0, offload.HandoverMark | 8, false}, {6, 0, 7, false},
	} {
		p, err := ir.NewPacket(ir.Exact(ir.EthType, 0x88b5))
		if err != nil {
			t.Fatal(err)
		}
		if tt.tci != 0 {
			p.PushVLAN(0x8100)
			p.Put(ir.VLANTCI, ir.V(tt.tci))
		}
		p.Put(ir.InPort, ir.V(tt.port))
		p.Put(ir.PktMark, ir.V(tt.mark))
		r, err := pl.Evaluate(p, ir.PhyToLog, ir.Options{CT: ir.NewConntrack(), Choose: flattentest.Choose(false, 0)})
		if taken := len(r.Outputs) == 1; err != nil || taken != tt.taken {
			t.Errorf("%+v: %v, %v", tt, r.Outputs, err)
		} else if taken && !r.Outputs[0].Packet.Get(ir.PktMark).IsZero() {
			t.Errorf("%+v: the mark stays", tt)
		}
	}
}

// What is tracked goes through connection tracking again where its state was not seen.
func TestHandoverRulesAsText(t *testing.T) {
	table := offload.Table{Tracked: true, Zone: 5, Mark: offload.HandoverMark | 7, Entry: []ir.Op{
		ir.Set{Dst: ir.All(ir.IP4Dst), Value: ir.V(1)}, ir.DecTTL{}, ir.Call{Stage: ir.Ingress(3)}}}
	var lines []string
	for _, r := range table.TableRules() {
		lines = append(lines, fmt.Sprint(r))
	}
	const want = `handover 2 match(pkt.mark=0x80000007, ct_state=32/32, eth.type=2048) { pkt.mark = 0; ip4.dst = 1; dec_ttl; call ingress.3; }
handover 1 match(pkt.mark=0x80000007, eth.type=2048) { ct zone=5 next=handover; }
handover 2 match(pkt.mark=0x80000007, ct_state=32/32, eth.type=34525) { pkt.mark = 0; dec_ttl; call ingress.3; }
handover 1 match(pkt.mark=0x80000007, eth.type=34525) { ct zone=5 next=handover; }`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
