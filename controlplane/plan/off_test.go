package plan

import (
	"maps"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Paths through a logical datapath that is off are traps, and what would have to be handed to them as it is by then; all
// others stay as they were. When it is on again everything is as before.
func TestOffDatapaths(t *testing.T) {
	p := planned(t,
		"phy_to_log 10 match(in_port=1) { datapath = 7; call ingress.0; }",
		"ingress.0 3 datapath=7 match(eth.dst=1) { to_port 2; }",
		"ingress.0 2 datapath=7 match(eth.dst=2) { datapath = 8; call ingress.1; }",
		"ingress.0 1 datapath=7 match(eth.dst=3) { ct zone=5 commit next=ingress.2; }",
		"ingress.1 1 datapath=8 match(any) { to_port 3; }",
		"ingress.2 1 datapath=7 match(any) { datapath = 8; call ingress.1; }")
	reasons := func() map[string]int {
		tell(p, start)
		n := map[string]int{}
		for s := range p.Paths() {
			switch {
			case s.Reason == nil:
				n["offloaded"]++
			case s.Reason.Code == DatapathOff:
				n[s.Reason.Detail+" at "+p.Blamed(s.Reason).Stage.String()]++
			default:
				n[s.Reason.Code.String()]++
			}
		}
		return n
	}
	before := reasons()
	if before["offloaded"] < 4 {
		t.Fatalf("before: %v", before)
	}
	p.SetOff(map[uint32]string{8: "lr0"})
	want := map[string]int{"offloaded": before["offloaded"] - 3, "lr0 at " + ir.Ingress(1).String(): 2, "continuation": 1}
	if got := reasons(); !maps.Equal(got, want) {
		t.Errorf("the router is off: %v, want %v", got, want)
	}
	if _, more := p.Delta(start); more {
		t.Error("there is more to tell")
	}
	p.SetOff(map[uint32]string{8: "lr0"}) // as it is
	if _, more := p.Delta(start); more {
		t.Error("nothing has changed, and there is something to tell")
	}
	p.SetOff(map[uint32]string{7: "sw0"})
	for what, n := range reasons() {
		if what == "offloaded" && n > before["offloaded"]-3 {
			t.Errorf("all is off, %d are offloaded", n)
		}
	}
	p.SetOff(nil)
	if got := reasons(); !maps.Equal(got, before) {
		t.Errorf("on again: %v, want %v", got, before)
	}
}
