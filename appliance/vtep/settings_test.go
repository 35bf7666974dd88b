package vtep

import (
	"strings"
	"testing"
)

func TestKnows(t *testing.T) {
	for northd, want := range map[string]bool{
		"22.03.0-20.21.0-58.3": true, "23.03.1-20.27.0-70.6": true, "26.03.0-21.8.0-82.13": true, "26.03.90-21.11.0-84.15": true,
		"21.12.0-20.21.0-58.3": false, "26.09.0-21.11.0-84.15": false, "27.03.0": false, "26": false, "foo": false, "": false, "a.b.c": false, "-1.3": false,
	} {
		if got := knows("26.03.0", northd); got != want {
			t.Errorf("northd %q: %v", northd, got)
		}
	}
}

// TestVersionPinning: with ovn-match-northd-version neither database is written while ovn-northd is of an unknown release; exit
// --cleanup works all the same.
func TestVersionPinning(t *testing.T) {
	d := deploy(t)
	d.vms()
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	s.ctl("set Global . other_config:ovn-match-northd-version=true")
	r := s.start()
	chassis := func() string { return d.sbctl("get Chassis tor1 vtep_logical_switches") }
	key := func() string { return s.ctl("--columns=tunnel_key find Logical_Switch name=ls1") }
	d.becomes("the port", func() string { return d.sbctl("--columns=up find Port_Binding logical_port=tor") }, "true")
	d.becomes("vtep_logical_switches", chassis, "[ls1]") // by an ovn-northd of a known release
	known, datapath := d.sbctl("get SB_Global . options:northd_internal_version"), key()

	// Nobody puts the version right any more.
	d.northd()
	problems := func() string { return r.problems(t) }
	d.sbctl("set SB_Global . options:northd_internal_version=foo")
	d.becomes("the problems", problems, "version-mismatch ovn-match-northd-version")
	if !strings.Contains(d.log.String(), "controller-vtep version - 26.03.0 mismatch with northd version - foo") {
		t.Error("the mismatch is not in the log")
	}
	d.sbctl("set Chassis tor1 vtep_logical_switches=foo")
	s.ctl("clear Logical_Switch ls1 tunnel_key")
	// What follows is known by the agent after the two above.
	d.sbctl("lsp-unbind vm1")
	s.ctl("set Global . other_config:sluice-nonsense=1")
	d.becomes("the problems", problems, "unsupported-setting sluice-nonsense\nversion-mismatch ovn-match-northd-version")
	seen := func() (text string) {
		if err := r.queue.Do(t.Context(), func() {
			text = r.sb.DB().PortBindingByLogicalPort.One("vm1").Chassis.String()
		}); err != nil {
			t.Fatal(err)
		}
		return text
	}
	d.becomes("the chassis of vm1", seen, "00000000-0000-0000-0000-000000000000")
	if got := chassis() + " " + key(); got != "[foo] " {
		t.Errorf("while the versions differ it was written: %s", got)
	}

	s.ctl("set Global . other_config:ovn-match-northd-version=false")
	d.becomes("vtep_logical_switches", chassis, "[ls1]")
	d.becomes("the tunnel key", key, datapath)
	s.ctl("set Global . other_config:ovn-match-northd-version=true")
	d.becomes("the problems", problems, "drift tor1\nunsupported-setting sluice-nonsense\nversion-mismatch ovn-match-northd-version")
	d.sbctl("set Chassis tor1 vtep_logical_switches=foo")
	d.sbctl("set SB_Global . options:northd_internal_version=" + known)
	d.becomes("vtep_logical_switches", chassis, "[ls1]")
	d.sbctl("set SB_Global . options:northd_internal_version=99.09.0")
	d.becomes("the problems", problems, "drift tor1\nunsupported-setting sluice-nonsense\nversion-mismatch ovn-match-northd-version")
	r.leave(t, true)
	if got := d.sbctl("--columns=name find Chassis name=tor1") + key(); got != "" {
		t.Errorf("after exit --cleanup there is %s", got)
	}
}
