package ovs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
)

// network is a bit of everything that a switch can hold.
const network = `
	phy_to_log 100 match(in_port=1) { datapath = 5; inport = 1; call ingress.0; }
	ingress.0 100 datapath=5 match(inport=1) { call ingress.1; }
	ingress.0 50 match(eth.type=0x806) { punt put_arp meter="acl"; call ingress.1; }
	ingress.1 90 datapath=5 match(eth.type=0x800) any-of(ip4.src=1 | ip4.src=2) any-of(ip4.dst=3 | ip4.dst=4) { drop; }
	ingress.1 80 datapath=5 match(eth.type=0x800) { select bucket(weight=1 {call ingress.2;}) bucket(weight=1 {call ingress.3;}); }
	ingress.2 70 match(eth.type=0x800) { learn chk_lb_affinity priority=7 match(datapath = datapath) load(flags[14] = 1); }
	remote_output 100 datapath=5 match(outport=2) { tun.opt[0..15] = outport[0..15]; tun.id = 5; to_port 4; }`

// full is network with its meter as the first delta of a controller.
func full(t *testing.T) backend.Delta {
	return backend.Delta{Reset: true, Meters: ruleMeters[:1], Put: rules(t, network)}
}

// state is all that the bridge holds, cookies included.
func (r *rig) state() string {
	r.t.Helper()
	lines := strings.Split(r.sw.Ofctl("dump-flows", "--no-stats", bridgeName), "\n")
	slices.Sort(lines)
	groups := strings.Split(r.sw.Ofctl("dump-groups", bridgeName), "\n")
	slices.Sort(groups[1:])
	meters := strings.Split(r.sw.Ofctl("dump-meters", bridgeName), "\n")
	return strings.Join(lines, "\n") + "\n" + strings.Join(groups[1:], "\n") + "\n" + strings.Join(meters[1:], "\n")
}

// TestDriftIsRepaired: what somebody else changes in the switch is put right when
// the connection is made anew, and only that is touched.
func TestDriftIsRepaired(t *testing.T) {
	r := newRig(t)
	r.start()
	r.send(full(t))
	before := r.state()
	for _, c := range []struct {
		name           string
		do             [][]string
		added, removed uint64
	}{
		{"nothing", nil, 0, 0},
		{"flow deleted", [][]string{{"del-flows", "br-int", "table=8"}}, 2, 0},
		{"flow changed", [][]string{{"mod-flows", "br-int", "table=8,metadata=5,actions=drop"}}, 1, 0},
		{"other cookie", [][]string{{"add-flow", "br-int", "table=8,priority=100,cookie=0x99,metadata=5,reg14=1,actions=resubmit(,9)"}}, 1, 0},
		{"timeout", [][]string{{"add-flow", "br-int", "table=8,priority=100,idle_timeout=1000,cookie=0x640040,metadata=5,reg14=1,actions=resubmit(,9)"}}, 1, 0},
		{"foreign flows", [][]string{{"add-flow", "br-int", "table=8,priority=9,tcp,tcp_flags=+syn,actions=drop"}, {"add-flow", "br-int", "table=200,mpls,actions=drop"}}, 0, 2},
		{"foreign flow with a field that we do not know", [][]string{{"add-flow", "br-int", "table=8,priority=9,ip,nw_ttl=3,actions=dec_ttl"}, {"add-flow", "br-int", "table=8,mpls,mpls_label=7,mpls_bos=1,actions=drop"}}, 0, 2},
		{"flow with the same match in another table", [][]string{{"add-flow", "br-int", "table=9,priority=100,metadata=5,reg14=1,actions=drop"}}, 0, 1},
		{"group deleted with its flow", [][]string{{"del-groups", "br-int"}}, 1, 0},
		{"group changed", [][]string{{"mod-group", "br-int", "GROUP,type=select,bucket=drop"}}, 0, 0},
		{"foreign group and meter", [][]string{{"add-group", "br-int", "group_id=7,type=all,bucket=drop"}, {"add-meter", "br-int", "meter=9,kbps,bands=type=drop,rate=1"}}, 0, 0},
		{"meter changed", [][]string{{"mod-meter", "br-int", "meter=1,pktps,bands=type=drop,rate=1"}}, 0, 0},
		{"meter deleted", [][]string{{"del-meters", "br-int"}}, 0, 0},
		{"everything deleted", [][]string{{"del-flows", "br-int"}, {"del-groups", "br-int"}, {"del-meters", "br-int"}}, uint64(len(r.flows())), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, args := range c.do {
				for i := range args {
					args[i] = strings.ReplaceAll(args[i], "GROUP", r.groupID())
				}
				r.sw.Ofctl(args...)
			}
			was := r.status()
			r.be.Redial("test")
			r.acked()
			if after := r.state(); after != before {
				t.Errorf("the bridge has\n%s\nwant\n%s", after, before)
			}
			is := r.status()
			if is.Added-was.Added != c.added || is.Removed-was.Removed != c.removed {
				t.Errorf("%d flows were added or corrected and %d removed, want %d and %d", is.Added-was.Added, is.Removed-was.Removed, c.added, c.removed)
			}
			if is.Connections != was.Connections+1 {
				t.Errorf("%d connections were made", is.Connections-was.Connections)
			}
		})
	}
}

// groupID is the number of the one group.
func (r *rig) groupID() string {
	_, rest, _ := strings.Cut(r.sw.Ofctl("dump-groups", bridgeName), "group_id=")
	id, _, _ := strings.Cut(rest, ",")
	return "group_id=" + id
}

// TestSwitchRestarts: a switch that is killed loses everything and gets it back,
// what changed in between included.
func TestSwitchRestarts(t *testing.T) {
	r := newRig(t)
	r.start()
	r.send(full(t))
	r.sw.KillVswitchd()
	all := rules(t, network)
	r.rev++
	r.mail.Send(backend.Delta{Revision: r.rev, Del: ids(all[:1]), Put: rules(t, `ingress.0 1 match(any) { call ingress.1; }`), Complete: true})
	r.sw.StartVswitchd()
	r.acked()
	after := r.state()

	other := newRig(t)
	other.start()
	d := full(t)
	d.Put = append(d.Put[1:], rules(t, `ingress.0 1 match(any) { call ingress.1; }`)...)
	other.send(d)
	if want := other.state(); after != want {
		t.Errorf("after the restart the bridge has\n%s\nwant\n%s", after, want)
	}
}

// TestNothingIsRemovedBeforeTheRulesAreWhole: a controller that has not heard all yet
// leaves what it finds.
func TestNothingIsRemovedBeforeTheRulesAreWhole(t *testing.T) {
	r := newRig(t)
	r.start()
	r.send(full(t))
	before := r.state()
	r.start()
	r.mail.Send(backend.Delta{Revision: r.rev + 1, Reset: true, Release: northd, Put: rules(t, `ingress.0 1 match(any) { call ingress.1; }`)})
	d := full(t)
	d.Reset, d.Del = false, ids(rules(t, `ingress.0 1 match(any) { call ingress.1; }`))
	r.rev++
	r.send(d)
	if s := r.status(); s.Added+s.Removed != 0 {
		t.Errorf("%d flows were added and %d removed: want none", s.Added, s.Removed)
	}
	if after := r.state(); after != before {
		t.Errorf("the bridge has\n%s\nwant\n%s", after, before)
	}
}

// TestLearnedFlowsStay: flows that the switch learned are no foreign ones while the
// rule that learns them is there.
func TestLearnedFlowsStay(t *testing.T) {
	r := newRig(t)
	r.start()
	learner := rules(t, `phy_to_log 7 match(eth.type=0x800) { learn chk_lb_affinity priority=7 idle=600 match(eth.type = 0x800) match(ip4.src = ip4.src) load(flags[14] = 1); }`)
	r.send(backend.Delta{Reset: true, Put: learner})
	r.sw.Ofctl("packet-out", bridgeName, "in_port=1 packet=ffffffffffff00000000000108004500001c000100004011000001020304050607080035003500080000 actions=table")
	const learned = "table=78, idle_timeout=600, priority=7,ip,nw_src=1.2.3.4 actions=set_field:0x4000/0x4000->reg10"
	const rule = "priority=7,ip actions=learn(table=78,idle_timeout=600,priority=7,cookie=0x70000,eth_type=0x800,NXM_OF_IP_SRC[],load:0x1->NXM_NX_REG10[14])"
	r.want(rule, learned)
	r.be.Redial("test")
	r.acked()
	r.want(rule, learned)
	r.start()
	r.send(backend.Delta{Reset: true, Put: learner})
	r.want(rule, learned)
	if s := r.status(); s.Added+s.Removed != 0 {
		t.Errorf("%d flows were added and %d removed: want none", s.Added, s.Removed)
	}
	r.start()
	r.send(backend.Delta{Reset: true})
	r.want()
}

// TestLearnedFlowsGo: what a rule taught the switch goes when another rule takes its
// flow over, with the same cookie, and what others taught stays.
func TestLearnedFlowsGo(t *testing.T) {
	r := newRig(t)
	r.start()
	learner := func(id string, ttl int) string {
		return fmt.Sprintf(`phy_to_log %s match(eth.type=0x800, ip4.src=0x%s020304) { learn chk_lb_hairpin_reply priority=7 delete_learned match(eth.type = 0x800) match(ip4.src = ip4.src) load(flags[%d] = 1); }`, id, id, ttl)
	}
	r.send(backend.Delta{Reset: true, Put: rules(t, learner("1", 7)+"\n"+learner("2", 7))})
	for _, src := range []string{"01", "02"} {
		r.sw.Ofctl("packet-out", bridgeName, "in_port=1 packet=ffffffffffff00000000000108004500001c0001000040110000"+src+"0203040506070800350035000800"+"00 actions=table")
	}
	const learned = "priority=7,ip,nw_src=%d.2.3.4 actions=set_field"
	has := func(n int) bool { return strings.Contains(strings.Join(r.flows(), "\n"), fmt.Sprintf(learned, n)) }
	if !has(1) || !has(2) {
		t.Fatalf("nothing was learned:\n%s", strings.Join(r.flows(), "\n"))
	}
	r.send(backend.Delta{Del: ids(rules(t, learner("1", 7))), Put: rules(t, learner("1", 8))})
	if has(1) || !has(2) {
		t.Errorf("left:\n%s", strings.Join(r.flows(), "\n"))
	}
}

// TestProfileChanges: when ovn-northd is upgraded the tables get other numbers.
func TestProfileChanges(t *testing.T) {
	r := newRig(t)
	r.start()
	one := rules(t, `save_inport 1 match(any) { call log_to_phy; }`)
	r.send(backend.Delta{Reset: true, Put: one})
	r.want("table=64, priority=1 actions=resubmit(,65)")
	r.send(backend.Delta{Reset: true, Put: one, Release: "26.09.0-21.11.0-83.1"})
	r.want("table=88, priority=1 actions=resubmit(,89)")
	if s := r.status(); s.Profile != "26.09" {
		t.Errorf("profile %s", s.Profile)
	}
}

func TestStatusSaysWhatIsThere(t *testing.T) {
	r := newRig(t)
	r.start()
	r.send(full(t))
	s := r.status()
	if !s.Connected || s.Revision != r.rev || s.Flows != len(r.flows()) || s.Groups != 1 || s.Meters != 1 || s.LastError != "" {
		t.Errorf("status %+v", s)
	}
	text := fmt.Sprint(s.GroupText, s.MeterText)
	if want := "[type=select,selection_method=dp_hash,bucket=bucket_id=0,weight:1,actions=resubmit(,10),bucket=bucket_id=1,weight:1,actions=resubmit(,11): " +
		strings.TrimPrefix(r.groupID(), "group_id=") + "] [acl: 1]"; text != want {
		t.Errorf("groups and meters %s, want %s", text, want)
	}
	r.sw.KillVswitchd()
	r.mail.Send(backend.Delta{}) // wakes nothing up: the connection does
	for r.status().Connected {
		r.sw.Vsctl("--no-wait", "show") // a round trip, for want of something to wait for
	}
	if s := r.status(); s.LastError == "" {
		t.Error("a lost connection has no error")
	}
}
