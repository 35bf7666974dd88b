package vtep

import "testing"

// TestProvision: with an option of the port nobody has to run vtep-ctl, and without it all is gone again.
func TestProvision(t *testing.T) {
	d := deploy(t)
	d.vms()
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-port tor1 p1")
	s.start()
	bindings := func() string {
		return s.ctl("list-ls") + "\n" + s.ctl("list-bindings tor1 p0") + "\n" + s.ctl("list-bindings tor1 p1")
	}
	d.nbctl("set Logical_Switch_Port tor options:sluice-vtep-bindings=p0:100,p1:200")
	d.becomes("the VLANs", bindings, "ls1\n0100 ls1\n0200 ls1")
	d.becomes("the port", func() string { return d.sbctl("--columns=up find Port_Binding logical_port=tor") }, "true")
	d.becomes("the remote MACs", func() string { return s.remote("ls1") },
		"02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12")
	d.nbctl("remove Logical_Switch_Port tor options sluice-vtep-bindings")
	d.becomes("the VLANs", bindings, "\n\n")
	if got := s.ctl("--columns=other_config list Physical_Port"); got != "" {
		t.Errorf("marks are left: %s", got)
	}
}
