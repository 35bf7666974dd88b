package ovs

import (
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
)

// TestHandoverStaysUntilItIsKnown: flows by which packets of an offload are taken over that an earlier process programmed are not removed
// before it is known what is handed over now.
func TestHandoverStaysUntilItIsKnown(t *testing.T) {
	const taking = `
		phy_to_log 65533 match(pkt.mark=0x80000000/0x80000000) { call handover; }
		handover 2 match(pkt.mark=0x80000007, eth.type=0x800) { pkt.mark = 0; call ingress.3; }
		handover 2 match(pkt.mark=0x80000008, eth.type=0x800) { pkt.mark = 0; call ingress.4; }`
	r := newRig(t)
	r.start()
	d := full(t)
	d.Put, d.Handover = append(d.Put, rules(t, taking)...), true
	r.send(d)
	taken := func() int { return strings.Count(r.state(), "pkt_mark=0x8") }
	if n := taken(); n != 3 {
		t.Fatalf("%d flows take over, want 3:\n%s", n, r.state())
	}
	r.start() // another process
	r.send(full(t))
	if n := taken(); n != 3 {
		t.Fatalf("before it is known %d flows take over, want 3:\n%s", n, r.state())
	}
	// One is wanted still, with the way there; the other is not.
	some := rules(t, taking)[:2]
	r.send(backend.Delta{Put: some, Handover: true})
	if n := taken(); n != 2 {
		t.Fatalf("%d flows take over, want 2:\n%s", n, r.state())
	}
	before := r.be.Status().Removed
	r.be.Redial("test")
	r.send(backend.Delta{})
	if n := taken(); n != 2 || r.be.Status().Removed != before {
		t.Errorf("after a reconnection %d flows take over, want 2:\n%s", n, r.state())
	}
}
