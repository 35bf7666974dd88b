package vtepserve_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/appliance/vtepserve"
	"github.com/sluice-gw/sluice/internal/testkit/pki"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// The switch registers itself and its port in a database that it has made, learns a station and forgets it with its VLAN, counts, and tells of it all.
func TestSwitch(t *testing.T) {
	r := newRig(t)
	r.start()
	r.reads(`"a switch"`, "get", "Physical_Switch", bridge, "description")
	r.reads(`["`+tunnelIP+`"]`, "get", "Physical_Switch", bridge, "tunnel_ips")
	r.reads(`["192.0.2.101"]`, "get", "Physical_Switch", bridge, "management_ips")
	r.bind("ls1", "5", "100")
	if got := r.ovs.Vsctl("get", "bridge", bridge, "fail_mode"); strings.TrimSpace(got) != "secure" {
		t.Errorf("fail_mode is %q", got)
	}

	r.receive("p1", "02:00:00:00:00:01", 100)
	r.reads("ucast-mac-local\n  02:00:00:00:00:01 -> vxlan_over_ipv4/192.0.2.1\n\nmcast-mac-local\n  unknown-dst -> vxlan_over_ipv4/192.0.2.1", "list-local-macs", "ls1")
	r.until("the statistics of the VLAN", func() bool {
		return strings.Contains(r.ctl("list", "Logical_Binding_Stats"), "packets_from_local  : 1")
	})
	if v := r.view("ls1"); v.Local != 1 || v.TunnelKey != 5 || v.ReplicationMode != "service_node" {
		t.Errorf("the status shows %+v", v)
	}

	r.ctl("unbind-ls", bridge, "p1", "100")
	r.reads("ucast-mac-local\n\nmcast-mac-local", "list-local-macs", "ls1")
	r.until("the end of what was learned", func() bool {
		return !strings.Contains(r.ovs.Ofctl("dump-flows", bridge, "table=3"), "02:00:00:00:00:01")
	})
	r.until("the end of the statistics", func() bool { return r.ctl("--columns=_uuid", "list", "Logical_Binding_Stats") == "" })
	if s := r.status(); len(s.Problems) > 0 {
		t.Errorf("problems: %v", s.Problems)
	}
	if text, err := unixctl.Call(t.Context(), filepath.Join(r.dir, "ctl"), "vtep-connection-status"); err != nil || text != "connected\n" {
		t.Errorf("vtep-connection-status: %q, %v", text, err)
	}
}

// What is at a port goes on being there when the switch ends and starts, and when its database server is killed: no flow is touched.
func TestRestart(t *testing.T) {
	r := newRig(t)
	r.start()
	r.bind("ls1", "5", "100")
	r.ctl("add-ucast-remote", "ls1", "02:00:00:00:00:99", "192.0.2.9", "--", "add-mcast-remote", "ls1", "unknown-dst", "192.0.2.9")
	r.receive("p1", "02:00:00:00:00:01", 100)
	r.until("the stations", func() bool {
		v := r.view("ls1")
		return v.Local == 1 && v.Remote == 1 && len(v.Unknown) == 1 && r.status().OpenFlow.Pending == 0
	})
	before := r.status().OpenFlow.Flows

	r.stop()
	if _, err := os.Stat(r.db.Socket); err == nil {
		t.Error("the database's server did not take its socket away: it still runs, or was killed")
	}
	r.receive("p1", "02:00:00:00:00:03", 100) // the bridge learns it by itself
	r.start()
	r.until("the flows to be adopted", func() bool { return r.status().OpenFlow.Connected })
	if s := r.status().OpenFlow; int(s.Adopted) != before || s.Added+s.Removed != 0 {
		t.Errorf("of %d flows %d are adopted, %d are added and %d removed", before, s.Adopted, s.Added, s.Removed)
	}
	if v := r.view("ls1"); v == nil || v.Remote != 1 {
		t.Errorf("the database has lost something: %+v", v)
	}
	r.reads("ucast-mac-local\n  02:00:00:00:00:01 -> vxlan_over_ipv4/192.0.2.1\n  02:00:00:00:00:03 -> vxlan_over_ipv4/192.0.2.1\n\nmcast-mac-local\n  unknown-dst -> vxlan_over_ipv4/192.0.2.1",
		"list-local-macs", "ls1")

	// ovs-vswitchd forgets everything. What it had learned stays in the database for as long as the station may be silent.
	r.ovs.KillVswitchd()
	r.ovs.StartVswitchd()
	r.until("the flows to be there again", func() bool {
		s := r.status().OpenFlow
		return s.Connected && s.Connections > 1 && int(s.Added) == before
	})
	r.receive("p1", "02:00:00:00:00:02", 100)
	r.until("another station", func() bool { return strings.Contains(r.ctl("list-local-macs", "ls1"), "02:00:00:00:00:02") })
	if got := r.ctl("list-local-macs", "ls1"); !strings.Contains(got, "02:00:00:00:00:01") {
		t.Errorf("a station is withdrawn because ovs-vswitchd was killed: %s", got)
	}
	r.ctl("add-ucast-remote", "ls1", "02:00:00:00:00:01", "192.0.2.9") // it has gone there meanwhile
	r.until("its move", func() bool { return !strings.Contains(r.ctl("list-local-macs", "ls1"), "02:00:00:00:00:01") })
}

// In service node replication one remote end gets what is not known, in source node replication all. Groups of their own do not change that.
func TestReplicationMode(t *testing.T) {
	r := newRig(t)
	r.start()
	r.bind("ls1", "5", "100")
	for _, ip := range []string{"192.0.2.9", "192.0.2.8", "192.0.2.1"} { // the last is the switch itself
		r.ctl("add-mcast-remote", "ls1", "unknown-dst", ip)
	}
	unknown := func() string { return strings.Join(r.view("ls1").Unknown, " ") }
	r.until("the one service node", func() bool { return unknown() == "192.0.2.8" })
	r.ctl("set", "Logical_Switch", "ls1", "replication_mode=source_node")
	r.until("all remote ends", func() bool { return unknown() == "192.0.2.8 192.0.2.9" })
	if !r.problem("locator-own") {
		t.Error("nothing is said of the locator that is the switch's own")
	}
	r.ctl("add-mcast-remote", "ls1", "01:00:5e:00:00:01", "192.0.2.9")
	r.until("the group", func() bool {
		return strings.Contains(r.ovs.Ofctl("dump-flows", bridge, "table=5"), "dl_dst=01:00:5e:00:00:01")
	})
}

// Tunnels are in the database, and BFD runs in those where the controller wants it, in ports of their own.
func TestTunnels(t *testing.T) {
	r := newRig(t)
	r.start()
	r.bind("ls1", "5", "100")
	r.ctl("add-ucast-remote", "ls1", "02:00:00:00:00:99", "192.0.2.9")
	tunnel := func() string { return r.ctl("--bare", "--columns=_uuid", "list", "Tunnel") }
	r.until("the tunnel", func() bool { return tunnel() != "" })
	r.reads(`{bfd_dst_ip="169.254.1.0", bfd_dst_mac="00:23:20:00:00:01"}`, "get", "Tunnel", tunnel(), "bfd_config_local")
	r.reads("{}", "get", "Tunnel", tunnel(), "bfd_status")
	r.ctl("set", "Tunnel", tunnel(), "bfd_params:enable=true", "bfd_params:min_tx=300", "bfd_config_remote:bfd_dst_ip=169.254.1.7")
	const port = "vxbfdc0000209"
	r.until("BFD's port", func() bool {
		return strings.Contains(r.ovs.Vsctl("--if-exists", "get", "interface", port, "bfd"), `bfd_dst_ip="169.254.1.7"`)
	})
	r.until("BFD's status", func() bool { return strings.Contains(r.ctl("get", "Tunnel", tunnel(), "bfd_status"), "state=down") })
	r.ctl("set", "Tunnel", tunnel(), "bfd_params:enable=false")
	r.reads("{}", "get", "Tunnel", tunnel(), "bfd_status")
	r.until("the end of BFD's port", func() bool { return !strings.Contains(r.ovs.Vsctl("list-ports", bridge), port) })
	r.ctl("del-ucast-remote", "ls1", "02:00:00:00:00:99")
	r.until("the end of the tunnel", func() bool { return tunnel() == "" })
}

// A service node that BFD reports as gone is not used while there is another.
func TestServiceNodeFails(t *testing.T) {
	r := newRig(t)
	r.start()
	r.bind("ls1", "5", "100")
	r.ctl("add-mcast-remote", "ls1", "unknown-dst", "192.0.2.8", "--", "add-mcast-remote", "ls1", "unknown-dst", "192.0.2.9")
	r.until("the service node", func() bool { v := r.view("ls1"); return len(v.Unknown) == 1 && v.Unknown[0] == "192.0.2.8" })
	r.until("the tunnels", func() bool { return len(r.status().Tunnels) == 2 })
	locator := r.ctl("--bare", "--columns=_uuid", "find", "Physical_Locator", "dst_ip=192.0.2.8")
	tunnel := r.ctl("--bare", "--columns=_uuid", "find", "Tunnel", "remote="+locator)
	r.ctl("set", "Tunnel", tunnel, "bfd_params:enable=true") // nobody answers
	r.until("the other one", func() bool { v := r.view("ls1"); return len(v.Unknown) == 1 && v.Unknown[0] == "192.0.2.9" })
}

// Whatever is wanted and is not so, the database and the status say it, and no more when it is well again.
func TestFaults(t *testing.T) {
	r := newRig(t)
	r.start()
	r.bind("ls1", "5", "100")
	port := r.ctl("--bare", "--columns=_uuid", "find", "Physical_Port", "name=p1")

	r.ovs.Appctl("netdev-dummy/set-admin-state", "p1", "down")
	r.until("the port to be down", func() bool {
		return strings.Contains(r.ctl("get", "Physical_Port", port, "port_fault_status"), "link_down")
	})
	r.ovs.Appctl("netdev-dummy/set-admin-state", "p1", "up")
	r.reads("[]", "get", "Physical_Port", port, "port_fault_status")

	r.ovs.Vsctl("del-port", bridge, "p1")
	r.reads("[unspecified_fault]", "get", "Physical_Port", port, "port_fault_status")
	if !r.problem("port-fault") {
		t.Error("the status says nothing of the port")
	}
	r.ovs.AddPort(bridge, "p1", "1")
	r.reads("[]", "get", "Physical_Port", port, "port_fault_status")

	r.ctl("add-ls", "ls2", "--", "set", "Logical_Switch", "ls2", "tunnel_key=5", "--", "bind-ls", bridge, "p1", "200", "ls2")
	r.reads("[invalid_vlan_map]", "get", "Physical_Port", port, "port_fault_status")
	if !r.problem("tunnel-key-conflict") {
		t.Error("the status says nothing of the tunnel keys")
	}
	r.ctl("set", "Logical_Switch", "ls2", "tunnel_key=6")
	r.reads("[]", "get", "Physical_Port", port, "port_fault_status")

	r.ctl("create", "Logical_Router", "name=lr")
	r.reads("[lr_support_fault]", "get", "Physical_Switch", bridge, "switch_fault_status")
	r.ctl("destroy", "Logical_Router", "lr")
	r.reads("[]", "get", "Physical_Switch", bridge, "switch_fault_status")

	r.ovs.Vsctl("set", "bridge", bridge, "other_config:mac-table-size=10")
	r.until("the limit in the flows", func() bool { return strings.Contains(r.ovs.Ofctl("dump-flows", bridge, "table=2"), "limit=10") })
	for i := range 12 {
		r.receive("p1", "02:00:00:00:01:"+string(hex4(uint16(i))[2:]), 100)
	}
	r.reads("[mac_table_exhaustion]", "get", "Physical_Switch", bridge, "switch_fault_status")
	r.until("the problem", func() bool { return r.problem("mac-table-full") })

	r.ctl("add-ucast-remote", "ls1", "garbage", "192.0.2.9", "--", "add-ucast-remote", "ls1", "02:00:00:00:00:77", "2001:db8::1")
	r.until("the malformed rows", func() bool { return r.problem("mac-malformed") && r.problem("locator-malformed") })
}

// Controllers reach the database by TLS at what --remote says, with a certificate that the authority has signed and not without, and at what the database
// itself names.
func TestRemotes(t *testing.T) {
	r := newRig(t)
	authority := pki.New(t)
	server, controller, stranger := authority.Issue("switch"), authority.Issue("controller"), pki.New(t).Issue("stranger")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	r.db.Remotes = []string{fmt.Sprintf("pssl:%d:127.0.0.1", port)}
	r.db.TLS = []string{"--private-key=" + server.PrivateKey, "--certificate=" + server.Certificate, "--ca-cert=" + server.CACert}
	r.start()
	r.reads("p1", "list-ports", bridge)
	remote := fmt.Sprintf("ssl:127.0.0.1:%d", port)
	as := func(f pki.Files) (string, error) {
		return r.tryCtl(remote, "--timeout=2", "-p", f.PrivateKey, "-c", f.Certificate, "-C", server.CACert, "list-ps")
	}
	if out, err := as(controller); err != nil || out != bridge {
		t.Errorf("a controller gets %q, %v", out, err)
	}
	if out, err := as(stranger); err == nil {
		t.Errorf("a stranger gets %q", out)
	}
	socket := filepath.Join(r.dir, "manager.sock")
	r.ctl("set-manager", "punix:"+socket)
	r.until("the manager's socket", func() bool { _, err := r.tryCtl("unix:"+socket, "list-ps"); return err == nil })
}

// A database of an older schema is converted, and a copy is left; one of a newer schema is left as it is.
func TestSchemaVersions(t *testing.T) {
	r := newRig(t)
	installed, err := os.ReadFile(vtepSchema)
	if err != nil {
		t.Fatal(err)
	}
	const version = `"version": "1.7.0"`
	if !bytes.Contains(installed, []byte(version)) {
		t.Fatalf("the installed schema is not of %s", version)
	}
	with := func(v string) string {
		file := filepath.Join(r.dir, "schema"+v)
		old := bytes.Replace(installed, []byte(version), []byte(`"version": "`+v+`"`), 1)
		if err := os.WriteFile(file, old, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	tool := func(args ...string) string {
		out, err := exec.Command("ovsdb-tool", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("ovsdb-tool %q: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	for _, c := range []struct{ has, gets string }{{"1.6.0", "1.7.0"}, {"1.8.0", "1.8.0"}} {
		os.Remove(r.db.File)
		tool("create", r.db.File, with(c.has))
		tool("transact", r.db.File, `["hardware_vtep",{"op":"insert","table":"Logical_Switch","row":{"name":"old"}}]`)
		r.start()
		r.reads("old", "list-ls")
		r.stop()
		if got := tool("db-version", r.db.File); got != c.gets {
			t.Errorf("a database of %s becomes one of %s, not %s", c.has, got, c.gets)
		}
	}
	if got := tool("db-version", r.db.File+".backup1.6.0"); got != "1.6.0" {
		t.Errorf("the copy is of %s", got)
	}
}

// What cannot be served is an error that says why, and no daemon.
func TestNoDatabase(t *testing.T) {
	r := newRig(t)
	if err := os.WriteFile(r.db.File, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := vtepserve.Run(t.Context(), r.options(), func() error { t.Error("it is ready"); return nil })
	if err == nil || !strings.Contains(err.Error(), r.db.File) {
		t.Errorf("error %v", err)
	}
}
