package tc

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
	"github.com/sluice-gw/sluice/offload/tc/flower/flowertest"
)

// tablesOf are the tables of rules in text.
func tablesOf(t *testing.T, text string) []offload.Table {
	f := flatten.New(flatten.Config{CanTags: true, Workers: 1})
	f.Apply(backend.Delta{Put: rulesOf(t, text)})
	return tables(f)
}

func applied(t *testing.T, target *Target, d offload.Delta) []offload.Failure {
	t.Helper()
	r, err := target.Apply(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return r.Failures
}

// text is what "tc filter show" prints for a port.
func (b *bench) text(t *testing.T, port int32) string {
	t.Helper()
	hook := flower.Ingress(10 * port)
	all, err := flower.NewConn(b.kernel.Wire(0), 0).Dump(t.Context(), flower.Scope{Hook: hook})
	if err != nil {
		t.Fatal(err)
	}
	return flower.List(all, flower.Style{Hook: hook, Device: func(i int32) string { return b.links[i].Name }})
}

// TestGolden has the text of filters for rules that show most forms. UPDATE=1 writes it anew.
func TestGolden(t *testing.T) {
	b := newBench(offload.Software)
	rules := `
		phy_to_log 10 match(in_port=1, eth.type=0x800, ip4.dst=0x0a000200/0xffffff00) { dec_ttl; eth.src = 0x020000000011; eth.dst = 0x020000000022; to_port 3; }
		phy_to_log 20 match(in_port=1, eth.type=0x800, ip4.dst=0x0a000207, ip.proto=17, udp.dst=53) { punt dns_lookup; }
		phy_to_log 10 match(in_port=1, eth.type=0x800, ip4.dst=0x0a000401) { push_vlan 0x8100; vlan.tci = 0x1007; to_port 3; }
		phy_to_log 10 match(in_port=1, eth.type=0x806) { to_port 3; tun.id = 7; tun.opt = 0x20003; to_port 2; }
		phy_to_log 10 match(in_port=2, tun.id=7, tun.opt=0x30002, eth.type=0x800) { ct zone=5 next=ingress.2 nat(); }
		ingress.2 10 match(eth.type=0x800, ct_state=34/34) { to_port 1; }
		ingress.2 10 match(eth.type=0x800, ct_state=33/33) { ct zone=5 commit exec {ct_mark[0] = 1;}; to_port 1; }
	`
	if failures := applied(t, b.target(), offload.Delta{Put: tablesOf(t, rules), Ports: b.ports, Reset: true}); len(failures) > 0 {
		t.Errorf("failures: %+v", failures)
	}
	got := b.text(t, 1) + b.text(t, 2)
	file := filepath.Join("testdata", "gateway.txt")
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Error(diff)
	}
}

const forward = `
	phy_to_log 20 match(in_port=1, eth.type=0x800, ip4.dst=7) { to_port 4; }
	phy_to_log 10 match(in_port=1, eth.type=0x800) { to_port 3; }
	phy_to_log 10 match(in_port=3, eth.type=0x800) { to_port 1; }
`

// TestDeviceGoesAndComesBack removes a device and brings it back with another number.
func TestDeviceGoesAndComesBack(t *testing.T) {
	b := newBench(offload.Software)
	target := b.target()
	if f := applied(t, target, offload.Delta{Put: tablesOf(t, forward), Ports: b.ports, Reset: true}); len(f) > 0 {
		t.Fatalf("failures: %+v", f)
	}
	delete(b.links, 30)
	gone := b.ports[2]
	failures := applied(t, target, offload.Delta{Ports: []offload.Port{gone}})
	if len(failures) != 2 || failures[0].Kind != backend.Transient || !strings.Contains(failures[0].Detail, "no such network device") ||
		!strings.Contains(failures[1].Detail, "output to port 3: it has no network device here") {
		t.Errorf("failures: %+v", failures)
	}
	if text := b.text(t, 1); strings.Contains(text, "to device dev3") || !strings.Contains(text, "to device dev4") {
		t.Errorf("there is\n%s", text)
	}
	b.links[40+3] = Link{Name: "dev3", Ifindex: 43}
	again := flowertest.New(10, 20, 40, 43, 50, scratch)
	b.kernel = again // the other devices lost everything too, which nobody said
	target.broken()
	if f := applied(t, target, offload.Delta{Ports: []offload.Port{gone}}); len(f) > 0 {
		t.Errorf("failures: %+v", f)
	}
	if text := b.text(t, 1); !strings.Contains(text, "to device dev3") {
		t.Errorf("there is\n%s", text)
	}
}

// TestAudit breaks filters behind the target's back.
func TestAudit(t *testing.T) {
	b := newBench(offload.Software)
	target := b.target()
	applied(t, target, offload.Delta{Put: tablesOf(t, forward), Ports: b.ports, Reset: true})
	want := b.text(t, 1)
	audit := func() offload.Drift {
		drift, report, err := target.Audit(t.Context())
		if err != nil || len(report.Failures) > 0 {
			t.Fatalf("%v, failures %+v", err, report.Failures)
		}
		return drift
	}
	if d := audit(); d.Any() || len(d.Foreign) > 0 {
		t.Errorf("drift of what is right: %+v", d)
	}
	c := flower.NewConn(b.kernel.Wire(0), 0)
	all, err := c.Dump(t.Context(), flower.Scope{Hook: flower.Ingress(10), Chain: flower.Some[uint32](1)})
	if err != nil || len(all) < 3 {
		t.Fatalf("%d filters, %v", len(all), err)
	}
	other := plain(&all[1])
	cookie := other.Actions[0].Cookie
	other.Actions = []flower.Action{flower.DropAll()}
	other.Actions[0].Cookie = cookie
	extra := all[0].Filter
	extra.Handle, extra.Match.EthSrc = 999, flower.ExactMAC(flower.MAC{1})
	foreign := flower.Filter{Key: flower.Key{Hook: flower.Ingress(10), Prio: 60000, Protocol: flower.EtherAll, Handle: 1}, Actions: []flower.Action{flower.PassAll()}}
	outcomes, err := c.Apply(t.Context(), []flower.Request{flower.Delete(all[0].Key), flower.Replace(&other), flower.Add(&extra), flower.Add(&foreign)})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	others := []offload.Foreign{{Device: "dev1", Entries: 1}}
	if d := cmp.Diff(offload.Drift{Missing: 1, Changed: 1, Extra: 1, Foreign: others}, audit()); d != "" {
		t.Errorf("drift: %s", d)
	}
	if d := cmp.Diff(offload.Drift{Foreign: others}, audit()); d != "" {
		t.Errorf("drift after the repair: %s", d)
	}
	got := b.text(t, 1)
	if !strings.Contains(got, "pref 60000") || strings.Count(got, "cookie") != strings.Count(want, "cookie") {
		t.Errorf("there is\n%s\nwant\n%s", got, want)
	}
}

// TestCounters has counters of a filter in software and in hardware, summed over the filters of an entry.
func TestCounters(t *testing.T) {
	b := newBench(offload.Software)
	target := b.target()
	applied(t, target, offload.Delta{Put: tablesOf(t, `phy_to_log 10 match(in_port=1, eth.type=0x800) { to_port 3; }`), Ports: b.ports, Reset: true})
	h := flower.Ingress(10)
	all, err := flower.NewConn(b.kernel.Wire(0), 0).Dump(t.Context(), flower.Scope{Hook: h, Chain: flower.Some[uint32](1)})
	if err != nil {
		t.Fatal(err)
	}
	k := all[0].Key
	if !b.kernel.Count(flowertest.ID{Ifindex: 10, Parent: h.Parent, Chain: 1, Prio: k.Prio, Handle: k.Handle}, 3, 300, false) {
		t.Fatal("the filter is not there")
	}
	var got []offload.Counter
	for c, err := range target.Counters(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Packets > 0 {
			got = append(got, c)
		}
	}
	m, _ := markOf(all[0].Cookie())
	want := []offload.Counter{{Segment: flatten.IngressID(1), Path: m.path(), Packets: 3, Bytes: 300 + 3*14}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRefusalsAreReported has failures of every kind, with the words that a reader needs.
func TestRefusalsAreReported(t *testing.T) {
	for _, tt := range []struct{ rule, want string }{
		{"phy_to_log 10 match(in_port=1, eth.type=0x86dd, ip6.label=5) { to_port 3; }", "match on ip6.label=5: flower has no key for it"},
		{"phy_to_log 10 match(in_port=1, eth.type=0x800) { set_queue 3; to_port 3; }", "egress queue 3"},
		{"phy_to_log 10 match(in_port=1, eth.type=0x800) { eth.dst = eth.src; to_port 3; }", "tc writes constants only"},
		{"phy_to_log 10 match(in_port=1, eth.type=0x800) { first_up 3 4; }", "first port that is up"},
		{"phy_to_log 10 match(in_port=1, eth.type=0x800) { to_port 77; }", "output to port 77: it has no network device here"},
		{"phy_to_log 10 match(in_port=1, eth.dst=2, eth.type=0x800) { clone { eth.dst = 5; to_port 3; }; to_port 4; ip.ttl = 9; eth.src = 6; to_port 2; }", ""},
		{"phy_to_log 10 match(in_port=1) { ct zone=5 next=ingress.2; }\ningress.2 1 match(any) { to_port 3; }", "packets that may not be IP"},
	} {
		b := newBench(offload.Software)
		failures := applied(t, b.target(), offload.Delta{Put: tablesOf(t, tt.rule), Ports: b.ports, Reset: true})
		if tt.want == "" {
			if len(failures) > 0 {
				t.Errorf("%s: %+v", tt.rule, failures)
			}
			continue
		}
		kind := backend.Unsupported
		if strings.Contains(tt.want, "no network device") {
			kind = backend.Transient // it may come
		}
		if len(failures) == 0 || !strings.Contains(failures[0].Detail, tt.want) || failures[0].Kind != kind || failures[0].Path == 0 {
			t.Errorf("%s: %+v, want %q", tt.rule, failures, tt.want)
		}
	}
}

// TestTrapForgetsTheConnection has packets that were tracked go to the fallback, by a trap and at the end of a chain.
func TestTrapForgetsTheConnection(t *testing.T) {
	b := newBench(offload.Software)
	rules := `
		phy_to_log 10 match(in_port=1, eth.type=0x800) { ct zone=5 next=ingress.1; }
		ingress.1 20 match(eth.type=0x800, ip.proto=17, udp.dst=53) { punt dns_lookup; }
		ingress.1 15 match(eth.type=0x800, ip.proto=17, udp.dst=54) { punt dns_lookup; }
		ingress.1 10 match(eth.type=0x800, ip.proto=17, udp.dst=53/0xfff1) { to_port 3; }
	`
	if f := applied(t, b.target(), offload.Delta{Put: tablesOf(t, rules), Ports: b.ports, Reset: true}); len(f) > 0 {
		t.Fatalf("failures: %+v", f)
	}
	for port, passes := range map[string]bool{"53": true, "51": false} {
		s, err := b.sim(1, ir.NewConntrack())
		if err != nil {
			t.Fatal(err)
		}
		p := packetOf(t, "in_port=1, eth.src=1, eth.dst=2, eth.type=0x800, ip4.src=1, ip4.dst=2, ip.ttl=64, ip.proto=17, udp.src=9, udp.dst="+port)
		o, err := s.run(p)
		switch {
		case err != nil:
			t.Error(err)
		case passes != (o.pass != nil):
			t.Errorf("port %s: passes %v", port, o.pass != nil)
		case passes && o.pass.String() != p.String():
			t.Errorf("the fallback gets %s, sent was %s", o.pass, p)
		}
	}
}
