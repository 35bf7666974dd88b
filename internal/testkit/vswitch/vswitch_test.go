package vswitch

import (
	"os"
	"strings"
	"testing"
)

func TestSwitchLivesAndRestarts(t *testing.T) {
	s := Start(t)
	mgmt := s.AddBridge("br0")
	s.AddPort("br0", "p1", "7")
	if got := s.Vsctl("get", "interface", "p1", "ofport"); strings.TrimSpace(got) != "7" {
		t.Errorf("ofport of p1 is %q, want 7", got)
	}
	s.Ofctl("add-flow", "br0", "table=3,priority=5,actions=drop")
	if got := s.Ofctl("dump-flows", "--no-stats", "br0"); !strings.Contains(got, "table=3, priority=5 actions=drop") {
		t.Errorf("dump-flows: %q", got)
	}
	s.KillVswitchd()
	s.StartVswitchd()
	s.WaitVswitchd()
	if got := s.Ofctl("dump-flows", "--no-stats", "br0"); strings.Contains(got, "table=3") {
		t.Errorf("flows outlived ovs-vswitchd: %q", got)
	}
	s.KillDBServer()
	s.StartDBServer()
	s.Vsctl("show")
	if _, err := os.Stat(mgmt); err != nil {
		t.Error(err)
	}
	if got := s.Appctl("version"); !strings.Contains(got, "ovs-vswitchd") {
		t.Errorf("version: %q", got)
	}
}
