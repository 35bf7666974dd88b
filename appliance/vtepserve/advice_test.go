package vtepserve

import (
	"maps"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// What is said of frames that are not offloaded fits a bridge: nothing of OVN's.
func TestAdvice(t *testing.T) {
	b := newRulebook()
	b.setAging(300)
	at := []bridging.Attachment{{Port: 1, VLAN: 100}, {Port: 2, VLAN: 100}}
	b.setSegments(map[uint64]bridging.Segment{1: {ID: 1, VNI: 5, Tunnel: 9, Attachments: at,
		Filters: map[bridging.Attachment]bridging.Filter{at[1]: {In: []bridging.Entry{{Deny: true, Any: [][]ofp.Term{nil}}}}}}}, nobody)
	b.setLearned(maps.Keys(map[bridging.Learned]bool{{Segment: 1, MAC: station(1), At: at[0]}: true}))
	b.begin()
	d := backend.Delta{Complete: true}
	b.set.Take(&d)
	p := reconcile.NewPlanner()
	p.Advise(advice())
	p.SetPorts([]offload.Port{{Ofport: 1, Name: "p1", Device: "eth1", Mode: offload.Software}, {Ofport: 2, Name: "p2", Device: "eth2", Mode: offload.Software}}, nil)
	p.Apply(d)
	found := map[plan.Code]string{}
	for s := range p.Paths() {
		if s.Reason != nil {
			found[s.Reason.Code] = s.Reason.Advice()
		}
	}
	for _, c := range []flatten.Code{flatten.Learned, flatten.Learns, flatten.ACL} {
		if got := found[plan.Code(c)]; got == "" || got != advice()[plan.Code(c)] {
			t.Errorf("%s: the advice is %q", c, got)
		}
	}
	for code, text := range found {
		if strings.Contains(text, "FDB") || strings.Contains(text, "MAC_Binding") {
			t.Errorf("%s: the advice is OVN's: %q", code, text)
		}
	}
}
