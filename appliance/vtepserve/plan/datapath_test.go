package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/wire"
)

// knowing is a plan with one segment, of ports 1 and 2.
func knowing() (p *Plan, segment uint64) {
	ls := ovsdb.UUID{1}
	p = New(Config{Now: time.Now})
	p.places = map[bridging.Attachment]ovsdb.UUID{{Port: 1}: ls, {Port: 2}: ls}
	p.common.TableSize = 8192
	return p, segmentID(ls)
}

// Where a station is, what was learned last says, then what is held; what cannot be is forgotten, once.
func TestLocate(t *testing.T) {
	p, segment := knowing()
	mac := wire.MAC{2, 0, 0, 0, 0, 1}
	at := func(port int) bridging.Attachment { return bridging.Attachment{Port: ofp.Port(port)} }
	flow := func(port int, held bool) bridging.Learned {
		l := bridging.Learned{Segment: segment, MAC: mac, Held: held}
		if port > 0 {
			l.At = at(port)
		}
		return l
	}
	for _, c := range []struct {
		what    string
		news    []bridging.Learned
		changed bool
		where   int // 0: nowhere
		forget  []bridging.Learned
	}{
		{"learned", []bridging.Learned{flow(1, false)}, true, 1, nil},
		{"held as well", []bridging.Learned{flow(1, true)}, false, 1, nil},
		{"only held", []bridging.Learned{flow(0, false)}, false, 1, nil},
		{"learned elsewhere", []bridging.Learned{flow(2, false)}, false, 2, []bridging.Learned{flow(1, true)}},
		{"nothing new", []bridging.Learned{flow(0, true)}, false, 2, nil},
		{"learned where nothing is", []bridging.Learned{flow(3, false)}, true, 0, []bridging.Learned{flow(3, false)}},
		{"held where nothing is", []bridging.Learned{flow(0, false), flow(3, true)}, false, 0, []bridging.Learned{flow(3, true)}},
		{"learned again", []bridging.Learned{flow(0, true), flow(1, false)}, true, 1, nil},
		{"forgotten", []bridging.Learned{flow(0, false)}, true, 0, nil},
	} {
		changed := p.Heard(c.news)
		got := p.Location(segment, mac)
		if changed != c.changed || (got == nil) != (c.where == 0) || got != nil && *got != at(c.where) {
			t.Errorf("%s: it is at %v, changed: %v", c.what, got, changed)
		}
		if forget := p.Forgotten(); !slices.Equal(forget, c.forget) {
			t.Errorf("%s: %+v is to be forgotten, not %+v", c.what, forget, c.forget)
		}
	}
}

// A table that has become too small loses the stations that nothing was sent to for longest, all that is known of them; one that is too full by itself loses none.
func TestTrim(t *testing.T) {
	p, segment := knowing()
	var list []bridging.Sighted
	for i := range 6 {
		l := bridging.Learned{Segment: segment, MAC: wire.MAC{2, 0, 0, 0, 0, byte(i)}, At: bridging.Attachment{Port: 1}}
		list = append(list, bridging.Sighted{Learned: l, Idle: time.Duration(i) * time.Minute})
	}
	held := list[5]
	held.Held = true
	list = append(list, held)
	list[4].Idle = time.Second
	p.common.TableSize = 4
	if p.SetStations(list); len(p.Forgotten()) > 0 {
		t.Error("stations are forgotten though the table is as large as before")
	}
	p.shrunk = true
	if !p.SetStations(list) {
		t.Error("that is no change")
	}
	if got, want := p.Forgotten(), []bridging.Learned{list[3].Learned, list[5].Learned, held.Learned}; !slices.Equal(got, want) {
		t.Errorf("%+v are forgotten, not %+v", got, want)
	}
}
