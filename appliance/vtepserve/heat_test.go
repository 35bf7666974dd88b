package vtepserve

import (
	"maps"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/offload"
)

// Where there is not room for all, the stations that Open vSwitch has most frames for are offloaded in the end, those here as well as those behind tunnels, and
// whether frames for them come by what is learned or by what is held.
func TestHeat(t *testing.T) {
	w := worldOf(2, 10, 10, 1)
	book, p := w.begin()
	c := caps()
	c.Entries = 40
	p.SetCaps(c)
	hot := map[wire.MAC]bool{w.learned[7].MAC: true, w.learned[13].MAC: true, w.segment.Stations[4].MAC: true}
	now := time.Unix(1000, 0)
	place := func() {
		for d, ok := p.Delta(now); ok; d, ok = p.Delta(now) {
			p.Report(now, offload.Report{Revision: d.Revision})
		}
	}
	place()
	if !p.Crowded() {
		t.Fatal("there is room for all")
	}
	for round := range uint64(20) {
		now = now.Add(10 * time.Second)
		sighted := func(l bridging.Learned) bridging.Sighted {
			if hot[l.MAC] {
				return bridging.Sighted{Learned: l, Packets: round * 1000}
			}
			return bridging.Sighted{Learned: l, Packets: round}
		}
		var local, remote []bridging.Sighted
		for _, l := range w.learned {
			held := l
			held.Held = true
			local = append(local, sighted(l), bridging.Sighted{Learned: held})
		}
		for _, st := range w.segment.Stations {
			remote = append(remote, sighted(bridging.Learned{Segment: w.segment.ID, MAC: st.MAC}))
		}
		p.Observe(now, func(func(offload.Counter) bool) {}, maps.All(book.heat(local, remote)))
		place()
	}
	stays := map[wire.MAC]int{}
	for s := range p.Paths() {
		dst, ok := s.Path.Match.Term(ir.EthDst)
		for mac := range hot {
			if ok && dst.Mask.Lo == 1<<48-1 && dst.Value.Lo == mac.Uint64() && s.Reason != nil {
				stays[mac]++
			}
		}
	}
	if len(stays) > 0 {
		t.Errorf("of stations with most frames these have paths in Open vSwitch: %v", stays)
	}
	if !p.Crowded() {
		t.Error("there is room for all")
	}
}
