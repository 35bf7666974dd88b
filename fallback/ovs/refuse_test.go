package ovs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// good are rules that the switch takes, as it shows them.
const good = `
	ingress.0 3 match(reg0=3) { call ingress.1; }
	ingress.0 4 match(reg0=4) { call ingress.1; }`

var goodFlows = []string{
	"table=8, priority=3,reg0=0x3 actions=resubmit(,9)",
	"table=8, priority=4,reg0=0x4 actions=resubmit(,9)",
}

// TestRefusedRulesAreNamed: what cannot be installed is named with the reason, and
// the rest is installed, at start as well as later, alone as well as in numbers.
func TestRefusedRulesAreNamed(t *testing.T) {
	for _, c := range []struct {
		name, rule string
		kind       backend.Kind
		want       string // in the reason
	}{
		{"prerequisite is missing", `ingress.0 7 match(any) { ip4.src = 1; }`, backend.Invalid, "OFPBAC_MATCH_INCONSISTENT"},
		{"value out of range", `ingress.0 7 match(eth.type=0x806) { arp.op = 999; }`, backend.Invalid, "OFPBAC_BAD_SET_ARGUMENT"},
		{"match without prerequisite", `ingress.0 7 match(tcp.dst=1) { drop; }`, backend.Unsupported, "tcp_dst needs a match on IP and nw_proto=6"},
		{"beyond the pipeline", `ingress.60 7 match(any) { drop; }`, backend.Unsupported, "stage ingress.60 is beyond the pipeline of table profile 23.03"},
		{"calls beyond the pipeline", `ingress.0 7 match(any) { call ingress.60; }`, backend.Unsupported, "stage ingress.60 is beyond the pipeline of table profile 23.03"},
		{"conntrack goes on beyond the pipeline", `ingress.0 7 match(eth.type=0x800) { ct zone=1 next=ingress.60; }`, backend.Unsupported, "stage ingress.60 is beyond"},
		{"learns into no table", `ingress.0 7 match(any) { learn flood_remote priority=1; learn ingress.60 priority=1; }`, backend.Unsupported, "stage ingress.60 is beyond"},
		{"unknown meter", `ingress.0 7 match(any) { meter "nobody"; }`, backend.Unsupported, `meter "nobody" is not defined in the Southbound Meter table`},
		{"unknown meter of a punt", `ingress.0 7 match(any) { punt log meter="nobody"; }`, backend.Unsupported, `meter "nobody" is not defined in the Southbound Meter table`},
		{"no such action", `ingress.0 7 match(any) { sample probability=1 collector_set=1 obs_domain=1 obs_point=reg3; }`, backend.Unsupported, "sample with the observation point from reg3"},
		{"in a nested block", `ingress.0 7 match(any) { clone {clone {ip4.src = 1;};}; }`, backend.Invalid, "OFPBAC_MATCH_INCONSISTENT"},
		{"in the bucket of a group", `ingress.0 7 match(any) { select bucket(weight=1 {arp.op = 999;}); }`, backend.Invalid, "OFPBAC_BAD_SET_ARGUMENT"},
		{"in the packet that a punt answers with", `ingress.0 7 match(any) { punt icmp4_error {call ingress.60;}; }`, backend.Unsupported, "stage ingress.60 is beyond"},
		{"a product without prerequisite", `ingress.0 7 match(any) any-of(reg0=1 | reg0=2) any-of(tcp.dst=1 | tcp.dst=2) { drop; }`, backend.Unsupported, "tcp_dst needs a match on IP and nw_proto=6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.start()
			bad := rules(t, c.rule)[0]
			bad.Owner.Kind = ir.OwnerPortBinding
			named := func(where string, failures []backend.Failure) {
				t.Helper()
				if len(failures) != 1 || failures[0].Rule != bad.ID || failures[0].Kind != c.kind || failures[0].Owner.Cookie() != bad.Owner.Cookie() ||
					failures[0].Owner.Kind != bad.Owner.Kind || !strings.Contains(failures[0].Detail, c.want) {
					t.Errorf("%s: failures are %v, want one of rule %x with %q", where, failures, uint64(bad.ID), c.want)
				}
				r.wantPlain(goodFlows...)
			}
			all := append(rules(t, good), bad)
			named("at start", r.send(backend.Delta{Reset: true, Put: all}))
			named("another change", r.send(backend.Delta{}))
			r.be.Redial("test")
			named("after a reconnection", r.acked())
			if f := r.send(backend.Delta{Del: []ir.RuleID{bad.ID}}); len(f) != 0 {
				t.Errorf("the rule is gone, its failure is not: %v", f)
			}
			r.wantPlain(goodFlows...)
			r.send(backend.Delta{Del: ids(rules(t, good))})
			r.wantPlain()
			named("with the others, later", r.send(backend.Delta{Put: all}))
			text := fmt.Sprintf("rule %016x of Port_Binding", uint64(bad.ID))
			if log := r.log.String(); strings.Count(log, text) != 2 || !strings.Contains(log, c.want) {
				t.Errorf("%q with %q must be logged when it comes and when it comes again:\n%s", text, c.want, log)
			}
		})
	}
}

// wantPlain is want without the flows of products that the switch takes.
func (r *rig) wantPlain(lines ...string) {
	r.t.Helper()
	slices.Sort(lines)
	got := slices.DeleteFunc(r.flows(), func(f string) bool { return strings.Contains(f, "conj") })
	if !slices.Equal(got, lines) {
		r.t.Errorf("the bridge has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

// TestManyRefusedRules: thousands of bad rules do not keep the good ones out.
func TestManyRefusedRules(t *testing.T) {
	r := newRig(t)
	r.start()
	all := rules(t, good)
	for n := range 3000 {
		all = append(all, ir.NewRule(ir.Ingress(0), 7, 0, ir.MustMatch(ir.Exact(ir.Reg0, uint64(n))), nil,
			ir.NewProgram(ir.Set{Dst: ir.All(ir.IP4Src), Value: ir.V(1)}), ir.Owner{Kind: ir.OwnerLogicalFlow}))
	}
	if f := r.send(backend.Delta{Reset: true, Put: all}); len(f) != 3000 {
		t.Errorf("%d failures, want 3000", len(f))
	}
	r.want(goodFlows...)
}

// TestMeterComesLater: a rule whose meter is not defined yet is installed when it is.
func TestMeterComesLater(t *testing.T) {
	r := newRig(t)
	r.start()
	rule := rules(t, `ingress.0 1 match(any) { punt log meter="acl"; }`)
	if f := r.send(backend.Delta{Reset: true, Put: rule}); len(f) != 1 {
		t.Errorf("failures %v, want one", f)
	}
	r.want()
	if f := r.send(backend.Delta{Meters: ruleMeters}); len(f) != 0 {
		t.Errorf("failures %v, want none", f)
	}
	r.want("table=8, priority=1 actions=controller(userdata=00.00.00.07.00.00.00.00,meter_id=1)")
	// Undefined while it is in use, it goes on with what it was: also after a reconnection, and in a switch that has lost it.
	r.send(backend.Delta{DelMeters: []string{"acl"}})
	state := r.state()
	for _, disturb := range []func(){func() {}, func() { r.sw.Ofctl("del-meters", bridgeName) }} {
		disturb()
		was := r.status()
		r.be.Redial("test")
		if f := r.acked(); len(f) != 0 {
			t.Errorf("failures %v, want none", f)
		}
		if got := r.state(); got != state || !strings.Contains(got, "meter_id=1") {
			t.Errorf("after a reconnection the bridge has\n%s\nbefore it had\n%s", got, state)
		}
		if is := r.status(); is.Removed != was.Removed || is.Connections != was.Connections+1 {
			t.Errorf("%d flows were removed in %d connections", is.Removed-was.Removed, is.Connections-was.Connections)
		}
	}
	r.send(backend.Delta{Del: ids(rule)})
	r.want()
	if m := r.sw.Ofctl("dump-meters", bridgeName); strings.Contains(m, "meter=") {
		t.Errorf("meters are left: %s", m)
	}
	if f := r.send(backend.Delta{Put: rule}); len(f) != 1 {
		t.Errorf("the meter is gone, failures are %v, want one", f)
	}
}

// TestProgramComesAgain: the group of a program goes with its last rule and comes
// back with the next, which is often the very same program.
func TestProgramComesAgain(t *testing.T) {
	r := newRig(t)
	r.start()
	rule := rules(t, `ingress.0 1 match(any) { select bucket(weight=1 {call ingress.2;}); meter rate=1 burst=1; }`)
	r.send(backend.Delta{Reset: true, Put: rule})
	want := r.state()
	r.send(backend.Delta{Del: ids(rule)})
	r.want()
	if g := r.sw.Ofctl("dump-groups", bridgeName); strings.Contains(g, "group_id") {
		t.Errorf("the group is left: %s", g)
	}
	r.put(rule...)
	if got := r.state(); got != want {
		t.Errorf("the bridge has\n%s\nwant\n%s", got, want)
	}
}
