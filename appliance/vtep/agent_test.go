package vtep

import (
	"strings"
	"testing"
)

// network is a logical switch with two VMs and the port of a switch's logical switch.
const twoVMs = `
	ls-add sw
	lsp-add sw vm1
	lsp-set-addresses vm1 "02:00:00:00:00:01 10.0.0.1"
	lsp-add sw vm2
	lsp-set-addresses vm2 "02:00:00:00:00:02 10.0.0.2" unknown
	lsp-add sw tor
	lsp-set-type tor vtep
	lsp-set-options tor vtep-physical-switch=tor1 vtep-logical-switch=ls1
	lsp-set-addresses tor unknown`

// vms configures twoVMs; the words of addresses belong together.
func (d *deployment) vms() {
	d.Helper()
	args := []string{"--db=" + d.nb.Remote, "--wait=sb", "--timeout=60"}
	first := true
	for line := range strings.Lines(twoVMs) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if !first {
			args = append(args, "--")
		}
		first = false
		for i, quoted := range strings.Split(line, `"`) {
			if i%2 == 1 {
				args = append(args, quoted)
			} else {
				args = append(args, strings.Fields(quoted)...)
			}
		}
	}
	d.run("ovn-nbctl", args...)
	d.hypervisor("hv1", "192.0.2.11", "vm1")
	d.hypervisor("hv2", "192.0.2.12", "vm2")
}

func (d *deployment) port(name string) string {
	return d.sbctl("--columns=chassis,up find Port_Binding logical_port=" + name)
}

// TestBind: a switch becomes a chassis, its logical switch is bound, and it is told where the VMs are.
func TestBind(t *testing.T) {
	d := deploy(t)
	d.vms()
	s := d.tor("tor1", "192.0.2.1")
	s.start()
	d.becomes("the chassis", func() string {
		return strings.ReplaceAll(d.sbctl("--columns=chassis_name,ip,options,type find Encap chassis_name=tor1"), "\n", " ")
	}, "tor1 192.0.2.1 csum=false vxlan")
	if got := d.sbctl("get Chassis tor1 other_config:is-vtep"); got != `"true"` {
		t.Errorf("is-vtep is %s", got)
	}
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	d.becomes("vtep_logical_switches", func() string { return d.sbctl("get Chassis tor1 vtep_logical_switches") }, "[ls1]")
	chassis := d.sbctl("--columns=_uuid find Chassis name=tor1")
	d.becomes("the port", func() string { return d.port("tor") }, chassis+"\ntrue")
	key := d.sbctl("--columns=tunnel_key find Datapath_Binding external_ids:name=sw")
	d.becomes("the remote MACs", func() string { return s.remote("ls1") },
		"02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12")
	if got := s.ctl("--columns=tunnel_key,replication_mode find Logical_Switch name=ls1"); got != "source_node\n"+key && got != key+"\nsource_node" {
		t.Errorf("logical switch: %s, the key is %s", got, key)
	}
	if got := s.ctl("--columns=ipaddr find Ucast_Macs_Remote MAC=\"02:00:00:00:00:01\""); got != "10.0.0.1" {
		t.Errorf("ipaddr is %s", got)
	}

	// A VM moves, another goes.
	d.sbctl("lsp-unbind vm1\nlsp-bind vm1 hv2")
	d.nbctl("lsp-del vm2")
	d.becomes("the remote MACs", func() string { return s.remote("ls1") }, "02:00:00:00:00:01 192.0.2.12\nunknown-dst 192.0.2.12")

	// What the switch learns OVN learns.
	s.ctl("add-ucast-local ls1 02:00:00:00:0a:01 192.0.2.1")
	portKey := d.sbctl("--columns=tunnel_key find Port_Binding logical_port=tor")
	fdb := func() string { return strings.ReplaceAll(d.sbctl("--columns=dp_key,mac,port_key list FDB"), "\n", " ") }
	d.becomes("the FDB", fdb, key+" 02:00:00:00:0a:01 "+portKey)
	s.ctl("del-ucast-local ls1 02:00:00:00:0a:01")
	d.becomes("the FDB", fdb, "")

	// A type that is not vtep any more.
	d.nbctl("lsp-set-type tor router")
	d.becomes("the remote MACs", func() string { return s.remote("ls1") }, "")
	d.becomes("the tunnel key and the mark", func() string { return s.ctl("--columns=tunnel_key,other_config find Logical_Switch name=ls1") }, "")
}

// TestRepair: what somebody changes or deletes is put right.
func TestRepair(t *testing.T) {
	d := deploy(t)
	d.vms()
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	r := s.start()
	bound := func() {
		t.Helper()
		d.becomes("the ports", func() string { return d.boundTo("tor1") }, "tor")
		d.becomes("the port", func() string { return d.sbctl("--columns=up find Port_Binding logical_port=tor") }, "true")
		d.becomes("the remote MACs", func() string { return s.remote("ls1") },
			"02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12")
	}
	bound()
	d.sbctl("remove Chassis tor1 other_config is-vtep")
	d.becomes("is-vtep", func() string { return d.sbctl("--if-exists get Chassis tor1 other_config:is-vtep") }, `"true"`)
	encap := func() string {
		return strings.ReplaceAll(d.sbctl("--columns=ip,options,type find Encap chassis_name=tor1"), "\n", " ")
	}
	for _, broken := range []string{"options:csum=true", "ip=192.0.2.77", "type=geneve"} {
		d.sbctl("set Encap " + d.sbctl("--columns=_uuid find Encap chassis_name=tor1") + " " + broken)
		d.becomes("the encapsulation after "+broken, encap, "192.0.2.1 csum=false vxlan")
	}
	d.sbctl("set Chassis tor1 vtep_logical_switches=foo")
	d.becomes("vtep_logical_switches", func() string { return d.sbctl("get Chassis tor1 vtep_logical_switches") }, "[ls1]")
	d.sbctl("chassis-del tor1")
	bound()
	if !strings.Contains(d.log.String(), `level=WARN msg="Chassis for VTEP physical switch (tor1) disappears, maybe deleted by ovn-sbctl, adding it back"`) {
		t.Error("the deletion is not in the log as a warning")
	}
	s.ctl("set Physical_Switch tor1 tunnel_ips=192.0.2.2")
	d.becomes("the address", func() string { return d.sbctl("--columns=ip find Encap chassis_name=tor1") }, "192.0.2.2")
	bound()
	if got := r.problems(t); got != "" {
		t.Errorf("before the switch's database is touched the problems are %s", got)
	}
	s.ctl("clear-remote-macs ls1")
	bound()
	d.becomes("the problems", func() string { return r.problems(t) }, "drift tor1")
	if want := "MAC address 02:00:00:00:00:01 of logical switch ls1: somebody else has changed or removed what is written from here"; !strings.Contains(d.log.String(), want) {
		t.Error("the drift is not in the log")
	}
	if text := r.text(t); !strings.Contains(text, "\n  drift       3 times since the start, last at ") {
		t.Errorf("the drift is not in the status:\n%s", text)
	}
	s.ctl("clear Logical_Switch ls1 tunnel_key")
	d.becomes("the tunnel key", func() string { return s.ctl("--columns=tunnel_key find Logical_Switch name=ls1") },
		d.sbctl("--columns=tunnel_key find Datapath_Binding external_ids:name=sw"))
	// The name of a switch is that of its chassis.
	s.ctl("set Physical_Switch tor1 name=tor9")
	d.becomes("the chassis", func() string { return d.sbctl("--columns=name find Chassis other_config:is-vtep=true") }, "tor9")
}

// TestRestart: an agent that is killed, or told to exit, leaves everything as it is; what changed meanwhile is caught up. With
// --cleanup it takes back what it wrote, and nothing else.
func TestRestart(t *testing.T) {
	d := deploy(t)
	d.vms()
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	all := "02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12"
	r := s.start()
	d.becomes("the remote MACs", func() string { return s.remote("ls1") }, all)
	d.becomes("the port", func() string { return d.sbctl("--columns=up find Port_Binding logical_port=tor") }, "true")
	// An operator's own station, behind a VTEP that OVN does not know.
	s.ctl("add-ucast-remote ls1 02:00:00:00:0f:01 192.0.2.99")
	mine := "\n02:00:00:00:0f:01 192.0.2.99\n"
	with := strings.Replace(all, "\nunknown-dst", mine+"unknown-dst", 1)
	moved := "02:00:00:00:00:01 192.0.2.12\n02:00:00:00:00:02 192.0.2.12" + mine + "unknown-dst 192.0.2.12"
	dump := func() (text string) {
		for _, table := range []string{"Port_Binding", "Chassis", "Encap", "FDB"} {
			text += d.run("ovsdb-client", "dump", d.sb.Remote, "OVN_Southbound", table)
		}
		return text + s.run("ovsdb-client", "dump", s.server.Remote)
	}
	for _, end := range []func(){r.stop, nil} {
		if end == nil {
			r = s.start()
			d.becomes("the remote MACs", func() string { return s.remote("ls1") }, moved)
			d.sbctl("lsp-unbind vm1\nlsp-bind vm1 hv1")
			d.becomes("the remote MACs", func() string { return s.remote("ls1") }, with)
			r.leave(t, false)
		} else {
			end()
		}
		before := dump()
		if got := s.remote("ls1"); got != with {
			t.Errorf("after the end the remote MACs are\n%s\nwant\n%s", got, with)
		}
		if after := dump(); after != before {
			t.Errorf("the databases change after the end:\n%s\n%s", before, after)
		}
		// While nobody is there a VM moves, and its hypervisor goes.
		d.sbctl("lsp-unbind vm1\nlsp-bind vm1 hv2")
	}
	d.sbctl("chassis-del hv1")
	r = s.start()
	d.becomes("the remote MACs", func() string { return s.remote("ls1") }, moved)
	s.ctl("add-ucast-local ls1 02:00:00:00:0a:01 192.0.2.1")
	d.becomes("the FDB", d.fdb, "02:00:00:00:0a:01 "+d.portKey("tor"))
	r.leave(t, true)
	if got := d.fdb(); got != "" {
		t.Errorf("after exit --cleanup the FDB is %s", got)
	}
	if got := s.remote("ls1"); got != strings.TrimSpace(mine) {
		t.Errorf("after exit --cleanup the remote MACs are %s", got)
	}
	if got := d.sbctl("--columns=name find Chassis other_config:is-vtep=true"); got != "" {
		t.Errorf("chassis %s is left", got)
	}
	if got := d.port("tor"); got != "false" {
		t.Errorf("the port is %q", got)
	}
	if got := s.ctl("--columns=tunnel_key,other_config find Logical_Switch name=ls1") + s.ctl("--columns=other_config list Global"); got != "" {
		t.Errorf("left in the switch's database: %s", got)
	}
}
