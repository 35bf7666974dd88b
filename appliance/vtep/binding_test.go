package vtep

import (
	"slices"
	"strings"
	"testing"
)

// portKey is the tunnel key of a logical port.
func (d *deployment) portKey(port string) string {
	return d.sbctl("--columns=tunnel_key find Port_Binding logical_port=" + port)
}

// fdb is the table FDB: MAC addresses and the keys of their ports.
func (d *deployment) fdb() string {
	return strings.ReplaceAll(d.sbctl("--columns=mac,port_key list FDB"), "\n", " ")
}

// TestVLANs: the logical switches of a chassis are those of which a port of the switch has VLANs, by name, each once.
func TestVLANs(t *testing.T) {
	d := deploy(t)
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-port tor1 p1")
	s.start()
	names := func() string { return d.sbctl("--if-exists get Chassis tor1 vtep_logical_switches") }
	for _, step := range []struct{ script, want string }{
		{"add-ls ls1", "[]"},
		{"bind-ls tor1 p0 100 ls1\nbind-ls tor1 p0 200 ls1\nbind-ls tor1 p1 300 ls1", "[ls1]"},
		{"add-ls ls0\nbind-ls tor1 p1 400 ls0", "[ls0, ls1]"},
		{"unbind-ls tor1 p0 100", "[ls0, ls1]"},
		{"unbind-ls tor1 p0 200\nunbind-ls tor1 p1 300", "[ls0]"},
		{"unbind-ls tor1 p1 400", "[]"},
		{"bind-ls tor1 p0 0 ls1", "[ls1]"},
		{"del-port tor1 p0", "[]"},
	} {
		s.ctl(step.script)
		d.becomes("after "+step.script+" vtep_logical_switches", names, step.want)
	}
}

// TestPortsGone: ports of the switch that go take the bindings with them, of all logical switches that they had VLANs of.
func TestPortsGone(t *testing.T) {
	d := deploy(t)
	d.vms()
	d.vtepPort("sw2", "tor-b", "tor1", "ls2")
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-port tor1 p1\nadd-ls ls1\nadd-ls ls2\nbind-ls tor1 p0 100 ls1\nbind-ls tor1 p0 200 ls2\nbind-ls tor1 p1 300 ls1")
	s.start()
	bound := func() string { return d.boundTo("tor1") }
	d.becomes("the ports", bound, "tor tor-b")
	s.ctl("del-port tor1 p0")
	d.becomes("the ports", bound, "tor")
	d.becomes("the remote MACs", func() string { return s.remote("ls1") },
		"02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12")
	s.ctl("del-port tor1 p1")
	d.becomes("the ports", bound, "")
	d.becomes("the port", func() string { return d.port("tor") }, "false")
	d.becomes("the remote MACs", func() string { return s.remote("ls1") }, "")
}

// TestSecondSwitch: two switches in one database share logical switches. What one of them is bound to decides for both; when that one
// goes, the other is bound to what its own port says, and the tunnel key follows.
func TestSecondSwitch(t *testing.T) {
	d := deploy(t)
	d.vms()
	d.vtepPort("other", "to-2", "tor2", "ls1")
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	r := s.start()
	problems := func() string { return r.problems(t) }
	bound := func() string { return d.boundTo("tor1") + "/" + d.boundTo("tor2") }
	key := func() string { return s.ctl("--columns=tunnel_key find Logical_Switch name=ls1") }
	keyOf := func(sw string) string {
		return d.sbctl("--columns=tunnel_key find Datapath_Binding external_ids:name=" + sw)
	}
	d.becomes("the ports", bound, "tor/")
	d.becomes("the tunnel key", key, keyOf("sw"))
	s.ctl("add-ps tor2\nset Physical_Switch tor2 tunnel_ips=192.0.2.2\nadd-port tor2 q0\nbind-ls tor2 q0 200 ls1")
	d.becomes("the problems", problems, "lport-datapath to-2")
	if want := "logical switch (ls1), on vtep gateway chassis (tor2) has already been associated with logical datapath"; !strings.Contains(d.log.String(), want) {
		t.Error("the conflict is not in the log")
	}
	if got := bound() + " " + key(); got != "tor/ "+keyOf("sw") {
		t.Errorf("with the conflict: %s", got)
	}
	// Of the same logical switch of OVN it is as good as the first.
	d.vtepPort("sw", "to-2b", "tor2", "ls1")
	d.becomes("the ports", bound, "tor/to-2b")
	// A station is behind the switch whose address it is at.
	const mac = "02:00:00:00:0a:01"
	s.ctl("add-ucast-local ls1 " + mac + " 192.0.2.2")
	d.becomes("the FDB", d.fdb, mac+" "+d.portKey("to-2b"))
	s.ctl("del-ucast-local ls1 " + mac + "\nadd-ucast-local ls1 " + mac + " 192.0.2.1")
	d.becomes("the FDB", d.fdb, mac+" "+d.portKey("tor"))
	s.ctl("del-ucast-local ls1 " + mac)
	d.becomes("the FDB", d.fdb, "")
	d.nbctl("lsp-del to-2b")
	d.becomes("the ports", bound, "tor/")
	// The second one goes, and nothing of it is left.
	s.ctl("del-ps tor2")
	d.becomes("the problems", problems, "")
	d.becomes("the chassis", func() string { return d.sbctl("--columns=name find Chassis name=tor2") }, "")
	if got := bound() + " " + key(); got != "tor/ "+keyOf("sw") {
		t.Errorf("without the second switch: %s", got)
	}
	// The first one goes.
	s.ctl("add-ps tor2\nset Physical_Switch tor2 tunnel_ips=192.0.2.2\nadd-port tor2 q0\nbind-ls tor2 q0 200 ls1")
	d.becomes("the problems", problems, "lport-datapath to-2")
	s.ctl("del-ps tor1")
	d.becomes("the ports", bound, "/to-2")
	d.becomes("the tunnel key", key, keyOf("other"))
	d.becomes("the remote MACs", func() string { return s.remote("ls1") }, "")
	d.nbctl("lsp-set-type to-2 localport")
	d.becomes("the tunnel key", key, "")
}

// TestSharedAddress: two switches in one database with one tunnel address, a pair, are one chassis, that of the first by name, for the logical switches and ports of both and for the
// stations behind both. With addresses of their own they are two.
func TestSharedAddress(t *testing.T) {
	d := deploy(t)
	d.vms()
	d.vtepPort("sw2", "to-2", "tor2", "ls2")
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ps tor2\nset Physical_Switch tor2 tunnel_ips=192.0.2.1\nadd-port tor2 q0\nadd-ls ls1\nadd-ls ls2\nbind-ls tor1 p0 100 ls1\nbind-ls tor2 q0 100 ls1\nbind-ls tor2 q0 200 ls2")
	r := s.start()
	problems := func() string { return r.problems(t) }
	chassis := func() string {
		return strings.ReplaceAll(d.sbctl("--columns=name,vtep_logical_switches find Chassis other_config:is-vtep=true"), "\n", " ")
	}
	bound := func() string { return d.boundTo("tor1") + "/" + d.boundTo("tor2") }
	d.becomes("the chassis", chassis, "tor1 ls1 ls2")
	d.becomes("the ports", bound, "to-2 tor/")
	d.becomes("the problems", problems, "")
	for _, sw := range r.told(t).Switches {
		if sw.Chassis == "" {
			t.Errorf("switch %s has no chassis", sw.Name)
		}
	}
	const mac = "02:00:00:00:0a:01"
	s.ctl("add-ucast-local ls2 " + mac + " 192.0.2.1")
	d.becomes("the FDB", d.fdb, mac+" "+d.portKey("to-2"))
	// A second port for the same logical switch by the other one's name is one too many.
	d.vtepPort("sw", "tor-too", "tor2", "ls1")
	d.becomes("the problems", problems, "lport-duplicate tor-too")
	s.ctl("set Physical_Switch tor2 tunnel_ips=192.0.2.2")
	d.becomes("the problems", problems, "")
	d.becomes("the FDB", d.fdb, "")
	d.becomes("the ports", bound, "tor/to-2 tor-too")
	d.becomes("the address", func() string { return d.sbctl("--columns=ip find Encap chassis_name=tor2") }, "192.0.2.2")
	s.ctl("set Physical_Switch tor2 tunnel_ips=192.0.2.1,192.0.2.2")
	d.becomes("the ports", bound, "to-2 tor/")
	d.becomes("the chassis", chassis, "tor1 ls1 ls2")
	d.becomes("the addresses", func() string {
		return strings.Join(slices.Sorted(slices.Values(strings.Fields(d.sbctl("--columns=ip find Encap chassis_name=tor1")))), " ")
	}, "192.0.2.1 192.0.2.2")
	s.ctl("del-ps tor1")
	d.becomes("the chassis", chassis, "tor2 ls1 ls2")
	d.becomes("the ports", bound, "/to-2 tor-too")
	d.becomes("the problems", problems, "")
}

// TestSwitchGone: the chassis of a switch that has gone while nobody was here is known by its identity, and goes; that of a switch of another
// database stays.
func TestSwitchGone(t *testing.T) {
	d := deploy(t)
	other := d.tor("tor3", "192.0.2.3")
	other.start()
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ps tor2\nset Physical_Switch tor2 tunnel_ips=192.0.2.2")
	chassis := func() string {
		names := strings.Fields(d.sbctl("--columns=name find Chassis other_config:is-vtep=true"))
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	r := s.start()
	d.becomes("the chassis", chassis, "tor1 tor2 tor3")
	r.stop()
	s.ctl("del-ps tor2")
	s.start()
	d.becomes("the chassis", chassis, "tor1 tor3")
	d.becomes("the encapsulations", func() string { return d.encaps("tor2") }, "")
}
