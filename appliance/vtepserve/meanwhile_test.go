package vtepserve

import (
	"testing"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// What comes after a reading has begun is there when that is taken, also if it was taken by itself before: the reading may lack it.
func TestNewsMeanwhile(t *testing.T) {
	n := newNews()
	flow := func(mac byte) *ofp.Flow {
		m, err := bridging.Learned{Segment: 1, MAC: station(int(mac)), At: bridging.Attachment{Port: 1}}.Hold(300, 300)
		if err != nil {
			t.Fatal(err)
		}
		return m.Flow()
	}
	n.add(flow(1), false)
	n.begin()
	n.add(flow(2), false)
	n.add(flow(3), true)
	if got := n.take(); len(got) != 3 {
		t.Errorf("%+v is new", got)
	}
	n.add(flow(4), false)
	got := map[byte]bridging.Attachment{}
	for _, l := range n.end() {
		got[l.MAC[5]] = l.At
	}
	if len(got) != 3 || got[2].Port != 1 || got[3].Port != 0 || got[4].Port != 1 {
		t.Errorf("meanwhile: %v", got)
	}
	n.add(flow(5), false)
	if n.begin(); len(n.end()) != 0 {
		t.Error("what came before a reading is said to have come meanwhile")
	}
	if got := n.take(); len(got) != 2 {
		t.Errorf("%+v is new", got)
	}
	if len(n.take()) != 0 {
		t.Error("it is taken twice")
	}
}
