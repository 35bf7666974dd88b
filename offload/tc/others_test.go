package tc

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// filters are those that the kernel has for a port.
func (b *bench) filters(t rapid.TB, port int32) []flower.Installed {
	t.Helper()
	all, err := flower.NewConn(b.kernel.Wire(0), 0).Dump(context.Background(), flower.Scope{Hook: flower.Ingress(10 * port)})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// change has somebody else change filters.
func (b *bench) change(t *testing.T, requests ...flower.Request) {
	t.Helper()
	outcomes, err := flower.NewConn(b.kernel.Wire(0), 0).Apply(t.Context(), requests)
	for _, o := range outcomes {
		err = errors.Join(err, o.Err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// suspects reads the counters, and tells whether they show that something was changed.
func suspects(t *testing.T, target *Target) bool {
	t.Helper()
	for _, err := range target.Counters(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return target.Suspect()
}

func audited(t *testing.T, target *Target) (offload.Drift, []offload.Failure) {
	t.Helper()
	drift, report, err := target.Audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return drift, report.Failures
}

// trapped has a trap in front of a path.
const trapped = forward + `
	phy_to_log 30 match(in_port=1, eth.type=0x800, ip4.dst=7, ip.proto=17, udp.dst=53) { punt dns_lookup; }
`

// TestCountersShowDrift has filters and the qdisc removed: reading counters shows it, and an audit brings them back.
func TestCountersShowDrift(t *testing.T) {
	b := newBench(offload.Software)
	target := b.target()
	if f := applied(t, target, offload.Delta{Put: tablesOf(t, trapped), Ports: b.ports, Reset: true}); len(f) > 0 {
		t.Fatalf("failures: %+v", f)
	}
	kinds := func() (list []flower.Filter) { // without handles and indexes
		for _, in := range b.filters(t, 1) {
			f := plain(&in)
			f.Handle = 0
			list = append(list, f)
		}
		return list
	}
	whole := kinds()
	of := func(r role) flower.Key {
		all := b.filters(t, 1)
		i := slices.IndexFunc(all, func(in flower.Installed) bool { m, _ := markOf(in.Cookie()); return m.role == r })
		return all[i].Key
	}
	if suspects(t, target) {
		t.Error("there is drift at the start")
	}
	for _, tt := range []struct {
		what    string
		damage  func()
		missing int
	}{
		{"a trap is deleted", func() { b.change(t, flower.Delete(of(roleTrap))) }, 1},
		{"a path is deleted", func() { b.change(t, flower.Delete(of(rolePath))) }, 1},
		{"the way into the chain is deleted", func() { b.change(t, flower.Delete(of(roleEntry))) }, 1},
		{"the qdisc is deleted", func() { b.kernel.Unhook(10) }, len(whole)},
	} {
		tt.damage()
		if !suspects(t, target) {
			t.Errorf("%s: counters do not show it", tt.what)
		}
		drift, failures := audited(t, target)
		if d := cmp.Diff(offload.Drift{Missing: tt.missing}, drift); d != "" || len(failures) > 0 {
			t.Errorf("%s: drift %s, failures %+v", tt.what, d, failures)
		}
		if suspects(t, target) || len(kinds()) != len(whole) {
			t.Errorf("%s: it is not put right: there are %d filters, want %d", tt.what, len(kinds()), len(whole))
		}
	}
}

// TestChangeWithoutQdisc has the next change find that the qdisc is gone, before anybody looked: nothing was refused.
func TestChangeWithoutQdisc(t *testing.T) {
	b := newBench(offload.Software)
	target := b.target()
	applied(t, target, offload.Delta{Put: tablesOf(t, forward), Ports: b.ports, Reset: true})
	b.kernel.Unhook(10)
	if f := applied(t, target, offload.Delta{Put: tablesOf(t, trapped)}); len(f) > 0 {
		t.Errorf("failures: %+v", f)
	}
	fresh := newBench(offload.Software)
	applied(t, fresh.target(), offload.Delta{Put: tablesOf(t, trapped), Ports: fresh.ports, Reset: true})
	if got, want := len(b.filters(t, 1)), len(fresh.filters(t, 1)); got != want {
		t.Errorf("there are %d filters, want %d\n%s", got, want, b.text(t, 1))
	}
}

// TestChassis has two chassis in one network namespace: each leaves the other's filters alone, and a device that both want is that
// of the first.
func TestChassis(t *testing.T) {
	b := newBench(offload.Software)
	one, two := b.target(), b.target()
	first := offload.Delta{Put: tablesOf(t, forward), Ports: b.ports, Reset: true, Chassis: "hv1"}
	if f := applied(t, one, first); len(f) > 0 {
		t.Fatalf("failures: %+v", f)
	}
	before := b.text(t, 1)
	applied(t, two, offload.Delta{Reset: true, Chassis: "hv2"})
	if now := b.text(t, 1); now != before {
		t.Errorf("a chassis that is switched off has changed filters of another:\n%s\n%s", before, now)
	}
	second := first
	second.Chassis = "hv2"
	failures := applied(t, two, second)
	if len(failures) == 0 || failures[0].Segment != flatten.IngressID(1) || failures[0].Kind != backend.Transient || !strings.Contains(failures[0].Detail, "another chassis' sluice has filters") {
		t.Errorf("failures: %+v", failures)
	}
	if now := b.text(t, 1); now != before {
		t.Errorf("a chassis has changed filters of another:\n%s\n%s", before, now)
	}
	drift, _ := audited(t, two)
	if len(drift.Foreign) == 0 || drift.Foreign[0].Device != "dev1" || drift.Foreign[0].Entries != len(b.filters(t, 1)) || drift.Foreign[0].Why == "" {
		t.Errorf("drift of the second: %+v", drift)
	}
	if drift, _ := audited(t, one); drift.Any() || len(drift.Foreign) > 0 {
		t.Errorf("drift of the first: %+v", drift)
	}
	applied(t, one, offload.Delta{Reset: true, Chassis: "hv1"})
	if _, failures := audited(t, two); len(failures) > 0 {
		t.Errorf("failures when the first has left: %+v", failures)
	}
	if in := b.filters(t, 1); len(in) == 0 {
		t.Error("the second has nothing when the first has left")
	}
}

// TestRenamedChassis has all filters replaced when the chassis gets another name.
func TestRenamedChassis(t *testing.T) {
	b := newBench(offload.Software)
	target := b.target()
	d := offload.Delta{Put: tablesOf(t, forward), Ports: b.ports, Reset: true, Chassis: "hv1"}
	applied(t, target, d)
	n := len(b.filters(t, 1))
	d.Chassis = "hv2"
	if f := applied(t, target, d); len(f) > 0 {
		t.Errorf("failures: %+v", f)
	}
	all := b.filters(t, 1)
	if len(all) != n {
		t.Errorf("there are %d filters, want %d", len(all), n)
	}
	for _, in := range all {
		if _, of := markOf(in.Cookie()); of != ownerOf("hv2") {
			t.Errorf("%s is of %d", in.Key, of)
		}
	}
}

// noScratch is a kernel on which nothing can be tried.
type noScratch struct{ hooks }

func (noScratch) Scratch() (Link, func() error, error) {
	return Link{}, nil, errors.New("no such module")
}

// TestOffTouchesNothing has a target that is off from the start: it tries nothing, and takes away what is its own.
func TestOffTouchesNothing(t *testing.T) {
	b := newBench(offload.Software)
	dials := 0
	target := func() *Target {
		return New(Config{Links: noScratch{hooks{b.links, b}}, Dial: func() (*flower.Conn, error) { dials++; return flower.NewConn(b.kernel.Wire(0), 0), nil }})
	}
	for n := range int32(5) {
		b.kernel.Unhook(10 * (n + 1))
	}
	b.kernel.Unhook(scratch)
	if f := applied(t, target(), offload.Delta{Reset: true}); len(f) > 0 || dials > 0 {
		t.Errorf("failures %+v, %d connections", f, dials)
	}
	applied(t, b.target(), offload.Delta{Put: tablesOf(t, forward), Ports: b.ports, Reset: true})
	if len(b.filters(t, 1)) == 0 {
		t.Fatal("there are no filters")
	}
	foreign := flower.Filter{Key: flower.Key{Hook: flower.Egress(30), Prio: 1, Protocol: flower.EtherAll, Handle: 1}, Actions: []flower.Action{flower.PassAll()}}
	b.change(t, flower.Add(&foreign))
	if f := applied(t, target(), offload.Delta{Reset: true}); len(f) > 0 {
		t.Errorf("failures: %+v", f)
	}
	for n := int32(1); n <= 5; n++ {
		if left := len(b.filters(t, n)); left > 0 || b.kernel.Hooked(10*n) != (n == 3) {
			t.Errorf("port %d has %d filters, clsact %v; that of port 3 alone has to stay, for what others have there", n, left, b.kernel.Hooked(10*n))
		}
	}
}

// TestSwitchOffloads has filters of Open vSwitch on a device: sluice has none there, and says why, until they are gone.
func TestSwitchOffloads(t *testing.T) {
	b := newBench(offload.Software)
	target := b.target()
	applied(t, target, offload.Delta{Put: tablesOf(t, forward), Ports: b.ports, Reset: true})
	ufid, err := flower.NewCookie([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	drop := flower.DropAll()
	drop.Cookie = ufid
	theirs := flower.Filter{Key: flower.Key{Hook: flower.Ingress(10), Prio: 2, Protocol: flower.EtherIPv4, Handle: 1},
		Match: flower.Match{EthType: flower.EtherIPv4}, Actions: []flower.Action{drop}}
	b.change(t, flower.Add(&theirs))
	drift, failures := audited(t, target)
	if drift.Any() || len(drift.Foreign) != 1 || !strings.Contains(drift.Foreign[0].Why, "hw-offload=false") {
		t.Errorf("drift %+v", drift)
	}
	if len(failures) != 1 || failures[0].Segment != flatten.IngressID(1) || failures[0].Path != 0 {
		t.Errorf("failures %+v", failures)
	}
	if n := len(b.filters(t, 1)); n != 1 {
		t.Errorf("there are %d filters, want that of Open vSwitch:\n%s", n, b.text(t, 1))
	}
	b.change(t, flower.Delete(theirs.Key))
	if drift, failures := audited(t, target); len(failures)+len(drift.Foreign) > 0 || len(b.filters(t, 1)) < 3 {
		t.Errorf("drift %+v, failures %+v, there is\n%s", drift, failures, b.text(t, 1))
	}
}
