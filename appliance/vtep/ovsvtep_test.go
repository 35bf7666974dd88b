package vtep

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
)

const ovsVTEP = "/usr/share/openvswitch/scripts/ovs-vtep" // Debian package openvswitch-vtep

// TestEmulator: Open vSwitch's emulated switch takes what it is told: a tunnel with the key of the logical switch, where each MAC is, and
// where to flood; and a frame that arrives on its port is a station in the FDB.
func TestEmulator(t *testing.T) {
	d := deploy(t)
	capability.Need(t, "ovs", ovsVTEP)
	d.vms()
	// The bridge is the switch; one database server has both of its databases.
	v := vswitch.Start(t)
	v.AddBridge("tor1")
	v.AddPort("tor1", "p0", "1")
	file := filepath.Join(v.RunDir, "vtep.db")
	d.run("ovsdb-tool", "create", file, vtepSchema)
	d.run("ovs-appctl", "-t", filepath.Join(v.RunDir, "ovsdb-server.ctl"), "ovsdb-server/add-db", file)
	s := &tor{d, &ovsdbtest.Server{Remote: v.DBSock, Database: "hardware_vtep"}, "tor1", ""}
	s.ctl("add-ps tor1\nset Physical_Switch tor1 tunnel_ips=192.0.2.1")
	emulator := exec.Command(ovsVTEP, "--log-file="+filepath.Join(v.RunDir, "ovs-vtep.log"), "tor1")
	emulator.Env = v.Env()
	var said strings.Builder
	emulator.Stdout, emulator.Stderr = &said, &said
	if err := emulator.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		emulator.Process.Kill()
		emulator.Wait()
		if t.Failed() {
			t.Logf("ovs-vtep: %s", said.String())
		}
	})
	d.becomes("the switch's port", func() string { return s.ctl("list-ports tor1") }, "p0")
	r := s.start()
	s.ctl("add-ls ls1\nbind-ls tor1 p0 0 ls1")
	key := d.sbctl("--columns=tunnel_key find Datapath_Binding external_ids:name=sw")
	d.becomes("the tunnels", func() string {
		return strings.Join(strings.Fields(v.Vsctl("--bare", "--columns=options", "find", "Interface", "type=vxlan", "options:remote_ip=192.0.2.11", "options:key="+key)), " ")
	}, "key="+key+" remote_ip=192.0.2.11")
	d.becomes("the switch's tunnels", func() string {
		var ends []string
		for _, tunnel := range r.told(t).Tunnels {
			ends = append(ends, tunnel.Local+" to "+tunnel.Remote)
		}
		slices.Sort(ends)
		return strings.Join(ends, ", ")
	}, "192.0.2.1 to 192.0.2.11, 192.0.2.1 to 192.0.2.12")
	bridge := strings.TrimSpace(v.Vsctl("--bare", "--columns=name", "find", "Bridge", "external_ids:logical_switch_name=ls1"))
	flows := func(of string) func() string {
		return func() string {
			if strings.Contains(v.Ofctl("dump-flows", filepath.Join(v.RunDir, bridge+".mgmt")), of) {
				return "there"
			}
			return "missing"
		}
	}
	d.becomes("the flow of the first VM", flows("dl_dst=02:00:00:00:00:01 "), "there")
	// A host behind the switch speaks.
	v.Appctl("netdev-dummy/receive", "p0", "eth(src=02:00:00:00:0a:01,dst=ff:ff:ff:ff:ff:ff),eth_type(0x0806),arp(sip=10.0.0.9,tip=10.0.0.1,op=1,sha=02:00:00:00:0a:01,tha=00:00:00:00:00:00)")
	d.becomes("the FDB", func() string { return strings.ReplaceAll(d.sbctl("--columns=mac,port_key list FDB"), "\n", " ") },
		"02:00:00:00:0a:01 "+d.sbctl("--columns=tunnel_key find Port_Binding logical_port=tor"))
	// A VM goes.
	d.nbctl("lsp-del vm1")
	d.becomes("the flow of the first VM", flows("dl_dst=02:00:00:00:00:01 "), "missing")
}
