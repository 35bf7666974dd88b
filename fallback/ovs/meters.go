package ovs

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// meters are the rate limits that rules name. A meter is in the switch while it is
// used: with a meter, Open vSwitch deletes the flows that use it (OpenFlow 1.5, 6.5
// "Meter Table"). So one whose definition goes first stays as it was until its last
// user went; new users it gets none. The switch knows no names: at start each meter takes the
// number of one that is there with the same content, else a number that nothing
// there uses, so that flows which are still installed keep their limits.
type meters struct {
	byName  map[string]*meter
	taken   map[uint32]bool
	adopted []ofp.MeterConfig // in the switch at start, not yet claimed by a name
	changed map[string]bool
}

type meter struct {
	id        uint32
	def       *ofp.MeterConfig // nil: not defined
	refs      int
	installed bool
	ends      bool // its definition goes with its last use
	dropped   bool // it is defined no more, but used
}

func newMeters() *meters {
	return &meters{byName: map[string]*meter{}, taken: map[uint32]bool{}, changed: map[string]bool{}}
}

// adopt remembers what the switch has, before anything is lowered. What a name holds
// already, because it had it before a reset, is not offered to another.
func (m *meters) adopt(installed []ofp.MeterConfig) {
	held := map[uint32]bool{}
	for _, x := range m.byName {
		held[x.id] = true
	}
	m.adopted = nil
	for _, c := range installed {
		m.taken[c.ID] = true
		if !held[c.ID] {
			m.adopted = append(m.adopted, c)
		}
	}
}

func (m *meters) get(name string) *meter {
	x := m.byName[name]
	if x == nil {
		x = &meter{}
		m.byName[name] = x
	}
	return x
}

// sameMeter tells whether two meters do the same. Of a meter without a burst Open
// vSwitch says that its burst is its rate.
func sameMeter(a, b *ofp.MeterConfig) bool {
	return a.Flags&^ofp.MeterStats == b.Flags&^ofp.MeterStats && slices.EqualFunc(a.Bands, b.Bands, func(x, y ofp.Band) bool {
		if a.Flags&ofp.MeterBurst == 0 {
			x.Burst, y.Burst = 0, 0
		}
		return x == y
	})
}

// define gives a meter its content, new or changed.
func (m *meters) define(c ofp.MeterConfig, name string) {
	x := m.get(name)
	x.ends, x.dropped = false, false
	if x.def != nil && sameMeter(x.def, &c) {
		return
	}
	if x.id == 0 {
		x.id = m.number(&c, x)
	}
	c.ID = x.id
	x.def = &c
	m.changed[name] = true
}

func (m *meters) number(c *ofp.MeterConfig, x *meter) uint32 {
	for i := range m.adopted {
		if sameMeter(&m.adopted[i], c) {
			id := m.adopted[i].ID
			m.adopted = slices.Delete(m.adopted, i, i+1)
			x.installed = true
			return id
		}
	}
	id := uint32(1)
	for m.taken[id] {
		id++
	}
	m.taken[id] = true
	return id
}

// defineUnnamed is define for a meter of set_meter(), whose definition goes with its last use.
func (m *meters) defineUnnamed(c ofp.MeterConfig, name string) {
	m.define(c, name)
	m.byName[name].ends = true
}

// drop forgets a definition, as soon as nobody uses the meter.
func (m *meters) drop(name string) {
	if x := m.byName[name]; x != nil {
		x.ends, x.dropped = true, true
		if x.refs <= 0 {
			x.def = nil
			m.changed[name] = true
		}
	}
}

var errNoMeter = errors.New("is not defined in the Southbound Meter table")

// id is the number of a defined meter; errNoMeter when it is not defined.
func (m *meters) id(name string) (uint32, error) {
	x := m.byName[name]
	if x == nil || x.def == nil || x.dropped {
		return 0, fmt.Errorf("meter %q %w", name, errNoMeter)
	}
	return x.id, nil
}

func (m *meters) ref(names []string, n int) {
	for _, name := range names {
		if x := m.byName[name]; x != nil {
			x.refs += n
			if x.ends && x.refs <= 0 {
				x.def = nil
			}
			m.changed[name] = true
		}
	}
}

// take returns what comes before the flows and what comes after them.
func (m *meters) take() (before, after []ofp.Message) {
	for name := range m.changed {
		x := m.byName[name]
		switch {
		case x == nil:
		case x.def != nil && x.refs > 0:
			cmd := ofp.MeterAdd
			if x.installed {
				cmd = ofp.MeterModify
			}
			x.installed = true
			before = append(before, &ofp.MeterMod{Command: cmd, Meter: *x.def})
		case x.refs <= 0:
			if x.installed {
				after = append(after, &ofp.MeterMod{Command: ofp.MeterDelete, Meter: ofp.MeterConfig{ID: x.id}})
				x.installed = false
			}
			if x.def == nil {
				delete(m.taken, x.id)
				delete(m.byName, name)
			}
		}
	}
	clear(m.changed)
	return before, after
}

// diff compares with what the switch has after a reconnection.
func (m *meters) diff(installed []ofp.MeterConfig) (before, after []ofp.Message) {
	have := map[uint32]*ofp.MeterConfig{}
	for i := range installed {
		have[installed[i].ID] = &installed[i]
	}
	for _, x := range m.byName {
		c := have[x.id]
		x.installed = c != nil
		if x.def == nil || x.refs <= 0 {
			continue
		}
		delete(have, x.id)
		switch {
		case c == nil:
			before = append(before, &ofp.MeterMod{Command: ofp.MeterAdd, Meter: *x.def})
		case !sameMeter(c, x.def):
			before = append(before, &ofp.MeterMod{Command: ofp.MeterModify, Meter: *x.def})
		}
		x.installed = true
	}
	for id := range have {
		after = append(after, &ofp.MeterMod{Command: ofp.MeterDelete, Meter: ofp.MeterConfig{ID: id}})
		delete(m.taken, id)
	}
	for name, x := range m.byName {
		if x.def == nil && x.refs <= 0 { // of before a reset: nobody wants it any more
			delete(m.taken, x.id)
			delete(m.byName, name)
			continue
		}
		if x.id != 0 {
			m.taken[x.id] = true
			if _, gone := have[x.id]; gone {
				x.installed = false
			}
		}
	}
	m.adopted = nil
	clear(m.changed)
	return before, after
}

// meterConfig is a Meter row as OpenFlow sees it.
func meterConfig(x backend.Meter) ofp.MeterConfig {
	c := ofp.MeterConfig{Flags: ofp.MeterKbps}
	if x.PacketRate {
		c.Flags = ofp.MeterPktps
	}
	for _, b := range x.Bands {
		if b.Burst != 0 {
			c.Flags |= ofp.MeterBurst
		}
		c.Bands = append(c.Bands, ofp.Band{Type: ofp.BandDrop, Rate: b.Rate, Burst: b.Burst})
	}
	return c
}

// rateName names the meter of set_meter(rate, burst), which has no row: it belongs
// to the logical flow, and another with the same rate has a limit of its own.
func rateName(rate, burst uint64, cookie uint32) string {
	return fmt.Sprintf("set_meter(%d,%d) of %08x", rate, burst, cookie)
}

func rateMeter(rate, burst uint64) ofp.MeterConfig {
	return meterConfig(backend.Meter{Bands: []backend.MeterBand{{Rate: uint32(rate), Burst: uint32(burst)}}})
}

// fresh is the same meters with their numbers but without definitions and uses.
func (m *meters) fresh() *meters {
	n := newMeters()
	for name, x := range m.byName {
		n.byName[name] = &meter{id: x.id, installed: x.installed}
		n.taken[x.id] = true
		n.changed[name] = true
	}
	return n
}

func (m *meters) count() (n int) {
	for _, x := range m.byName {
		if x.installed {
			n++
		}
	}
	return n
}

// text lists the meters in use, as "NAME: ID", sorted.
func (m *meters) text() []string {
	var out []string
	for name, x := range m.byName {
		if x.def != nil && x.refs > 0 {
			out = append(out, fmt.Sprintf("%s: %d", name, x.id))
		}
	}
	slices.Sort(out)
	return out
}
