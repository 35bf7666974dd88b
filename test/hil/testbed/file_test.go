package testbed

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/test/hil/scenario"
)

const example = "testdata/cellar.yaml"

func readExample(t testing.TB) *Equipment {
	t.Helper()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Parse(example, text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestParse(t *testing.T) {
	e := readExample(t)
	if e.Timeout != 3*time.Second || len(e.Chassis) != 3 || len(e.Hosts) != 3 || len(e.Trunks) != 1 || len(e.Physical) != 2 {
		t.Errorf("got %+v", e)
	}
	gw1 := e.Chassis[2]
	if gw1.Name.Text != "gw1" || gw1.VSCtl.Text != "ovs-vsctl" || gw1.TC.Text != "tc" || gw1.offloads() || !e.Chassis[1].offloads() {
		t.Errorf("got %+v", gw1)
	}
	restarted := e.Chassis[0].Faults[scenario.ControllerRestarted].Text
	if !strings.HasPrefix(restarted, "ovn-appctl -t ovn-controller exit --restart\n") || strings.Count(restarted, "\n") != 3 {
		t.Errorf("got %q", restarted)
	}
	if a := e.Hosts[0]; a.Name != (word{"a", 33}) || a.Device.Text != "enp3s0f0_0" || a.Faults[scenario.LinkUp].Text == "" {
		t.Errorf("got %+v", a)
	}
}

// smallest is a file of which no line can be left out.
const smallest = `central:
  shell: sh
chassis:
- name: hv1
  shell: sh
`

// What is wrong is said with the file and the line.
func TestParseRefuses(t *testing.T) {
	if _, err := Parse("x.yaml", []byte(smallest)); err != nil {
		t.Fatal(err)
	}
	const host = smallest + "hosts:\n- name: a\n  chassis: hv1\n  device: tap1\n  agent: agent\n"
	for _, tt := range []struct{ text, want string }{
		{"", "x.yaml: it is empty"},
		{"- a", "x.yaml:1: cannot unmarshal"},
		{"a: [", "x.yaml:1: did not find expected node content"},
		{"chassis:\n- name: hv1\n  nom: x\n  shell: sh\n", "x.yaml:3: field nom not found"},
		{"chassis:\n- name: [a]\n", "x.yaml:2: this is to be text"},
		{smallest + "chassis: []\n", `x.yaml:6: mapping key "chassis" already defined at line 3`},
		{smallest + "---\nchassis: []\n", "x.yaml: a second document"},
		{smallest + "timeout: soon\n", "x.yaml:6: cannot unmarshal"},
		{smallest + "timeout: -3s\n", "x.yaml: the timeout is -3s"},
		{"central:\n  shell: sh\n", "x.yaml: there is no chassis"},
		{"chassis:\n- name: hv1\n  shell: sh\n", "x.yaml: the central node's shell, a command that reaches it, is missing"},
		{"central:\n  shell: ssh 'x\nchassis:\n- name: hv1\n  shell: sh\n", "x.yaml:2: the central node's shell: unfinished quote"},
		{"central:\n  shell: sh\nchassis:\n- name: hv1\n", "x.yaml:4: chassis hv1's shell, a command that reaches it, is missing"},
		{"central:\n  shell: sh\nchassis:\n- shell: sh\n", "x.yaml: a chassis has no name"},
		{smallest + "- name: hv1\n  shell: sh\n", "x.yaml:6: chassis hv1: there is another thing of that name"},
		{smallest + "  encap: gre\n", `x.yaml:6: chassis hv1 has encap "gre": there are geneve and vxlan`},
		{smallest + "  faults:\n    on fire: fire\n", `x.yaml:7: chassis hv1: "on fire" is no fault of it: there are ["controller killed"`},
		{smallest + "  faults:\n    link down: x\n", `x.yaml:7: chassis hv1: "link down" is no fault of it`},
		{smallest + "  faults:\n    switch restarted: ''\n", `x.yaml:7: chassis hv1: there is no command for "switch restarted"`},
		{smallest + "  faults:\n    controller killed: kill\n", `x.yaml:7: chassis hv1 has a command for "controller killed" and none for "controller started", which mends it`},
		{host + "- name: a\n  chassis: hv1\n  device: tap2\n  agent: agent\n", "x.yaml:11: host a: there is another thing of that name"},
		{host + "- name: b\n  chassis: hv1\n  device: tap1\n  agent: agent\n", "x.yaml:13: host b: tap1 of hv1 is another's"},
		{host + "- name: b\n  chassis: hv2\n  device: tap1\n  agent: agent\n", `x.yaml:12: host b: there is no chassis "hv2"`},
		{host + "- name: b\n  chassis: hv1\n  agent: agent\n", "x.yaml:11: host b has no device on its chassis"},
		{host + "- name: b\n  chassis: hv1\n  device: tap2\n", "x.yaml:11: host b's agent, a command that reaches it, is missing"},
		{host + "  vlan: 5\n", "x.yaml:7: host a is on a chassis and cannot have a VLAN"},
		{host + "  faults:\n    link down: x\n", `x.yaml:12: host a has a command for "link down" and none for "link up"`},
		{smallest + "trunks:\n- name: t\n  chassis: hv1\n  device: tap1\n", "x.yaml:7: trunk t has no hosts"},
		{smallest + "trunks:\n- name: t\n  chassis: hv1\n  device: tap1\n  hosts:\n  - name: a\n    agent: x\n  - name: b\n    agent: x\n", "x.yaml:13: trunk t has VLAN 0 already"},
		{smallest + "physical:\n- name: p\n  vlan: 4095\n  agent: x\n", "x.yaml:7: physical host p has VLAN 4095, not a number from 0 to 4094"},
		{smallest + "physical:\n- name: p\n  agent: x\n  faults:\n    link down: x\n", `x.yaml:10: physical host p: "link down" is no fault of it`},
	} {
		_, err := Parse("x.yaml", []byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got error %v, want %q", tt.text, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	text, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(text), smallest, smallest + "hosts: [{name: a, chassis: hv1, device: tap1, agent: agent}]\n", "a: &a [*a]", "central: {shell: {}}\n", "\xff"} {
		f.Add([]byte(seed))
	}
	l2 := scenarios(f)["l2"]
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Parse("x.yaml", text)
		switch {
		case err != nil && !strings.HasPrefix(err.Error(), "x.yaml"):
			t.Errorf("the error has no place: %v", err)
		case err == nil && len(e.Chassis) == 0:
			t.Error("a testbed without chassis")
		case err == nil:
			_, _ = e.assign(l2) // does not panic
		}
	})
}
