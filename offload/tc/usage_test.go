package tc

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/flower"
	"github.com/sluice-gw/sluice/offload/tc/flower/flowertest"
)

// TestUsage holds what came in by devices against what filters saw to: packets count where their way ends, once, and not if a trap
// hands them over or if it was before the device was looked at.
func TestUsage(t *testing.T) {
	b := newBench(offload.Software)
	rules := `
		phy_to_log 30 match(in_port=1, eth.type=0x800, ip4.dst=9) { punt dns_lookup; }
		phy_to_log 20 match(in_port=1, eth.type=0x800, ip4.dst=7/0xfffffff7) { ct zone=5 next=ingress.1; }
		phy_to_log 10 match(in_port=1, eth.type=0x800, ip4.dst=0/0xfffffff0) { to_port 3; }
		ingress.1 10 match(eth.type=0x800) { to_port 3; }
	`
	delta := offload.Delta{Put: tablesOf(t, rules), Ports: b.ports, Reset: true}
	applied(t, b.target(), delta) // by an earlier process
	device := func(l Link, received uint64) {
		l.Received = Count{received, 100 * received}
		b.links[l.Ifindex] = l
	}
	others := 0
	conn := flower.NewConn(b.kernel.Wire(0), 0)
	// count has every filter of device 1 see n packets of 86 bytes; with the header that the kernel does not count it is 100. It tells
	// how many filters there are that see to packets to the end.
	count := func(n uint64) (ends uint64) {
		all, err := conn.Dump(t.Context(), flower.Scope{Hook: flower.Ingress(10)})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			if !b.kernel.Count(flowertest.ID{Ifindex: 10, Parent: flower.Ingress(10).Parent, Chain: f.Chain, Prio: f.Prio, Handle: f.Handle}, n, 86*n, false) {
				t.Fatalf("%s is not there", f.Key)
			}
			m, _ := markOf(f.Cookie())
			_, jumps := f.Actions[len(f.Actions)-1].Control.Chain()
			switch {
			case m.role == rolePath && !jumps:
				ends++
			case m.role == rolePath:
				others |= 1
			case m.role == roleTrap:
				others |= 2
			}
		}
		return ends
	}
	target := b.target()
	usage := func() map[string]offload.Usage {
		t.Helper()
		for _, err := range target.Counters(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		list, err := target.Usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		by := map[string]offload.Usage{}
		for _, u := range list {
			by[u.Device] = u
		}
		return by
	}
	device(b.links[10], 1000)
	device(b.links[30], 500)
	count(50)
	if f := applied(t, target, delta); len(f) > 0 {
		t.Fatalf("failures: %+v", f)
	}
	if got := usage()["dev1"]; got != (offload.Usage{Device: "dev1"}) {
		t.Errorf("at first: %+v", got)
	}
	ends := count(10)
	if ends < 2 || others != 3 {
		t.Fatalf("%d filters see to packets to the end; others: %b, want jumps and traps", ends, others)
	}
	device(b.links[10], 1040)
	device(b.links[30], 510)
	want := map[string]offload.Usage{
		"dev1": {Device: "dev1", Received: 40, ReceivedBytes: 4000, Offloaded: 10 * ends, OffloadedBytes: 1000 * ends},
		"dev3": {Device: "dev3", Received: 10, ReceivedBytes: 1000},
	}
	got := usage()
	if diff := cmp.Diff(want, map[string]offload.Usage{"dev1": got["dev1"], "dev3": got["dev3"]}); diff != "" {
		t.Error(diff)
	}
	device(b.links[10], 5) // its driver has begun anew
	if got := usage()["dev1"]; got.Received != 45 || got.Offloaded != 10*ends {
		t.Errorf("a driver that begins anew: %+v", got)
	}
	delete(b.links, 10)
	if _, there := usage()["dev1"]; there {
		t.Error("a device that is gone is used")
	}
}

func TestUsageOfOneDevice(t *testing.T) {
	u := usage{}
	u.came(Count{1, 100})
	u.came(Count{3, 250})
	if u.Received != 2 || u.ReceivedBytes != 150 {
		t.Errorf("%+v", u)
	}
}
