package vtep

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

// twins is two switches with one tunnel address, a database for each, and logical switch ls1 bound at both.
func (d *deployment) twins() (one, two *tor) {
	d.Helper()
	one, two = d.tor("tor1", "192.0.2.1"), d.tor("tor2", "192.0.2.1")
	two.pair = "tor1"
	for _, s := range []*tor{one, two} {
		s.ctl("add-ls ls1\nbind-ls " + s.name + " p0 100 ls1")
	}
	return one, two
}

// chassis are the chassis of switches with their logical switches.
func (d *deployment) chassis() string {
	return strings.ReplaceAll(d.sbctl("--columns=name,vtep_logical_switches find Chassis other_config:is-vtep=true"), "\n", " ")
}

// members are the switches that the records of a chassis name.
func (d *deployment) members(chassis string) string {
	d.Helper()
	var names []string
	for _, word := range strings.Split(d.sbctl("get Chassis "+chassis+" other_config"), `\"`) {
		if strings.HasPrefix(word, "tor") {
			names = append(names, word)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// claimed tells whether a port has a chassis and is up.
func (d *deployment) claimed(port string) func() string {
	return func() string {
		return d.sbctl("--columns=up find Port_Binding logical_port=" + port)
	}
}

const twinMAC = "02:00:00:00:0a:01"

// TestPair: two switches with a database each are one chassis, with the logical switches of both; logical ports may call either, or the chassis.
func TestPair(t *testing.T) {
	d := deploy(t)
	d.vms()
	one, two := d.twins()
	two.ctl("add-ls ls2\nbind-ls tor2 p0 200 ls2\nadd-ls ls3\nbind-ls tor2 p0 300 ls3")
	d.vtepPort("sw2", "to-2", "tor2", "ls2")
	d.vtepPort("sw3", "to-3", "tor1", "ls3")
	a, b := one.start(), two.start()
	bound := func() string { return d.boundTo("tor1") + "/" + d.boundTo("tor2") }
	d.becomes("the chassis", d.chassis, "tor1 ls1 ls2 ls3")
	d.becomes("the ports", bound, "to-2 to-3 tor/")
	d.becomes("the members", func() string { return d.members("tor1") }, "tor1 tor2")
	for _, port := range []string{"tor", "to-2", "to-3"} {
		d.becomes("the state of port "+port, d.claimed(port), "true")
	}
	// Both are told of the VMs and neither of the other.
	all := "02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12"
	for _, s := range []*tor{one, two} {
		d.becomes("the remote MACs of "+s.name, func() string { return s.remote("ls1") }, all)
	}
	for r, want := range map[*running]string{a: "tor1 at 192.0.2.1, 1 ports, registered, shared with tor2\n", b: "tor2 at 192.0.2.1, 1 ports, registered as tor1, shared with tor1\n"} {
		if text := r.text(t); !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	problems := func() string { return a.problems(t) + "/" + b.problems(t) }
	d.becomes("the problems", problems, "/")
	// A second port for a logical switch is one too many, whichever switch it calls.
	d.vtepPort("sw", "tor-too", "tor2", "ls1")
	d.becomes("the problems", problems, "lport-duplicate tor-too/lport-duplicate tor-too")
	d.nbctl("lsp-del tor")
	d.becomes("the ports", bound, "to-2 to-3 tor-too/")
	d.becomes("the problems", problems, "/")

	// VLANs come and go at either.
	one.ctl("add-ls ls3\nbind-ls tor1 p0 300 ls3")
	two.ctl("unbind-ls tor2 p0 200\nunbind-ls tor2 p0 300")
	d.becomes("the chassis", d.chassis, "tor1 ls1 ls3")
	d.becomes("the ports", bound, "to-3 tor-too/")
	d.becomes("the problems", problems, "lport-unbound to-2/lport-unbound to-2")
	two.ctl("bind-ls tor2 p0 200 ls2\nbind-ls tor2 p0 300 ls3")
	d.becomes("the ports", bound, "to-2 to-3 tor-too/")

	// Somebody deletes the row.
	d.sbctl("chassis-del tor1")
	d.becomes("the members", func() string {
		if d.chassis() == "" {
			return ""
		}
		return d.members("tor1")
	}, "tor1 tor2")
	d.becomes("the ports", bound, "to-2 to-3 tor-too/")
	d.becomes("the problems", problems, "/")
}

// TestPairStations: a station that both switches know is behind the pair as long as one of them knows it, whoever forgets it first.
func TestPairStations(t *testing.T) {
	d := deploy(t)
	d.vms()
	one, two := d.twins()
	a, b := one.start(), two.start()
	d.becomes("the members", func() string {
		if d.chassis() == "" {
			return ""
		}
		return d.members("tor1")
	}, "tor1 tor2")
	d.becomes("the state of the port", d.claimed("tor"), "true")
	at := twinMAC + " " + d.portKey("tor")
	know := func(s *tor) { s.ctl("add-ucast-local ls1 " + twinMAC + " 192.0.2.1") }
	forget := func(s *tor) { s.ctl("del-ucast-local ls1 " + twinMAC) }
	for _, order := range [][]*tor{{one, two}, {two, one}} {
		know(one)
		know(two)
		d.becomes("the FDB", d.fdb, at)
		row := d.sbctl("--columns=_uuid list FDB")
		forget(order[0])
		d.becomes("the FDB, made by the other", func() string {
			if d.sbctl("--columns=_uuid list FDB") == row {
				return "the first's"
			}
			return d.fdb()
		}, at)
		forget(order[1])
		d.becomes("the FDB", d.fdb, "")
	}
	know(two) // alone: after its turn
	d.becomes("the FDB", d.fdb, at)
	for _, s := range []*tor{one, two} {
		if got := macLine(s.remote("ls1"), twinMAC); got != "" {
			t.Errorf("%s is told %s", s.name, got)
		}
	}

	// What one knows the start of the other does not take away, nor the loss of its database.
	row := d.sbctl("--columns=_uuid list FDB")
	dump := func() string {
		return d.sbctl("list FDB\nlist Chassis\nlist Encap") + d.boundTo("tor1")
	}
	before := dump()
	a.stop()
	b.stop()
	two.server.Kill()
	a = one.start()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	d.becomes("what there is to do", func() string {
		diff, err := a.Diff(ctx)
		if err != nil {
			return err.Error()
		}
		return diff.Text()
	}, "tor1: the switch's database is as it is to be\ntor1: the Southbound database is as it is to be\n")
	if after := dump(); after != before || d.sbctl("--columns=_uuid list FDB") != row {
		t.Errorf("while a database is away the Southbound database is\n%s\nwas\n%s", after, before)
	}
	// New ports are bound by the one that is left, whichever they call.
	d.vtepPort("sw2", "to-2", "tor2", "ls2")
	one.ctl("add-ls ls2\nbind-ls tor1 p0 200 ls2")
	d.becomes("the state of the new port", d.claimed("to-2"), "true")
}

// TestPairLeave: of two members each takes back its own part, in either order, and the last the chassis.
func TestPairLeave(t *testing.T) {
	d := deploy(t)
	d.vms()
	one, two := d.twins()
	d.vtepPort("sw", "too", "tor2", "ls2")
	for _, s := range []*tor{one, two} {
		s.ctl("add-ls ls2\nbind-ls " + s.name + " p0 200 ls2")
	}
	for _, order := range [][2]*tor{{one, two}, {two, one}} {
		first, last := order[0].start(), order[1].start()
		d.becomes("the members", func() string {
			if d.chassis() == "" {
				return ""
			}
			return d.members("tor1")
		}, "tor1 tor2")
		d.becomes("the ports", func() string { return d.boundTo("tor1") }, "too tor")
		order[0].ctl("add-ls ls9\nbind-ls " + order[0].name + " p0 900 ls9")
		d.becomes("the chassis", d.chassis, "tor1 ls1 ls2 ls9")
		for _, s := range order {
			s.ctl("add-ucast-local ls1 " + twinMAC + " 192.0.2.1")
		}
		d.becomes("the FDB", d.fdb, twinMAC+" "+d.portKey("tor"))
		first.leave(t, true)
		d.becomes("the chassis", d.chassis, "tor1 ls1 ls2")
		if got := d.boundTo("tor1"); !strings.Contains(got, "tor") {
			t.Errorf("after %s has gone the ports are %s", order[0].name, got)
		}
		d.becomes("the FDB", d.fdb, twinMAC+" "+d.portKey("tor"))
		if got := order[0].remote("ls1"); got != "" {
			t.Errorf("in the database of %s is left %s", order[0].name, got)
		}
		if got := order[1].remote("ls1"); got == "" {
			t.Errorf("in the database of %s is nothing left", order[1].name)
		}
		last.leave(t, true)
		if got := d.chassis() + d.sbctl("--columns=ip find Encap ip=192.0.2.1"); got != "" {
			t.Errorf("after both have gone there is chassis %s", got)
		}
		d.becomes("the state of the port", d.claimed("tor"), "false")
		for _, s := range order {
			s.ctl("clear-local-macs ls1")
		}
		order[0].ctl("unbind-ls " + order[0].name + " p0 900\ndel-ls ls9")
		d.becomes("the FDB", d.fdb, "")
	}
}

// TestPairMoves: a pair gets another address, one switch after the other, in either order; meanwhile they are two chassis.
func TestPairMoves(t *testing.T) {
	d := deploy(t)
	d.vms()
	one, two := d.twins()
	one.start()
	b := two.start()
	addresses := func() string {
		list := strings.Split(strings.ReplaceAll(d.sbctl("--columns=chassis_name,ip find Encap type=vxlan"), "\n\n", ";"), ";")
		slices.Sort(list)
		return strings.ReplaceAll(strings.Join(slices.DeleteFunc(list, func(e string) bool { return strings.HasPrefix(e, "hv") }), ";"), "\n", " ")
	}
	d.becomes("the addresses", addresses, "tor1 192.0.2.1")
	d.becomes("the members", func() string { return d.members("tor1") }, "tor1 tor2")
	one.ctl("set Physical_Switch tor1 tunnel_ips=192.0.2.2")
	d.becomes("the addresses", addresses, "tor1 192.0.2.2;tor2 192.0.2.1")
	d.becomes("the problems", func() string { return b.problems(t) }, "pair-apart tor2")
	two.ctl("set Physical_Switch tor2 tunnel_ips=192.0.2.2")
	d.becomes("the addresses", addresses, "tor1 192.0.2.2")
	d.becomes("the problems", func() string { return b.problems(t) }, "")
	two.ctl("set Physical_Switch tor2 tunnel_ips=192.0.2.3")
	d.becomes("the addresses", addresses, "tor1 192.0.2.2;tor2 192.0.2.3")
	one.ctl("set Physical_Switch tor1 tunnel_ips=192.0.2.3")
	d.becomes("the addresses", addresses, "tor1 192.0.2.3")
	d.becomes("the members", func() string { return d.members("tor1") }, "tor1 tor2")
	d.becomes("the ports", func() string { return d.boundTo("tor1") }, "tor")
}

// TestRegisterPair: who meets the address of another switch is told of --pair; with it the switch joins that chassis, and otherwise is told what to do.
func TestRegisterPair(t *testing.T) {
	d := deploy(t)
	d.vms()
	one, two := d.twins()
	other := d.tor("tor3", "192.0.2.3")
	reg := Registry{Dir: t.TempDir()}
	register := func(s *tor, pair string) (plan Plan, text string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		r := Registering{Entry: Entry{Name: s.name, Target: s.server.Remote, Pair: pair}, Southbound: d.sb.Remote, Release: "26.03.0"}
		err := Register(ctx, reg, r, func(p Plan) bool { plan = p; return true })
		if err != nil {
			text = err.Error()
		}
		return plan, text
	}
	refused := func(s *tor, pair, want string) {
		t.Helper()
		if _, text := register(s, pair); !strings.Contains(text, want) {
			t.Errorf("%s with %q: %q, want %q", s.name, pair, text, want)
		}
	}
	refused(two, "tor1", "there is no chassis tor1 to share: register switch tor1 first, without --pair")
	if _, text := register(one, ""); text != "" {
		t.Fatal(text)
	}
	refused(two, "", "chassis tor1 in the Southbound database has the tunnel address 192.0.2.1 of switch tor2 already, so the switch is not registered. "+
		"If the two are a pair that shares the address (MLAG), and so one chassis, say so: sluice vtep register tor2 --target REMOTE --pair=tor1.")
	refused(two, "hv1", "switch tor2 is registered as one of a pair with hv1 and is a chassis of its own: chassis hv1 is a hypervisor's")
	refused(other, "tor1", "tor3 is at 192.0.2.3 and tor1 at 192.0.2.1: give both one address in Physical_Switch.tunnel_ips")
	refused(two, "tor2", "switch tor2 is in the same database")
	plan, text := register(two, "tor1")
	if want := "join chassis tor1 with tunnel address 192.0.2.1, which is that of a pair with tor1"; text != "" || !slices.Contains(plan.Steps, want) {
		t.Errorf("registered with %q, steps %q", text, plan.Steps)
	}
	if got := d.chassis() + ", " + d.members("tor1"); got != "tor1 ls1, tor1 tor2" {
		t.Errorf("after the registration: %s", got)
	}
	refused(other, "tor2", "switch tor2 has no chassis of its own to share, but is part of chassis tor1: say --pair=tor1")
	entries, err := reg.Read()
	if err != nil || len(entries) != 2 || entries[1].Pair != "tor1" {
		t.Errorf("registered are %+v, %v", entries, err)
	}
	// Without a process for them both go as they came.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i, want := range []string{"tor1 ls1", ""} {
		if err := Deregister(ctx, Registering{Entry: entries[i], Southbound: d.sb.Remote}); err != nil {
			t.Fatal(err)
		}
		if got := d.chassis(); got != want {
			t.Errorf("after %s is deregistered there is %q", entries[i].Name, got)
		}
	}
}
