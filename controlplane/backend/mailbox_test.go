package backend

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// target is a switch as simple as can be: it does what deltas say.
type target struct {
	rules    map[ir.RuleID]ir.OwnerKind
	meters   map[string]uint32
	zones    map[uint16]bool
	conns    map[uint8]bool // by protocol
	release  string
	revision Revision
	complete bool
}

func newTarget() *target {
	return &target{rules: map[ir.RuleID]ir.OwnerKind{}, meters: map[string]uint32{}, zones: map[uint16]bool{}, conns: map[uint8]bool{}}
}

func (x *target) apply(d Delta) {
	if d.Reset {
		clear(x.rules)
		clear(x.meters)
		x.release = d.Release
	}
	for _, id := range d.Del {
		delete(x.rules, id)
	}
	for _, r := range d.Put {
		x.rules[r.ID] = r.Owner.Kind
	}
	for _, name := range d.DelMeters {
		delete(x.meters, name)
	}
	for _, m := range d.Meters {
		x.meters[m.Name] = m.Bands[0].Rate
	}
	for _, z := range d.FlushZones {
		x.zones[z] = true
	}
	for _, c := range d.FlushConnections {
		x.conns[c.Proto] = true
	}
	x.revision = d.Revision
	x.complete = x.complete || d.Complete
}

func (x *target) String() string {
	return fmt.Sprint(x.rules, x.meters, slices.Sorted(maps.Keys(x.zones)), slices.Sorted(maps.Keys(x.conns)), x.release, x.revision, x.complete)
}

func drawDelta(t *rapid.T, rev Revision) Delta {
	d := Delta{Revision: rev, Reset: rapid.IntRange(0, 9).Draw(t, "reset") == 0, Complete: rapid.IntRange(0, 5).Draw(t, "complete") == 0}
	if d.Reset {
		d.Release = rapid.SampledFrom([]string{"22.03", "23.03"}).Draw(t, "release")
	}
	id := rapid.Custom(func(t *rapid.T) ir.RuleID { return ir.RuleID(rapid.IntRange(1, 5).Draw(t, "id")) })
	d.Del = rapid.SliceOfNDistinct(id, 0, 3, rapid.ID).Draw(t, "del")
	for _, id := range rapid.SliceOfNDistinct(id, 0, 3, rapid.ID).Draw(t, "put") {
		// The owner tells versions of a rule apart.
		d.Put = append(d.Put, ir.Rule{ID: id, Program: ir.NewProgram(), Owner: ir.Owner{Kind: ir.OwnerKind(rapid.IntRange(0, 3).Draw(t, "owner"))}})
	}
	name := rapid.SampledFrom([]string{"a", "b", "c"})
	d.DelMeters = rapid.SliceOfNDistinct(name, 0, 2, rapid.ID).Draw(t, "del meters")
	for _, n := range rapid.SliceOfNDistinct(name, 0, 2, rapid.ID).Draw(t, "meters") {
		d.Meters = append(d.Meters, Meter{Name: n, Bands: []MeterBand{{Rate: rapid.Uint32Range(1, 9).Draw(t, "rate")}}})
	}
	d.FlushZones = rapid.SliceOfN(rapid.Uint16Range(1, 4), 0, 2).Draw(t, "zones")
	for _, proto := range rapid.SliceOfN(rapid.Uint8Range(1, 4), 0, 2).Draw(t, "connections") {
		d.FlushConnections = append(d.FlushConnections, Connection{Proto: proto})
	}
	return d
}

// TestMergedDeltasAreTheSame: a target that is slow and takes several deltas as one
// comes to the same as one that takes each by itself.
func TestMergedDeltasAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, quick, slow := NewMailbox(), newTarget(), newTarget()
		for rev := range rapid.IntRange(1, 12).Draw(t, "deltas") {
			d := drawDelta(t, Revision(rev+1))
			quick.apply(d)
			m.Send(clone(d))
			if rapid.IntRange(0, 2).Draw(t, "take") == 0 {
				if d, ok := m.Take(); ok {
					slow.apply(d)
				}
			}
		}
		if d, ok := m.Take(); ok {
			slow.apply(d)
		}
		if quick.String() != slow.String() {
			t.Fatalf("one by one: %s\nmerged:     %s", quick, slow)
		}
	})
}

func clone(d Delta) Delta {
	d.Put, d.Del, d.Meters = slices.Clone(d.Put), slices.Clone(d.Del), slices.Clone(d.Meters)
	d.DelMeters, d.FlushZones, d.FlushConnections = slices.Clone(d.DelMeters), slices.Clone(d.FlushZones), slices.Clone(d.FlushConnections)
	return d
}

func TestReadyAndTake(t *testing.T) {
	m := NewMailbox()
	if _, ok := m.Take(); ok {
		t.Error("an empty mailbox gave something")
	}
	m.Send(Delta{Revision: 1})
	m.Send(Delta{Revision: 2})
	select {
	case <-m.Ready():
	default:
		t.Fatal("nothing is ready")
	}
	if d, ok := m.Take(); !ok || d.Revision != 2 {
		t.Errorf("took %+v, %v; want revision 2", d, ok)
	}
	if _, ok := m.Take(); ok {
		t.Error("took twice what was sent once")
	}
	m.Send(Delta{Revision: 3})
	<-m.Ready()
}

// TestDeadRulesAreNotKept: what was put and deleted while nobody took it is not
// handed out, so that a slow target is not flooded with what is past.
func TestDeadRulesAreNotKept(t *testing.T) {
	m := NewMailbox()
	m.Send(Delta{Put: []ir.Rule{{ID: 1, Program: ir.NewProgram()}, {ID: 2, Program: ir.NewProgram()}}})
	m.Send(Delta{Del: []ir.RuleID{1}})
	d, _ := m.Take()
	if len(d.Put) != 1 || d.Put[0].ID != 2 || !slices.Equal(d.Del, []ir.RuleID{1}) {
		t.Errorf("took %+v", d)
	}
}

func TestFailureText(t *testing.T) {
	var got []string
	for k := Unsupported; k <= Transient; k++ {
		got = append(got, Failure{Rule: 0xabc, Owner: ir.Owner{Kind: ir.OwnerPortBinding, UUID: [16]byte{1, 2, 3, 4}}, Kind: k, Detail: "why"}.String())
	}
	const want = `rule 0000000000000abc of Port_Binding 01020304: unsupported: why
rule 0000000000000abc of Port_Binding 01020304: full: why
rule 0000000000000abc of Port_Binding 01020304: conflict: why
rule 0000000000000abc of Port_Binding 01020304: invalid: why
rule 0000000000000abc of Port_Binding 01020304: transient: why`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}
