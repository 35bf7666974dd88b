package tc

import (
	"context"
	"math/rand/v2"
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

// otherRules draws rules that differ a little.
func otherRules(t *rapid.T, rules []ir.Rule) []ir.Rule {
	list := slices.Clone(rules)
	for range rapid.IntRange(0, 3).Draw(t, "removed") {
		if len(list) > 1 {
			i := rapid.IntRange(0, len(list)-1).Draw(t, "which")
			list = slices.Delete(list, i, i+1)
		}
	}
	return unique(append(list, rapid.SliceOfN(flattentest.Rule(), 0, 3).Draw(t, "added")...))
}

// deltaOf is the change from tables to tables.
func deltaOf(old, now []offload.Table) (d offload.Delta) {
	d.Put = now
	for _, o := range old {
		if !slices.ContainsFunc(now, func(n offload.Table) bool { return n.Segment == o.Segment }) {
			d.Del = append(d.Del, o.Segment)
		}
	}
	return d
}

// results are what can become of a packet, with the rules before or after in the fallback.
func (s *sim) results(t *rapid.T, p *ir.Packet, pipelines [2][]ir.Rule) (list []string) {
	for _, rules := range pipelines {
		ct := ir.NewConntrack()
		s.tracker = ct
		o, err := s.run(p)
		if err != nil {
			t.Fatalf("packet %s: %v\n%s", p, err, flower.List(s.filters, flower.Style{}))
		}
		var r ir.Result
		if o.pass != nil {
			if r, err = ir.NewPipeline(rules...).Evaluate(o.pass, ir.PhyToLog, ir.Options{CT: ct, Choose: flattentest.Choose(false, 0)}); err != nil {
				t.Fatal(err)
			}
		}
		r.Outputs = append(o.out, r.Outputs...)
		list = append(list, seen(r)+flattentest.Connections(ct))
	}
	return list
}

func wanted(t *rapid.T, p *ir.Packet, rules []ir.Rule) string {
	ct := ir.NewConntrack()
	r, err := ir.NewPipeline(rules...).Evaluate(p, ir.PhyToLog, ir.Options{CT: ct, Choose: flattentest.Choose(false, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return seen(r) + flattentest.Connections(ct)
}

// underWay are packets that are sent again and again while filters change.
type underWay struct {
	*bench
	rnd     *rand.Rand
	packets []*ir.Packet
	began   [][]*sim // by packet: what it can have met first, if it is still on its way
}

func (b *bench) underWay(t *rapid.T, most int, hits map[string]int) *underWay {
	u := &underWay{bench: b, rnd: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "slow packets"), 0))}
	for _, p := range rapid.SliceOfN(flattentest.Packet(), 1, most).Draw(t, "packets") {
		u.packets = append(u.packets, arriving(p))
	}
	u.began = make([][]*sim, len(u.packets))
	b.drained = func() { clear(u.began); hits["drained"]++ }
	return u
}

// each calls do with each packet, for filters as they are now, and as they are to some that were somewhere on their way when they became so.
func (u *underWay) each(t *rapid.T, do func(i int, p *ir.Packet, s *sim)) {
	for i, p := range u.packets {
		now, err := u.sim(uint32(p.Get(ir.InPort).Lo), nil)
		if err != nil {
			t.Fatal(err)
		}
		do(i, p, now)
		for range min(2, len(u.began[i])) {
			began := u.began[i][u.rnd.IntN(len(u.began[i]))]
			x := &slow{hop: u.rnd.IntN(4), now: now.filters}
			if n := len(began.filters); n > 0 {
				x.prio = began.filters[u.rnd.IntN(n)].Prio
			}
			do(i, p, &sim{filters: began.filters, portOf: began.portOf, slow: x})
		}
		u.began[i] = append(u.began[i], now)
	}
}

// TestNoPacketSeesHalfAChange holds the kernel's filters behind each message against the rules before and after a change, as packets would
// meet them if the message after that took its time, and as one would that was on its way since an earlier message, unless it was waited for; also when a driver takes some filters only, when some are refused, the kernel is full or
// busy, answers are lost, and when the connection breaks and another process goes on.
func TestNoPacketSeesHalfAChange(t *testing.T) {
	hits := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		pipelines := [2][]ir.Rule{unique(flattentest.Pipeline().Draw(t, "rules"))}
		pipelines[1] = otherRules(t, pipelines[0])
		f := flatten.New(flatten.Config{CanTags: true, Workers: 1, Cut: rapid.IntRange(0, 3).Draw(t, "cut")})
		f.Apply(backend.Delta{Put: pipelines[0]})
		before := tables(f)
		f = flatten.New(flatten.Config{CanTags: true, Workers: 1, Cut: rapid.IntRange(0, 3).Draw(t, "cut")})
		f.Apply(backend.Delta{Put: pipelines[1]})
		after := tables(f)

		b := newBench(rapid.SampledFrom([]offload.Mode{offload.Software, offload.Software, offload.HardwareOnly, offload.HardwareToo}).Draw(t, "mode"))
		if one := rapid.Uint32Range(0, 9).Draw(t, "device"); one > 0 { // else no device takes anything
			b.kernel.Driver = func(id flowertest.ID, _ uint32) (bool, string) {
				return (id.Handle+uint32(id.Prio))%10 != one, "not this one"
			}
		}
		b.refusing(t, hits)
		lost := rapid.IntRange(0, 4).Draw(t, "answers lost")
		u := b.underWay(t, 6, hits)
		var want [][2]string
		for _, p := range u.packets {
			want = append(want, [2]string{wanted(t, p, pipelines[0]), wanted(t, p, pipelines[1])})
		}
		old := true
		check := func() {
			u.each(t, func(i int, p *ir.Packet, s *sim) {
				ok, results := false, s.results(t, p, pipelines)
				for _, got := range results {
					ok = ok || got == want[i][1] || old && got == want[i][0]
				}
				if !ok {
					t.Fatalf("packet %s: got %q, want %q, slow: %s\n%s", p, results, want[i], s.slow, flower.List(s.filters, flower.Style{}))
				}
			})
			hits["states"]++
		}
		first := b.target()
		if _, err := first.Apply(context.Background(), offload.Delta{Put: before, Ports: b.ports, Reset: true}); err != nil {
			t.Fatal(err)
		}
		check()
		second := first
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0: // the same process
			second.broken()
			second.cfg = b.stepping(check, -1, lost, hits).cfg
			if rapid.Bool().Draw(t, "known") {
				for _, d := range second.devices {
					d.adopted = true
				}
			}
			if _, err := second.Apply(context.Background(), deltaOf(before, after)); err != nil {
				t.Fatal(err)
			}
		case 1: // another process
			second = b.stepping(check, -1, lost, hits)
			if _, err := second.Apply(context.Background(), offload.Delta{Put: after, Ports: b.ports, Reset: true}); err != nil {
				t.Fatal(err)
			}
		default: // one that dies, and another one
			dying := b.stepping(check, rapid.IntRange(0, 40).Draw(t, "dies after"), lost, hits)
			if _, err := dying.Apply(context.Background(), offload.Delta{Put: after, Ports: b.ports, Reset: true}); err != nil {
				hits["died"]++
			}
			b.drained() // by the time that another one is there
			second = b.stepping(check, -1, lost, hits)
			if _, err := second.Apply(context.Background(), offload.Delta{Put: after, Ports: b.ports, Reset: true}); err != nil {
				t.Fatal(err)
			}
		}
		old = false
		b.drained() // what was on its way then may have met what was there before
		check()
		// Nothing is left to do, for this process or another one.
		writes := 0
		idle := b.dialling(func() (*flower.Conn, error) {
			return flower.NewConn(&steps{Wire: b.kernel.Wire(0), after: func() { writes++ }, left: -1}, 0), nil
		})
		if b.kernel.Refuse == nil && b.ports[0].Mode == offload.Software {
			if _, err := idle.Apply(context.Background(), offload.Delta{Put: after, Ports: b.ports, Reset: true}); err != nil {
				t.Fatal(err)
			}
			if dumps := len(b.ports); writes != dumps {
				t.Fatalf("%d messages to adopt what is right, want %d dumps", writes, dumps)
			}
		}
	})
	t.Log(hits)
}
