package ovs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// TestConflictsDoNotDependOnHistory: of rules with the same match and priority one is
// installed, the same whatever came first, and when it goes the next takes over.
func TestConflictsDoNotDependOnHistory(t *testing.T) {
	r := newRig(t)
	r.start()
	all := rules(t, `
		ingress.0 1 match(reg0=1) { call ingress.1; }
		ingress.0 1 match(reg0=1) { call ingress.2; }
		ingress.0 1 match(reg0=1) { call ingress.3; }`)
	r.send(backend.Delta{Reset: true, Put: all})
	first := r.flows()
	if len(first) != 1 {
		t.Fatalf("the bridge has %q, want one flow", first)
	}
	for range 3 { // in another order
		all = append(all[1:], all[0])
		r.send(backend.Delta{Reset: true, Put: all})
		r.want(first...)
	}
	seen := map[string]bool{}
	for len(all) > 0 {
		flow := r.flows()[0]
		if seen[flow] {
			t.Errorf("%s stays though its rule is gone", flow)
		}
		seen[flow] = true
		i := slices.IndexFunc(all, func(x ir.Rule) bool {
			to, _ := ProfileFor(northd).Table(x.Program.Ops[0].(ir.Call).Stage)
			return strings.HasSuffix(flow, fmt.Sprintf("resubmit(,%d)", to))
		})
		r.send(backend.Delta{Del: ids(all[i : i+1])})
		all = slices.Delete(all, i, i+1)
	}
	r.want()
}

// TestConjunctionsShareFlows: alternatives of several products that are the same
// match are one flow; a plain rule on that match comes before them, and they are
// back when it goes.
func TestConjunctionsShareFlows(t *testing.T) {
	r := newRig(t)
	r.start()
	products := rules(t, `
		ingress.0 1 match(any) any-of(reg0=1 | reg0=2) any-of(reg1=1 | reg1=2) { call ingress.1; }
		ingress.0 1 match(any) any-of(reg0=1 | reg0=3) any-of(reg2=1 | reg2=2) { call ingress.2; }`)
	plain := rules(t, `ingress.0 1 match(reg0=1) { drop; }`)
	r.send(backend.Delta{Reset: true, Put: products})
	both := r.flows()
	shared := slices.IndexFunc(both, func(f string) bool { return strings.Contains(f, "reg0=0x1 ") })
	if len(both) != 9 || strings.Count(both[shared], "conjunction(") != 2 {
		t.Errorf("the bridge has\n%s\nwant two products of 2 and 2 alternatives that share one", strings.Join(both, "\n"))
	}
	r.put(plain...)
	with := slices.Clone(both)
	with[shared] = "table=8, priority=1,reg0=0x1 actions=drop"
	r.want(with...)
	r.send(backend.Delta{Del: ids(plain)})
	r.want(both...)
	r.send(backend.Delta{Del: ids(products[:1])})
	if got := r.flows(); len(got) != 5 || strings.Count(strings.Join(got, ""), "conjunction(") != 4 {
		t.Errorf("without the first product the bridge has\n%s", strings.Join(got, "\n"))
	}
	r.send(backend.Delta{Del: ids(products[1:])})
	r.want()
}

// TestContradictingAlternatives: an alternative that cannot hold together with the
// rest of the match adds nothing.
func TestContradictingAlternatives(t *testing.T) {
	r := newRig(t)
	r.start()
	r.send(backend.Delta{Reset: true, Put: rules(t, `
		ingress.0 1 match(reg0=1) any-of(reg0=1/1 | reg0=2) any-of(reg1=1 | reg1=2) { drop; }`)})
	id := fmt.Sprint(uint32(rules(t, `ingress.0 1 match(reg0=1) any-of(reg0=1/1 | reg0=2) any-of(reg1=1 | reg1=2) { drop; }`)[0].ID) | 1<<31)
	r.want("table=8, priority=1,conj_id="+id+",reg0=0x1 actions=drop",
		"table=8, priority=1,reg0=0x1 actions=conjunction("+id+",1/2)",
		"table=8, priority=1,reg0=0x1,reg1=0x1 actions=conjunction("+id+",2/2)",
		"table=8, priority=1,reg0=0x1,reg1=0x2 actions=conjunction("+id+",2/2)")
}

// TestDesiredForgetsWhatIsGone: however rules come and go, what is left of them is
// what those that are there make.
func TestDesiredForgetsWhatIsGone(t *testing.T) {
	pool := rules(t, network+`
		ingress.1 90 datapath=5 match(eth.type=0x800) any-of(ip4.src=1 | ip4.src=7) any-of(ip4.dst=3 | ip4.dst=4) { call ingress.9; }
		ingress.1 90 datapath=5 match(eth.type=0x800, ip4.src=1) { drop; }
		ingress.1 90 datapath=5 match(eth.type=0x800, ip4.src=1) { call ingress.7; }
		ingress.1 81 match(eth.type=0x800) { select bucket(weight=1 {call ingress.2;}) bucket(weight=1 {call ingress.3;}); }
		ingress.1 82 match(any) { meter "acl"; meter rate=5 burst=5; }
		ingress.1 83 match(any) { meter "nobody"; }
		ingress.60 83 match(any) { drop; }`)
	describe := func(d *desired) string {
		d.takeTouched() // as after each delta: what is gone is deleted
		var lines []string
		for key, f := range d.flows {
			actions, cookie := f.want()
			lines = append(lines, fmt.Sprintf("%x %x %x", key, actions, cookie))
		}
		for id, g := range d.low.groups.byID {
			if g.refs > 0 {
				lines = append(lines, fmt.Sprint("group ", id, g.refs))
			}
		}
		for name, m := range d.low.meters.byName {
			if m.def != nil || m.refs > 0 {
				lines = append(lines, fmt.Sprint("meter ", name, m.refs, m.def != nil))
			}
		}
		slices.Sort(lines)
		return fmt.Sprint(strings.Join(lines, "\n"), len(d.rules), len(d.conjs), d.learners, len(d.waiting), len(d.failed))
	}
	fresh := func(rs []ir.Rule, meters bool) *desired {
		d := newDesired(ProfileFor(northd))
		d.low.setTunOpt(0)
		x := backend.Delta{Put: rs}
		if meters {
			x.Meters = ruleMeters[:1]
		}
		d.apply(x)
		return d
	}
	rapid.Check(t, func(t *rapid.T) {
		d := fresh(nil, false)
		here := map[int]bool{}
		meters := false
		for range rapid.IntRange(1, 30).Draw(t, "deltas") {
			var x backend.Delta
			for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(pool)-1), 0, 4, rapid.ID).Draw(t, "rules") {
				if here[i] {
					x.Del = append(x.Del, pool[i].ID)
				} else {
					x.Put = append(x.Put, pool[i])
				}
				here[i] = !here[i]
			}
			if !meters && rapid.Bool().Draw(t, "meters") {
				meters = true
				x.Meters = ruleMeters[:1]
			}
			d.apply(x)
			if rapid.Bool().Draw(t, "sent") {
				d.low.groups.take()
				d.low.meters.take()
			}
		}
		var rs []ir.Rule
		for i, is := range here {
			if is {
				rs = append(rs, pool[i])
			}
		}
		rand.Shuffle(len(rs), func(i, j int) { rs[i], rs[j] = rs[j], rs[i] })
		if got, want := describe(d), describe(fresh(rs, meters)); got != want {
			t.Fatalf("after all changes:\n%s\nfrom nothing:\n%s", got, want)
		}
	})
}
