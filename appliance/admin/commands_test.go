package admin_test

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/appliance/admin"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// start is a deployment with topology on it and sluice's controller.
func start(t *testing.T) *deployment {
	t.Helper()
	d := deploy(t)
	d.controller()
	d.sw.Vsctl("wait-until", "bridge", "br-int") // the controller makes it
	d.wire()
	d.Configure(topology)
	d.sync()
	return d
}

// TestCommands asks every command and compares with the text that the C program
// would answer.
func TestCommands(t *testing.T) {
	d := start(t)
	uuid := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	number := regexp.MustCompile(`(?m)[0-9]+$`)
	for _, c := range []struct {
		command, want string
		mask          *regexp.Regexp // what is not the same in each run
	}{
		{"connection-status", "connected\n", nil},
		{"connection-status x", "error: \"connection-status\" command takes at most 0 arguments\n", nil},
		{"debug/dump-local-bindings", `Local bindings:
name: [local0], OVS interface name : [if3], num binding lports : [1]
localport lport : [local0]
----------------------------------------
name: [lp1], OVS interface name : [if1], num binding lports : [2]
primary lport : [lp1]
child lport[1] : [c1], type : [CONTAINER]
----------------------------------------
name: [lp2], OVS interface name : [if2], num binding lports : [1]
primary lport : [lp2]
----------------------------------------
name: [nobody], OVS interface name : [if4], num binding lports : [0]
----------------------------------------
`, nil},
		{"debug/dump-related-ports", "c1\nlocal0\nlp1\nlp2\nlr0-sw0\nlr0-sw1\nsw0-lr0\nsw1-lr0\n", nil},
		{"debug/dump-local-datapaths", `Local datapaths:
Datapath: lr0, type: router
Datapath: sw0, type: switch
Datapath: sw1, type: switch
`, nil},
		{"debug/dump-peer-ports", `dp lr0 : local = lr0-sw0, remote = sw0-lr0
dp lr0 : local = lr0-sw1, remote = sw1-lr0
dp sw0 : local = sw0-lr0, remote = lr0-sw0
dp sw1 : local = sw1-lr0, remote = lr0-sw1
`, nil},
		{"debug/dump-local-template-vars", "Local template vars:\nname: 'vip' value: '10.0.7.7'\n", nil},
		{"debug/dump-mac-bindings", "Local MAC bindings:\n", nil},
		{"debug/status", "running\n", nil},
		{"debug/ignore-startup-delay", "", nil},
		{"meter-table-list", "m1: 1\n", nil},
		{"sb-cluster-state-reset", "", nil},
		{"inc-engine/show-stats lflow_output", "Node: lflow_output\n- recompute: N\n- compute: N\n- abort: N\n", regexp.MustCompile(` +[0-9]+`)},
		{"inc-engine/show-stats logical_rules abort", "0\n", nil},
		{"inc-engine/show-stats logical_rules cancel", "0\n", nil},
		{"inc-engine/show-stats runtime_data nope", "Invalid stat type : nope\n", nil},
		{"inc-engine/show-stats nope", "", nil},
		{"inc-engine/show-stats a b c", "error: \"inc-engine/show-stats\" command takes at most 2 arguments\n", nil},
		{"inc-engine/compute-log-timeout", "error: \"inc-engine/compute-log-timeout\" command requires at least 1 arguments\n", nil},
		{"inc-engine/compute-log-timeout -1", "error: unsigned integer required\n", nil},
		{"inc-engine/compute-log-timeout 500", "", nil},
		{"lflow-cache/show-stats", "Enabled: true\nhigh-watermark  : N\ntotal           : N\ncache-expr      : N\n" +
			"cache-matches   : N\ntrim count      : N\nMem usage (KB)  : N\n", number},
		{"lflow-cache/flush", "", nil},
		{"flush-lflow-cache", "", nil},
		{"debug/delay-nb-cfg-report x", "error: unsigned integer required\n", nil},
		{"debug/delay-nb-cfg-report 0", "no delay for nb_cfg report.\n", nil},
		{"inject-pkt", "error: \"inject-pkt\" command requires at least 1 arguments\n", nil},
		{"inject-pkt foo", "error: Syntax error at `foo' expecting field name.\n", nil},
		{"inject-pkt ip4&&ip6", "error: Constraints are contradictory.\n", nil},
		{`inject-pkt inport=="lp1"&&tcp`, "error: Constraints are ambiguous: inport==\"lp1\"&&tcp.\n", nil},
		{`inject-pkt inport=="lp1"&&ip4.src==$nope`, "error: Syntax error at `$nope' expecting address set name.\n", nil},
		{`inject-pkt inport==@nope`, "error: Syntax error at `@nope' expecting port group name.\n", nil},
		{`inject-pkt inport=="elsewhere"&&ip4`, "error: ingress port not found on hypervisor.\n", nil},
		{"exit a b", "error: \"exit\" command takes at most 1 arguments\n", nil},
	} {
		got := d.ask(strings.Fields(c.command)...)
		if c.mask != nil {
			got = c.mask.ReplaceAllLiteralString(got, " N")
			got = strings.ReplaceAll(got, ":  N", ": N")
		}
		if got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.command, got, c.want)
		}
	}

	seen := map[string]bool{}
	var names []string
	for line := range strings.Lines(uuid.ReplaceAllString(d.ask("ct-zone-list"), "DP")) {
		name, n, _ := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.Atoi(n); err != nil || v < 1 || v > 65535 || seen[n] {
			t.Errorf("ct-zone-list: bad line %q", line)
		}
		names, seen[n] = append(names, name), true
	}
	slices.Sort(names)
	want := []string{"DP_dnat", "DP_dnat", "DP_dnat", "DP_snat", "DP_snat", "DP_snat", "c1", "local0", "lp1", "lp2"}
	if !slices.Equal(names, want) {
		t.Errorf("ct-zone-list has %q, want %q", names, want)
	}
}

// Counters tell incremental work from a recompute.
func TestCounters(t *testing.T) {
	d := start(t)
	counter := func(name string) int {
		t.Helper()
		n, err := strconv.Atoi(strings.TrimSpace(d.ask("coverage/read-counter", name)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	runs, physical, flows := counter("lflow_run"), counter("physical_run"), counter("consider_logical_flow")
	if runs == 0 || physical == 0 || flows == 0 {
		t.Fatalf("after the start: lflow_run %d, physical_run %d, consider_logical_flow %d", runs, physical, flows)
	}
	d.Configure("acl-add sw0 to-lport 1001 'outport == \"lp2\" && udp.dst == 7' drop")
	d.sync()
	if n := counter("lflow_run"); n != runs {
		t.Errorf("an ACL made lflow_run %d, was %d", n, runs)
	}
	if n := counter("consider_logical_flow"); n <= flows || n > flows+20 {
		t.Errorf("an ACL made consider_logical_flow %d, was %d", n, flows)
	}
	for i, command := range []string{"recompute", "inc-engine/recompute", "lflow-cache/flush"} {
		d.ask(command)
		if n := counter("lflow_run"); n != runs+i+1 {
			t.Errorf("after %s lflow_run is %d, want %d", command, n, runs+i+1)
		}
		if n := counter("physical_run"); n != physical+i+1 {
			t.Errorf("after %s physical_run is %d, want %d", command, n, physical+i+1)
		}
	}
	punts := counter("pinctrl_total_pin_pkts")
	// The router resolves an address that nobody has.
	d.ask("inject-pkt", `inport == "lp1" && eth.src == 02:00:00:00:01:11 && eth.dst == 02:00:00:00:ff:01 && ip.ttl == 64 && `+
		`ip4.src == 10.0.1.11 && ip4.dst == 10.0.2.99 && udp.src == 1 && udp.dst == 2`)
	d.await("the packet to be punted", func() bool { return counter("pinctrl_total_pin_pkts") > punts })
	if got := d.ask("coverage/read-counter", "nope"); got != "error: No such counter\n" {
		t.Errorf("an unknown counter: %q", got)
	}
	d.ask("inc-engine/clear-stats")
	if got := d.ask("inc-engine/show-stats", "lflow_output", "recompute"); got != "0\n" {
		t.Errorf("recomputes after clear-stats: %q", got)
	}
}

// A paused controller changes nothing; afterwards it catches up.
func TestPause(t *testing.T) {
	d := start(t)
	d.ask("debug/pause")
	if got := d.ask("debug/status"); got != "paused\n" {
		t.Errorf("status %q", got)
	}
	d.Configure("lsp-add sw0 late")
	d.sw.Vsctl("add-port", "br-int", "if9", "--", "set", "interface", "if9", "type=dummy", "external_ids:iface-id=late")
	if out, err := exec.Command("ovn-nbctl", "--db="+d.NB.Remote, "--timeout=1", "--wait=hv", "sync").CombinedOutput(); err == nil {
		t.Errorf("a paused chassis acknowledged: %s", out)
	}
	if got := d.ask("debug/dump-local-bindings"); strings.Contains(got, "late") {
		t.Errorf("a paused chassis took a port:\n%s", got)
	}
	d.ask("debug/resume")
	d.sync()
	if got := d.ask("debug/dump-local-bindings"); !strings.Contains(got, "primary lport : [late]") {
		t.Errorf("after the pause:\n%s", got)
	}
}

func TestDelayNbCfgReport(t *testing.T) {
	d := start(t)
	if got := d.ask("debug/delay-nb-cfg-report", "1"); got != "delay nb_cfg report for 1 seconds.\n" {
		t.Errorf("answer %q", got)
	}
	began := time.Now()
	d.sync()
	if took := time.Since(began); took < time.Second {
		t.Errorf("a delayed report came after %v", took)
	}
	d.ask("debug/delay-nb-cfg-report", "0")
	d.sync()
}

// Before there is a local database only what needs none is answered.
func TestStarting(t *testing.T) {
	d := deploy(t)
	d.sw.KillDBServer()
	d.controller()
	for _, command := range []string{"ct-zone-list", "status", "debug/status"} {
		if got := d.ask(command); got != "error: the local Open_vSwitch database has not been read yet\n" {
			t.Errorf("%s: %q", command, got)
		}
	}
	if got := d.ask("version"); got != "ovn-controller (sluice) test\n" {
		t.Errorf("version: %q", got)
	}
	if got := d.ask("exit"); got != "" {
		t.Errorf("exit: %q", got)
	}
}

func TestStatus(t *testing.T) {
	d := start(t)
	d.Configure("lsp-add sw0 ln0\nlsp-set-type ln0 localnet\nlsp-set-addresses ln0 unknown\nlsp-set-options ln0 network_name=nowhere")
	d.sw.Vsctl("set", "Open_vSwitch", ".", "external_ids:ovn-remote-probe-interval=soon")
	d.sync()
	raw, err := unixctl.CallJSON(t.Context(), d.socket, "status")
	if err != nil {
		t.Fatal(err)
	}
	var s admin.Status
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	c := s.Controller
	if c.Chassis != "hv1" || !c.Registered || c.Refused != "" || !c.Southbound.Connected || !c.Local.Connected || !c.Complete ||
		c.Revision == 0 || c.Revision != c.Acknowledged || c.NbCfg == 0 || c.NbCfg != c.NbCfgDone {
		t.Errorf("controller: %+v", c)
	}
	if c.LocalPorts != 3 || c.LocalDatapaths != 3 || c.Rules == 0 || c.LogicalFlows == 0 || c.Northd == "" {
		t.Errorf("controller: %+v", c)
	}
	if len(c.Unmapped) != 1 || c.Unmapped[0].Network != "nowhere" || c.Unmapped[0].Port != "ln0" {
		t.Errorf("unmapped networks: %+v", c.Unmapped)
	}
	if len(c.Problems) != 1 || !strings.Contains(c.Problems[0], "ovn-remote-probe-interval") {
		t.Errorf("refused settings: %+v", c.Problems)
	}
	if w := s.Switch; !w.Connected || w.Flows == 0 || w.Tables == "" || uint64(w.Revision) != uint64(c.Revision) {
		t.Errorf("switch: %+v", w)
	}
	flows := strings.Count(d.sw.Ofctl("--no-stats", "dump-flows", d.sw.Mgmt("br-int")), "\n")
	if flows != s.Switch.Flows {
		t.Errorf("status has %d flows, the switch %d", s.Switch.Flows, flows)
	}
	text := d.ask("status")
	for _, want := range []string{"chassis:           hv1 (host host1), registered\n", "connected to " + d.SB.Remote + " since ",
		"unmapped networks: 1\n  nowhere: port ln0 ", "claim conflicts:   none\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}

	d.SB.Kill()
	d.await("the loss of the connection to show", func() bool { return d.ask("connection-status") == "not connected\n" })
	if text := d.ask("status"); !strings.Contains(text, "southbound:        NOT connected to "+d.SB.Remote) {
		t.Errorf("without its database:\n%s", text)
	}
}

// Where nothing can be offloaded the commands say why; that is an answer and no error.
func TestOffloadObstacle(t *testing.T) {
	d := start(t)
	commands := [][]string{{"offload/caps"}, {"offload/status"}, {"offload/explain", "lp1"}, {"offload/explain", `inport == "lp1" && ip4`}}
	for _, want := range []string{"offload:           none: it is switched off: Open_vSwitch external_ids:sluice-offload is off or not set",
		"offload:           none: bridge br-int has datapath type dummy: "} {
		for _, command := range commands {
			if got := d.ask(command...); !strings.HasPrefix(got, want) {
				t.Errorf("%q: got\n%s\nwant\n%s", command, got, want)
			}
		}
		d.sw.Vsctl("set", "Open_vSwitch", ".", "external_ids:sluice-offload=hardware")
		d.sync()
		d.await("the setting", func() bool { return !strings.Contains(d.ask("offload/status"), "switched off") })
	}
	raw, err := unixctl.CallJSON(t.Context(), d.socket, "offload/status")
	if err != nil {
		t.Fatal(err)
	}
	var s admin.OffloadStatus
	if err := json.Unmarshal(raw, &s); err != nil || !strings.HasPrefix(s.Obstacle, "bridge br-int") || s.Mode != 0 {
		t.Errorf("%v in %s", err, raw)
	}
	for _, c := range []struct {
		want string
		ask  []string
	}{
		{"kernel:            Linux ", []string{"offload/devices"}},
		{"lo: not in hardware: a virtual device is software only\n", []string{"offload/devices", "lo"}},
		{"eth77 is no network device, interface, logical port or address of hardware here", []string{"offload/devices", "eth77"}},
	} {
		if got := d.ask(c.ask...); !strings.Contains(got, c.want) {
			t.Errorf("%q: no %q in\n%s", c.ask, c.want, got)
		}
	}
	if got := d.ask("offload/explain"); got != "error: \"offload/explain\" command requires at least 1 arguments\n" {
		t.Errorf("without an argument: %s", got)
	}
}
