package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/test/lab"
)

// Testbeds that there are, with the names of their results, and those that are refused with the cause and the fix.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	controllers := map[string]lab.Controller{}
	for _, name := range []string{"sluice", "ovn-controller"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, nil, 0o700); err != nil {
			t.Fatal(err)
		}
		c, err := lab.ParseController(file)
		if err != nil {
			t.Fatal(err)
		}
		controllers[name] = c
	}
	for _, tt := range []struct {
		o          options
		controller string
		want       string // the name; or what the refusal has
		refused    bool
	}{
		{options{encap: "geneve", datapath: "netdev"}, "ovn-controller", "netdev-geneve", false},
		{options{encap: "vxlan", datapath: "system", offload: "software"}, "sluice", "system-vxlan-software", false},
		{options{testbed: "/etc/sluice/cellar.yaml", encap: "geneve", datapath: "netdev"}, "sluice", "cellar", false},
		{options{encap: "gre", datapath: "system"}, "sluice", `no testbed with tunnels "gre"`, true},
		{options{encap: "geneve", datapath: "dummy"}, "sluice", `datapath "dummy"`, true},
		{options{encap: "geneve", datapath: "netdev", offload: "software"}, "sluice", "use -datapath system", true},
		{options{encap: "geneve", datapath: "system", offload: "off"}, "sluice", "there are software, hardware and hardware-only", true},
		{options{encap: "geneve", datapath: "system", offload: "yes"}, "sluice", "there are software, hardware and hardware-only", true},
		{options{encap: "geneve", datapath: "system", offload: "hardware"}, "ovn-controller", "use sluice", true},
	} {
		switch err := tt.o.check(controllers[tt.controller]); {
		case tt.refused && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%+v: got %v, want %q", tt.o, err, tt.want)
		case !tt.refused && (err != nil || tt.o.name() != tt.want):
			t.Errorf("%+v: got %v, name %q, want %q", tt.o, err, tt.o.name(), tt.want)
		}
	}
}

// A testbed file that is not there, or wrong, is said to be so; one that is there needs no controller here.
func TestStart(t *testing.T) {
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("chassis: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"nowhere.yaml": "nowhere.yaml: no such file", wrong: "wrong.yaml: the central node's shell", "../testbed/testdata/cellar.yaml": "",
	} {
		o := options{testbed: file, controller: "/nowhere/sluice"}
		if _, err := o.start(t.Context()); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	o := options{controller: "/nowhere/sluice"}
	if _, err := o.start(t.Context()); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Error(err)
	}
}
