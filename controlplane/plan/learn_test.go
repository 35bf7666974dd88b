package plan

import (
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/offload"
)

// full is a target that takes so many entries, and says nothing of it before.
type full struct {
	*traffic
	bound   int
	refused int // times that it said no
}

// obey tells the target what there is until there is nothing more.
func (x *full) obey() {
	x.refused = 0
	for d, ok := x.p.Delta(x.now); ok; d, ok = x.p.Delta(x.now) {
		r := offload.Report{Revision: d.Revision}
		n := 0
		for _, s := range x.p.installed { // what is new is at the end of no table here, but last in time
			n += len(s.table.Entries)
		}
		for _, t := range d.Put {
			for _, e := range slices.Backward(t.Entries) {
				if n > x.bound && !e.Trap {
					r.Failures = append(r.Failures, offload.Failure{Segment: t.Segment, Path: e.Path.ID, Kind: backend.Full, Detail: "no space left on device"})
					n--
					x.refused++
				}
			}
		}
		x.p.Report(x.now, r)
	}
}

// pass has seconds go by, with so many packets per second for each destination.
func (x *full) pass(seconds int, rate map[uint64]uint64) {
	for range seconds / 10 {
		x.count(10, rate)
		x.obey()
	}
}

// A target that turns out to be full gets the hottest paths, as one does that has said how much room it has; when there is
// more room, the others follow (with that which drops what goes nowhere), and the bound is forgotten.
func TestLearnedRoom(t *testing.T) {
	p := planned(t, hosts(12)...)
	x := &full{traffic: &traffic{p: p, now: start, total: map[uint64]uint64{}}, bound: 6}
	x.obey()
	if got := len(inTable(p)); got != 6 || !p.Crowded() || p.room() != 6 {
		t.Fatalf("%d are in the target, bound %d", got, p.room())
	}
	for s := range p.Paths() {
		if s.Reason != nil && host(s.Path) != 0 && s.Reason.Code != Room {
			t.Errorf("%s: %s", s.Path, s.Reason)
		}
	}
	rate := map[uint64]uint64{}
	for h := uint64(1); h <= 12; h++ {
		rate[h] = 1
	}
	hot := []uint64{2, 5, 7, 9, 11, 12}
	for _, h := range hot {
		rate[h] = 1000
	}
	x.pass(600, rate)
	if got := inTable(p); !slices.Equal(got, hot) {
		t.Errorf("in the target are %v, hot are %v", got, hot)
	}
	x.bound = 100
	x.pass(3600, rate)
	if got := inTable(p); len(got) != 13 || p.Crowded() || p.room() != 0 {
		t.Errorf("with more room %v are in the target, bound %d", got, p.room())
	}
}

// A target that is full is tried less and less often, and never drained.
func TestLearnedRoomIsProbed(t *testing.T) {
	p := planned(t, hosts(40)...)
	x := &full{traffic: &traffic{p: p, now: start, total: map[uint64]uint64{}}, bound: 20}
	x.obey()
	probes := 0
	for range 3 * 3600 / 10 {
		x.pass(10, map[uint64]uint64{1: 1})
		if x.refused > 0 {
			probes++
		}
		if n := len(inTable(p)); n < 18 || n > 20 {
			t.Fatalf("%d are in a target that has room for 20", n)
		}
	}
	if probes < 3 || probes > 20 {
		t.Errorf("it was tried %d times in three hours", probes)
	}
}

// What is refused though nothing was taken is no matter of room.
func TestFullWithoutAnything(t *testing.T) {
	p := planned(t, hosts(2)...)
	refuseAll(p, tell(p, start), false, backend.Full, "full")
	if p.Crowded() || p.room() != 0 {
		t.Error("a target that takes nothing has room for something")
	}
	if at, ok := p.Next(); !ok || at.Sub(start) != fullPause {
		t.Errorf("it is tried again at %v, %v", at, ok)
	}
}
