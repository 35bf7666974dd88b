package tc

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// tc runs tc(8) in the chassis' namespace.
func (c *chassis) tc(arguments ...string) {
	c.t.Helper()
	into(c.t, c.fd)
	if out, err := exec.Command("tc", arguments...).CombinedOutput(); err != nil {
		c.t.Fatalf("tc %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
}

// installed is a filter at the ingress of a port, with a role.
func (c *chassis) installed(ifindex int32, r role) flower.Key {
	c.t.Helper()
	all, err := c.target.conn.Dump(c.t.Context(), flower.Scope{Hook: flower.Ingress(ifindex)})
	i := slices.IndexFunc(all, func(in flower.Installed) bool { m, _ := markOf(in.Cookie()); return m.role == r })
	if err != nil || i < 0 {
		c.t.Fatalf("no filter of role %d, %v:\n%s", r, err, c.list("p1"))
	}
	return all[i].Key
}

// TestKernelDrift deletes the qdisc, a trap and a path behind the target's back. Reading counters shows it, an audit repairs it, and a
// change that comes first finds out by itself.
func TestKernelDrift(t *testing.T) {
	a, _ := twoChassis(t)
	rules := append(gateway(t), rulesOf(t, `
		phy_to_log 40 match(in_port=1, eth.type=0x800, ip4.dst=0x0a000207, ip.proto=17, udp.dst=54) { punt dns_lookup; }`)...)
	if r := a.program(rules); len(r.Failures) > 0 {
		t.Fatalf("failures: %+v", r.Failures)
	}
	pl, tracker := ir.NewPipeline(rules...), ir.NewConntrack()
	link, err := a.target.cfg.Links.ByName("p1")
	if err != nil {
		t.Fatal(err)
	}
	suspects(t, a.target)
	if a.target.Suspect() {
		t.Errorf("there is drift at the start:\n%s", a.list("p1"))
	}
	gone := func(r role) func() {
		return func() {
			k := a.installed(link.Ifindex, r)
			a.tc("filter", "del", "dev", "p1", "ingress", "chain", fmt.Sprint(k.Chain), "pref", fmt.Sprint(k.Prio), "protocol", k.Protocol.String(),
				"handle", fmt.Sprint(k.Handle), "flower")
		}
	}
	for _, tt := range []struct {
		what   string
		damage func()
	}{
		{"a trap is deleted", gone(roleTrap)},
		{"a path is deleted", gone(rolePath)},
		{"the qdisc is deleted", func() { a.tc("qdisc", "del", "dev", "p1", "clsact") }},
	} {
		tt.damage()
		if !suspects(t, a.target) {
			t.Errorf("%s: counters do not show it", tt.what)
		}
		drift, failures := audited(t, a.target)
		if drift.Missing == 0 || drift.Changed+drift.Extra > 0 || len(failures) > 0 {
			t.Errorf("%s: drift %+v, failures %+v", tt.what, drift, failures)
		}
		if drift, _ := audited(t, a.target); drift.Any() || suspects(t, a.target) {
			t.Errorf("%s: it is not put right: %+v\n%s", tt.what, drift, a.list("p1"))
		}
		a.expect(pl, tracker, packetOf(t, packets[1]))
	}
	a.tc("qdisc", "del", "dev", "p1", "clsact")
	less := rules[1:]
	if r := a.program(less); len(r.Failures) > 0 {
		t.Errorf("failures of a change without the qdisc: %+v", r.Failures)
	}
	if drift, _ := audited(t, a.target); drift.Any() {
		t.Errorf("drift after a change without the qdisc: %+v", drift)
	}
}

// TestKernelRateLimit has the qdisc of Open vSwitch's rate limits on a device: it stays, the packets too, and the reason says whose it
// is. Switched off, sluice leaves no qdisc in the way of one.
func TestKernelRateLimit(t *testing.T) {
	a, _ := twoChassis(t)
	a.tc("qdisc", "add", "dev", "p1", "ingress")
	r := a.program(gateway(t))
	if len(r.Failures) != 1 || !strings.Contains(r.Failures[0].Detail, "ingress_policing_rate") {
		t.Errorf("failures: %+v", r.Failures)
	}
	a.send(1, packetOf(t, packets[1]).Frame())
	if got := a.receive(3, 100*time.Millisecond); got != nil {
		t.Error("a packet was offloaded")
	}
	a.tc("qdisc", "del", "dev", "p1", "ingress")
	if _, failures := audited(t, a.target); len(failures) > 0 {
		t.Errorf("failures without the qdisc: %+v", failures)
	}
	a.apply(offload.Delta{Reset: true})
	for _, device := range []string{"p1", "p3", "p4", "tun"} {
		a.tc("qdisc", "add", "dev", device, "ingress")
	}
	if _, err := a.target.cfg.Links.ByName("sluice-probe"); err != ErrNoLink {
		t.Errorf("the device for probing: %v", err)
	}
}
