package vtep

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// told is the status.
func (r *running) told(t *testing.T) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := r.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// text is the status for people.
func (r *running) text(t *testing.T) string {
	t.Helper()
	return r.told(t).Text()
}

// problems are the codes and subjects of what an agent complains of.
func (r *running) problems(t *testing.T) string {
	t.Helper()
	var out []string
	for _, p := range r.told(t).Problems {
		out = append(out, p.Code+" "+p.Subject)
	}
	return strings.Join(out, "\n")
}

// vtepPort makes a port of a logical switch that stands for one of a switch.
func (d *deployment) vtepPort(sw, name, tor, ls string) {
	d.Helper()
	d.nbctl("--may-exist ls-add " + sw + "\nlsp-add " + sw + " " + name + "\nlsp-set-type " + name + " vtep\nlsp-set-options " + name +
		" vtep-physical-switch=" + tor + " vtep-logical-switch=" + ls + "\nlsp-set-addresses " + name + " unknown")
}

// boundTo are the names of the ports that a chassis has.
func (d *deployment) boundTo(chassis string) string {
	id := d.sbctl("--columns=_uuid find Chassis name=" + chassis)
	if id == "" {
		return ""
	}
	names := strings.Fields(d.sbctl("--columns=logical_port find Port_Binding chassis=" + id))
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestConflicts: two ports for one logical switch of a switch, in one logical switch of OVN and in two; the one that has it keeps it.
func TestConflicts(t *testing.T) {
	d := deploy(t)
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1\nadd-ls ls2\nbind-ls tor1 p0 200 ls2")
	d.vtepPort("sw", "b", "tor1", "ls1")
	r := s.start()
	bound := func() string { return d.boundTo("tor1") }
	problems := func() string { return r.problems(t) }
	d.becomes("the ports", bound, "b")
	d.vtepPort("sw", "a", "tor1", "ls1")
	d.becomes("the problems", problems, "lport-duplicate a")
	if !strings.Contains(d.log.String(), "logical switch (ls1), on vtep gateway chassis (tor1) has already been associated with logical port (b), ignore logical port (a)") {
		t.Error("the duplicate is not in the log")
	}
	d.vtepPort("other", "c", "tor1", "ls1")
	d.becomes("the problems", problems, "lport-datapath c\nlport-duplicate a")
	if got := bound(); got != "b" {
		t.Errorf("bound: %s", got)
	}
	d.nbctl("lsp-del b")
	d.becomes("the ports", bound, "a")
	d.becomes("the problems", problems, "lport-datapath c")
	d.nbctl("lsp-del a")
	d.becomes("the ports", bound, "c")
	d.becomes("the tunnel key", func() string { return s.ctl("--columns=tunnel_key find Logical_Switch name=ls1") },
		d.sbctl("--columns=tunnel_key find Datapath_Binding external_ids:name=other"))
	// Two logical switches of the switch in one of OVN's.
	d.vtepPort("other", "d", "tor1", "ls2")
	d.becomes("the ports", bound, "c d")
	d.becomes("the problems", problems, "")
	// The last VLAN of a logical switch goes.
	s.ctl("unbind-ls tor1 p0 200")
	d.becomes("the ports", bound, "c")
	d.becomes("the problems", problems, "lport-unbound d")
}

// TestRouter: the address of a router is reached through its gateway chassis; that of an external port is not told.
func TestRouter(t *testing.T) {
	d := deploy(t)
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	d.vtepPort("sw", "tor", "tor1", "ls1")
	d.nbctl("lr-add r\nlrp-add r r-sw 02:00:00:00:01:01 10.0.0.254/24\nlsp-add sw sw-r\nlsp-set-type sw-r router\nlsp-set-addresses sw-r router\n" +
		"lsp-set-options sw-r router-port=r-sw\nlrp-set-gateway-chassis r-sw gw1 10\nlsp-add sw vm\nlsp-set-addresses vm 02:00:00:00:00:07\n" +
		"lsp-add sw ext\nlsp-set-addresses ext 02:00:00:00:00:08\nlsp-set-type ext external")
	d.hypervisor("gw1", "192.0.2.21")
	d.hypervisor("gw2", "192.0.2.22", "vm", "ext")
	cr := d.sbctl("--columns=_uuid find Port_Binding logical_port=cr-r-sw")
	d.sbctl("set Port_Binding " + cr + " chassis=" + d.sbctl("--columns=_uuid find Chassis name=gw1"))
	s.start()
	d.becomes("the remote MACs", func() string { return s.remote("ls1") },
		"02:00:00:00:00:07 192.0.2.22\n02:00:00:00:01:01 192.0.2.21\nunknown-dst 192.0.2.21\nunknown-dst 192.0.2.22")
	if got := s.ctl(`--columns=ipaddr find Ucast_Macs_Remote MAC="02:00:00:00:01:01"`); got != "10.0.0.254" {
		t.Errorf("the router's ipaddr is %q", got)
	}
	// The gateway fails over.
	d.sbctl("set Port_Binding " + cr + " chassis=" + d.sbctl("--columns=_uuid find Chassis name=gw2"))
	d.becomes("the remote MACs", func() string { return s.remote("ls1") },
		"02:00:00:00:00:07 192.0.2.22\n02:00:00:00:01:01 192.0.2.22\nunknown-dst 192.0.2.22")
	d.nbctl("lrp-del r-sw")
	d.becomes("the remote MACs", func() string { return s.remote("ls1") }, "02:00:00:00:00:07 192.0.2.22\nunknown-dst 192.0.2.22")
}

// TestNeighbours: switches learn from each other, with an agent for each; a station that moves from one to the other is at the last
// one that has seen it.
func TestNeighbours(t *testing.T) {
	d := deploy(t)
	one, two := d.tor("tor1", "192.0.2.1"), d.tor("tor2", "192.0.2.2")
	for _, s := range []*tor{one, two} {
		s.ctl("add-ls ls1\nbind-ls " + s.name + " p0 100 ls1")
		d.vtepPort("sw", "to-"+s.name, s.name, "ls1")
		s.start()
	}
	const mac = "02:00:00:00:0a:01"
	one.ctl("add-ucast-local ls1 " + mac + " 192.0.2.1")
	d.becomes("what the second switch is told", func() string { return two.remote("ls1") }, mac+" 192.0.2.1\nunknown-dst 192.0.2.1")
	d.becomes("what the first switch is told", func() string { return one.remote("ls1") }, "unknown-dst 192.0.2.2")
	two.ctl("add-ucast-local ls1 " + mac + " 192.0.2.2")
	d.becomes("what the first switch is told", func() string { return one.remote("ls1") }, mac+" 192.0.2.2\nunknown-dst 192.0.2.2")
	d.becomes("what the second switch is told", func() string { return two.remote("ls1") }, "unknown-dst 192.0.2.1")
	one.ctl("del-ucast-local ls1 " + mac)
	two.ctl("del-ucast-local ls1 " + mac)
	d.becomes("the FDB", func() string { return d.sbctl("list FDB") }, "")
	d.becomes("what the first switch is told", func() string { return one.remote("ls1") }, "unknown-dst 192.0.2.2")
	// A station that is at no address of the switch.
	one.ctl("add-ucast-local ls1 " + mac + " 192.0.2.9")
	two.ctl("add-ucast-local ls1 02:00:00:00:0a:02 192.0.2.2")
	d.becomes("the FDB", func() string { return d.sbctl("--columns=mac list FDB") }, "02:00:00:00:0a:02")
}

// TestForeign: names, addresses and logical switches of others are not taken.
func TestForeign(t *testing.T) {
	d := deploy(t)
	d.hypervisor("tor1", "192.0.2.31")
	d.hypervisor("hv", "192.0.2.32")
	d.vtepPort("sw", "to-1", "tor1", "ls1")
	d.vtepPort("sw", "to-2", "tor2", "ls1")
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1\nset Logical_Switch ls1 other_config:sluice-owner=somebody")
	before := d.sbctl("list Chassis")
	r := s.start()
	d.becomes("the problems", func() string { return r.problems(t) }, "chassis-conflict tor1\nowner-conflict ls1")
	two := d.tor("tor2", "192.0.2.32")
	two.ctl("add-ls ls1\nbind-ls tor2 p0 100 ls1\nset Logical_Switch ls1 tunnel_key=77\nadd-mcast-remote ls1 unknown-dst 192.0.2.99")
	r2 := two.start()
	d.becomes("the problems", func() string { return r2.problems(t) }, "owner-conflict ls1\naddress-taken tor2")
	if after := d.sbctl("list Chassis"); after != before {
		t.Errorf("chassis\n%s\nwere\n%s", after, before)
	}
	if got := s.ctl("--columns=tunnel_key find Logical_Switch name=ls1") + two.ctl("--columns=tunnel_key find Logical_Switch name=ls1"); got != "77" {
		t.Errorf("tunnel keys %q", got)
	}
	// Another address, and nobody needs the key any more; the flooding of somebody else stays.
	two.ctl("set Physical_Switch tor2 tunnel_ips=192.0.2.2\nclear Logical_Switch ls1 tunnel_key")
	d.becomes("the ports", func() string { return d.boundTo("tor2") }, "to-2")
	d.nbctl("lsp-add sw vm\nlsp-set-addresses vm 02:00:00:00:00:07")
	d.sbctl("lsp-bind vm hv")
	d.becomes("the problems", func() string { return r2.problems(t) }, "flood-foreign ls1")
	d.becomes("the remote MACs", func() string { return two.remote("ls1") }, "02:00:00:00:00:07 192.0.2.32\nunknown-dst 192.0.2.99")
	two.ctl("del-mcast-remote ls1 unknown-dst 192.0.2.99")
	d.becomes("the remote MACs", func() string { return two.remote("ls1") }, "02:00:00:00:00:07 192.0.2.32\nunknown-dst 192.0.2.32")
}

// TestDatabasesAway: while either database is away nothing is withdrawn, and what changed meanwhile is caught up.
func TestDatabasesAway(t *testing.T) {
	d := deploy(t)
	d.vms()
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	front := ovsdbtest.NewProxy(t, d.sb)
	real := d.sb
	d.sb = &ovsdbtest.Server{Remote: front.Remote, Database: real.Database}
	r := s.start()
	d.sb = real
	all := "02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12"
	d.becomes("the remote MACs", func() string { return s.remote("ls1") }, all)
	d.becomes("the port", func() string { return d.sbctl("--columns=up find Port_Binding logical_port=tor") }, "true")

	connected := func(of func(Status) bool) func() string {
		return func() string {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			st, err := r.Status(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if of(st) {
				return "connected"
			}
			return "not connected"
		}
	}
	front.LimitTo(0)
	front.Cut()
	d.becomes("the Southbound connection", connected(func(s Status) bool { return s.Southbound.Connected }), "not connected")
	d.sbctl("lsp-unbind vm1\nlsp-bind vm1 hv2")
	if got := s.remote("ls1"); got != all {
		t.Errorf("while the Southbound database is away the remote MACs are\n%s", got)
	}
	front.LimitTo(-1)
	d.becomes("the remote MACs", func() string { return s.remote("ls1") },
		"02:00:00:00:00:01 192.0.2.12\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.12")

	s.server.Kill()
	d.becomes("the switch's connection", connected(func(s Status) bool { return s.Switch.Connected }), "not connected")
	if got := d.boundTo("tor1"); got != "tor" {
		t.Errorf("while the switch's database is away tor1 has the ports %q", got)
	}
	d.nbctl("lsp-del vm2")
	s.server.Restart()
	d.becomes("the remote MACs", func() string { return s.remote("ls1") }, "02:00:00:00:00:01 192.0.2.12\nunknown-dst 192.0.2.12")
	if got := r.problems(t); got != "" {
		t.Errorf("after all that the problems are %s", got)
	}
}

// TestBadSwitch: a switch that accepts connections and never answers, and one that refuses what it is told, are nobody else's matter.
func TestBadSwitch(t *testing.T) {
	d := deploy(t)
	d.vms()
	hung := d.tor("hung", "192.0.2.3")
	hung.server.Suspend()
	hung.start()
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	s.start()
	d.becomes("the remote MACs", func() string { return s.remote("ls1") },
		"02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12")
	hung.server.Resume()
	d.becomes("the chassis", func() string { return d.sbctl("--columns=ip find Encap chassis_name=hung") }, "192.0.2.3")
}

// TestTwoProcesses: two agents on the same databases, which nobody should run, come to the same end and to rest.
func TestTwoProcesses(t *testing.T) {
	d := deploy(t)
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1\nadd-ucast-local ls1 02:00:00:00:0a:01 192.0.2.1")
	both := []*running{s.start(), s.start()}
	d.vms()
	all := "02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12"
	for range 5 {
		d.becomes("the remote MACs", func() string { return s.remote("ls1") }, all)
		d.becomes("the FDB", func() string { return d.sbctl("--columns=mac list FDB") }, "02:00:00:00:0a:01")
		s.ctl("clear-remote-macs ls1")
	}
	d.becomes("the remote MACs", func() string { return s.remote("ls1") }, all)
	d.becomes("the port", func() string { return d.boundTo("tor1") }, "tor")
	// Which of them writes is a race. One that is always the second finds all as it should be: what vtep-ctl clears is drift to whoever has written it.
	told := both[0].problems(t) + both[1].problems(t)
	if told != "drift tor1" && told != "drift tor1drift tor1" {
		t.Errorf("problems: %s", told)
	}
}
