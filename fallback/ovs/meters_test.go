package ovs

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// meterOf is a definition with a rate.
func meterOf(rate uint32) ofp.MeterConfig {
	return meterConfig(backend.Meter{PacketRate: true, Bands: []backend.MeterBand{{Rate: rate}}})
}

// use defines a meter and lets one rule use it.
func (m *meters) use(name string, rate uint32) {
	m.define(meterOf(rate), name)
	m.ref([]string{name}, 1)
}

// meterSwitch is the meters of a switch, which refuses what Open vSwitch refuses.
type meterSwitch map[uint32]ofp.MeterConfig

func (s meterSwitch) dump() (all []ofp.MeterConfig) {
	for _, c := range s {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b ofp.MeterConfig) int { return int(a.ID) - int(b.ID) })
	return all
}

func (s meterSwitch) do(msgs ...[]ofp.Message) error {
	for _, m := range slices.Concat(msgs...) {
		m := m.(*ofp.MeterMod)
		_, there := s[m.Meter.ID]
		switch m.Command {
		case ofp.MeterAdd:
			if there {
				return fmt.Errorf("meter %d is there", m.Meter.ID)
			}
			s[m.Meter.ID] = m.Meter
		case ofp.MeterModify:
			if !there {
				return fmt.Errorf("meter %d is not there", m.Meter.ID)
			}
			s[m.Meter.ID] = m.Meter
		case ofp.MeterDelete:
			delete(s, m.Meter.ID)
		}
	}
	return nil
}

// TestResetKeepsMetersApart: after a reset a name that is new has a meter of its own,
// even if one with the same content is in the switch for another name.
func TestResetKeepsMetersApart(t *testing.T) {
	sw := meterSwitch{}
	old := newMeters()
	old.use("a", 100)
	if err := sw.do(old.take()); err != nil {
		t.Fatal(err)
	}
	m := old.fresh()
	m.adopt(sw.dump())
	m.use("b", 100) // before the name that has the meter
	m.use("a", 100)
	if a, b := m.byName["a"].id, m.byName["b"].id; a == b || a != old.byName["a"].id {
		t.Errorf("before the reset a had meter %d; now a has %d and b has %d", old.byName["a"].id, a, b)
	}
}

// TestMetersOfTheSwitch: whatever is defined, used, dropped, reset and lost, each name in
// use has a meter of its own with its content in the switch, and nothing else is there.
// One that is dropped while it is used stays as it was, but is given to nobody any more.
func TestMetersOfTheSwitch(t *testing.T) {
	names := []string{"a", "b", "c", "d"}
	rapid.Check(t, func(t *rapid.T) {
		sw, m := meterSwitch{7: {ID: 7, Flags: ofp.MeterPktps, Bands: meterOf(2).Bands}}, newMeters()
		want, dropped := map[string]uint32{}, map[string]bool{} // what is used, and what of it is not defined any more
		restate := func() {                                     // all rules again, as after a Reset
			m.adopt(sw.dump())
			for _, name := range rapid.Permutation(names).Draw(t, "order") {
				if dropped[name] { // nobody can use it again
					want[name], dropped[name] = 0, false
				}
				if rate := want[name]; rate != 0 {
					m.use(name, rate)
				}
			}
		}
		change := func() {
			name, rate := rapid.SampledFrom(names).Draw(t, "name"), rapid.Uint32Range(0, 3).Draw(t, "rate")
			switch had := want[name]; {
			case rate == 0 && had != 0 && !dropped[name] && rapid.Bool().Draw(t, "used"):
				m.drop(name)
				dropped[name] = true
				return
			case rate == 0 && had != 0:
				m.ref([]string{name}, -1)
				m.drop(name)
			case rate != 0 && had == 0:
				m.use(name, rate)
			case rate != 0:
				m.define(meterOf(rate), name)
			}
			want[name], dropped[name] = rate, false
		}
		restate()
		if err := sw.do(m.diff(sw.dump())); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			var err error
			switch rapid.SampledFrom([]string{"change", "reset", "restart", "connection", "lost"}).Draw(t, "step") {
			case "change":
				change()
				change()
				err = sw.do(m.take())
			case "reset":
				name := rapid.SampledFrom(names).Draw(t, "name")
				want[name], dropped[name] = rapid.Uint32Range(0, 3).Draw(t, "rate"), false
				m = m.fresh()
				restate()
				err = sw.do(m.diff(sw.dump()))
			case "restart":
				m = newMeters()
				restate()
				err = sw.do(m.diff(sw.dump()))
			case "connection":
				change()
				err = sw.do(m.diff(sw.dump()))
			case "lost":
				clear(sw)
				err = sw.do(m.diff(nil))
			}
			if err != nil {
				t.Fatal(err)
			}
			used := 0
			for name, rate := range want {
				if rate == 0 {
					continue
				}
				used++
				if _, err := m.id(name); (err != nil) != dropped[name] {
					t.Fatalf("meter %q was dropped: %v; who wants to use it hears: %v", name, dropped[name], err)
				}
				id := m.byName[name].id
				if c, d := sw[id], meterOf(rate); !sameMeter(&c, &d) {
					t.Fatalf("meter %q of rate %d has number %d; the switch has %v", name, rate, id, sw.dump())
				}
			}
			if len(sw) != used {
				t.Fatalf("%d names are in use; the switch has %v", used, sw.dump())
			}
		}
	})
}
