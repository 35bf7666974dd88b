package tc

import (
	"sync/atomic"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// TestKernelMovesAreNotSeen has one packet after the other go through a chain whose entries come to the front and go back: none is lost, and none of what must be dropped
// comes through. What is hot comes to the front by the kernel's own counters.
func TestKernelMovesAreNotSeen(t *testing.T) {
	a, _ := twoChassis(t)
	if r := a.apply(offload.Delta{Put: tablesOf(t, hotRules), Ports: a.ports, Reset: true}); len(r.Failures) > 0 {
		t.Errorf("failures: %+v", r.Failures)
	}
	passes := packetOf(t, "in_port=1, eth.src=0x020000000001, eth.dst=0x020000000002, eth.type=0x800, ip4.src=0x0c000001, ip4.dst=0x0b000002, ip.ttl=64, ip.proto=17, udp.src=1, udp.dst=2").Frame()
	dropped := packetOf(t, "in_port=1, eth.src=0x020000000001, eth.dst=0x020000000002, eth.type=0x800, ip4.src=0x0a000001, ip4.dst=0x0b000001, ip.ttl=64, ip.proto=17, udp.src=1, udp.dst=2").Frame()
	for range 2 * frontWorth {
		a.send(1, passes)
		a.receive(4, guest.Patience)
	}
	if err := a.target.readAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	var d *device
	var c *chain
	for _, d = range a.target.devices {
		if c = d.chains[flatten.IngressID(1)]; c != nil {
			break
		}
	}
	if len(c.hot) != 1 {
		t.Fatalf("%d entries are hot, want that to 11.0.0.2\n%s", len(c.hot), a.list("p1"))
	}
	var hot []flatten.PathID // in all orders
	for _, r := range c.rules {
		hot = append(hot, r.path)
	}

	var stop atomic.Bool
	sent, lost, leaked := 0, 0, 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			a.send(1, dropped)
			a.send(1, passes)
			sent++
			if a.receive(4, guest.Patience) == nil {
				lost++
			}
			if a.receive(3, 0) != nil {
				leaked++
			}
		}
	}()
	for i := range 60 {
		c.hot = nil
		if i%2 == 0 {
			n := i / 2 % len(hot)
			c.hot = append(append(c.hot, hot[n:]...), hot[:n]...)
		}
		c.place(d.site, d.where())
		if again, err := a.target.pass(t.Context(), d); again || err != nil {
			t.Errorf("moves were refused, or %v", err)
			break
		}
	}
	stop.Store(true)
	<-done
	if lost+leaked > 0 || sent == 0 {
		t.Errorf("%d packets: %d were lost, %d came through that must not", sent, lost, leaked)
	}
	t.Logf("%d packets during 60 moves", sent)
	if drift, _, err := a.target.Audit(t.Context()); err != nil || drift.Any() {
		t.Errorf("drift %+v, %v", drift, err)
	}
	a.expect(ir.NewPipeline(rulesOf(t, hotRules)...), ir.NewConntrack(), packetOf(t, packets[1]))
}
