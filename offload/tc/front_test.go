package tc

import (
	"context"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
	"github.com/sluice-gw/sluice/offload/tc/flower"
	"github.com/sluice-gw/sluice/offload/tc/flower/flowertest"
)

// count has a filter of a device see packets.
func (b *bench) count(t rapid.TB, port int32, f *flower.Installed, packets uint64) {
	id := flowertest.ID{Ifindex: 10 * port, Parent: flower.Ingress(10 * port).Parent, Chain: f.Chain, Prio: f.Prio, Handle: f.Handle}
	if !b.kernel.Count(id, packets, 86*packets, false) {
		t.Fatalf("%s is not there", f.Key)
	}
}

// readAgain reads the counters, when it is time to look at the order of all chains.
func (t *Target) readAgain(ctx context.Context) (err error) {
	for _, d := range t.devices {
		for _, c := range d.chains {
			c.rest = 0
		}
	}
	for _, e := range t.Counters(ctx) {
		err = e
	}
	return err
}

// hotRules are such that one entry comes to the front with one before it, another with two.
const hotRules = `
	phy_to_log 60 match(in_port=1, eth.type=0x800, ip.ttl=1) { drop; }
	phy_to_log 50 match(in_port=1, eth.type=0x800, ip4.src=0x0a000000/0xff000000, ip.proto=17) { drop; }
	phy_to_log 40 match(in_port=1, eth.type=0x800, ip4.src=0x0a000000/0xff000000, ip4.dst=0x0b000001) { to_port 3; }
	phy_to_log 30 match(in_port=1, eth.type=0x800, ip4.src=0x0c000000/0xff000000, ip4.dst=0x0b000002) { to_port 4; }
	phy_to_log 20 match(in_port=1, eth.type=0x800, ip.ttl=2/0xfe, ip.proto=6) { drop; }
	phy_to_log 10 match(in_port=1, eth.type=0x800) { to_port 3; }
`

// An entry that many packets meet comes to the front, with the one that must stay before it and no other; when it is quiet another takes its place, and
// then it is where it was. The tables are the same all the time, and another process takes the order over.
func TestHotEntriesComeToTheFront(t *testing.T) {
	b := newBench(offload.Software)
	udp, err := ir.ParseMatch("in_port=1, eth.type=0x800, ip4.src=0x0a000001, ip4.dst=0x0b000001, ip.proto=17, ip.ttl=9")
	if err != nil {
		t.Fatal(err)
	}
	packet, err := ir.NewPacket(slices.Collect(udp.Terms())...)
	if err != nil {
		t.Fatal(err)
	}
	placed := false
	target := b.stepping(func() { // the order of moves matters: this packet meets two of what moves
		s, err := b.sim(1, ir.NewConntrack())
		if err != nil {
			t.Fatal(err)
		}
		if o, err := s.run(packet); placed && (err != nil || o.pass != nil || len(o.out) > 0) {
			t.Errorf("UDP from 10.0.0.1: %+v (%v), want it dropped", o, err)
		}
	}, -1, 0, map[string]int{})
	applied(t, target, offload.Delta{Put: tablesOf(t, hotRules), Ports: b.ports, Reset: true})
	placed = true
	order := func() (list []string) {
		all := slices.DeleteFunc(b.filters(t, 1), func(f flower.Installed) bool { return f.Chain == 0 })
		slices.SortStableFunc(all, func(a, b flower.Installed) int { return int(a.Prio) - int(b.Prio) })
		for _, f := range all {
			m, _ := markOf(f.Cookie())
			if m.role != rolePath {
				continue
			}
			switch name := ""; {
			case f.Match.TTL.Value == 1:
				list = append(list, "ttl 1")
			case f.Match.TTL.IsSet():
				list = append(list, "ttl 2")
			case f.Match.IPProto.Set:
				list = append(list, "udp")
			case f.Match.IPDst.IsSet():
				list = append(list, "to "+f.Match.IPDst.Value.String())
			default:
				list = append(list, name+"rest")
			}
		}
		return list
	}
	meet := func(what flowerIs, packets uint64) {
		t.Helper()
		for _, f := range b.filters(t, 1) {
			if f.Chain != 0 && what(&f) {
				b.count(t, 1, &f, packets)
			}
		}
		if err := target.readAgain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	to := func(last byte) flowerIs {
		return func(f *flower.Installed) bool { return f.Match.IPDst.IsSet() && f.Match.IPDst.Value.As4()[3] == last }
	}
	at := func(name string) int { return slices.Index(order(), name) }
	begin := order()
	meet(to(2), 100)
	if got := order(); !slices.Equal(got, begin) {
		t.Errorf("some packets: %v, want %v", got, begin)
	}
	meet(to(2), 100000)
	if got := order(); at("to 11.0.0.2") != 1 || got[0] != "ttl 1" {
		t.Errorf("packets to 11.0.0.2: %v, want it behind ttl 1 only", got)
	}
	for range 20 { // it cools down
		meet(to(1), 0)
	}
	meet(to(1), 100000)
	if got := order(); at("to 11.0.0.1") != 2 || at("udp") > 1 || at("ttl 1") > 1 {
		t.Errorf("packets to 11.0.0.1: %v, want it behind ttl 1 and udp only", got)
	}
	for range 20 {
		meet(to(1), 0)
	}
	meet(to(2), 100000)
	if got := order(); at("to 11.0.0.2") != 1 || got[0] != "ttl 1" {
		t.Errorf("packets to 11.0.0.2 again: %v, want it behind ttl 1 only", got)
	}
	if len(order()) != len(begin) {
		t.Errorf("%v, want what was there in the beginning: %v", order(), begin)
	}
	now := order()
	applied(t, b.target(), offload.Delta{Put: tablesOf(t, hotRules), Ports: b.ports, Reset: true})
	if got := order(); !slices.Equal(got, now) {
		t.Errorf("after a restart: %v, want %v", got, now)
	}
}

type flowerIs func(*flower.Installed) bool

// TestMovesAreNotSeen holds the kernel's filters behind each message against the rules, while whatever is hot gives them other places and while the tables
// change.
func TestMovesAreNotSeen(t *testing.T) {
	hits := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		pipelines := [2][]ir.Rule{unique(flattentest.Pipeline().Draw(t, "rules"))}
		pipelines[1] = otherRules(t, pipelines[0])
		all := [2][]offload.Table{tables(flattener(t, pipelines[0])), tables(flattener(t, pipelines[1]))}
		b := newBench(offload.Software)
		u := b.underWay(t, 3, hits)
		either := pipelines
		check := func() {
			u.each(t, func(_ int, p *ir.Packet, s *sim) {
				want := []string{wanted(t, p, either[0]), wanted(t, p, either[1])}
				if got := s.results(t, p, either); !slices.Contains(want, got[0]) && !slices.Contains(want, got[1]) {
					t.Fatalf("packet %s: got %q, want %q, slow: %s\n%s", p, got, want, s.slow, flower.List(s.filters, flower.Style{}))
				}
			})
		}
		began := false
		target := b.stepping(func() {
			if began { // how a target begins others tests show
				check()
			}
		}, -1, 0, hits)
		prios := func() map[flower.Key]bool {
			keys := map[flower.Key]bool{}
			for n := range b.ports {
				for _, f := range b.filters(t, int32(n+1)) {
					keys[f.Key] = true
				}
			}
			return keys
		}
		apply := func(now int) {
			if _, err := target.Apply(context.Background(), offload.Delta{Put: all[now], Ports: b.ports, Reset: true}); err != nil {
				t.Fatal(err)
			}
			either[0], either[1] = pipelines[now], pipelines[now]
			b.drained()
			check()
		}
		apply(0)
		began = true
		for range rapid.IntRange(1, 2).Draw(t, "rounds") {
			before := prios()
			for _, hook := range slices.SortedFunc(maps.Keys(target.devices), compareHooks) {
				d := target.devices[hook]
				for _, c := range d.sorted() {
					c.hot = nil
					for _, r := range c.rules {
						if rapid.Bool().Draw(t, "hot") {
							c.hot = append(c.hot, r.path)
						}
					}
					c.place(d.site, d.where())
				}
				if again, err := target.pass(context.Background(), d); again || err != nil {
					t.Fatalf("moves were refused, or %v", err)
				}
			}
			check()
			if !maps.Equal(before, prios()) {
				hits["moved"]++
			}
		}
		either = pipelines
		apply(1)
	})
	if t.Log(hits); hits["moved"] == 0 {
		t.Error("nothing has moved")
	}
}
