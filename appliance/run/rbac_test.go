package run

import (
	"encoding/hex"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/internal/wire"
)

// guarded is a chassis with a real switch, at a Southbound database that lets it in only in the role ovn-controller, whose permissions are
// those that a real ovn-northd writes.
type guarded struct {
	*chassis
	sw *vswitch.Switch
	nb *ovsdbtest.Server
	ca *authority
}

// guard starts all but the controller. listen is where the Southbound database lets it in.
func guard(t *testing.T, listen string) *guarded {
	t.Helper()
	capability.Need(t, "ovs", "ovn-northd", "ovn-nbctl", "ovn-sbctl", "ovsdb-server", "ovs-vswitchd")
	g := &guarded{ca: newAuthority(t), nb: ovsdbtest.Start(t, "/usr/share/ovn/ovn-nb.ovsschema", "OVN_Northbound"), sw: vswitch.Start(t)}
	server := g.ca.issue("server")
	sb := ovsdbtest.Start(t, "/usr/share/ovn/ovn-sb.ovsschema", "OVN_Southbound", "--remote=db:OVN_Southbound,SB_Global,connections",
		"--private-key="+server.PrivateKey, "--certificate="+server.Certificate, "--ca-cert="+server.CACert)
	g.chassis = &chassis{t: t, sb: sb, rundir: g.sw.RunDir, database: g.sw.DBSock, socket: filepath.Join(g.sw.RunDir, "ovn-controller.ctl"), done: make(chan error, 1)}
	northd := exec.Command("ovn-northd", "--ovnnb-db="+g.nb.Remote, "--ovnsb-db="+sb.Remote, "--unixctl="+filepath.Join(g.rundir, "northd.ctl"),
		"-vconsole:off", "-vsyslog:off", "-vfile:off")
	northd.Env = append(os.Environ(), "OVN_RUNDIR="+g.rundir)
	if err := northd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		northd.Process.Kill()
		northd.Wait()
	})
	g.nbctl("init")
	g.nbctl("--wait=sb", "sync") // the permissions are there
	g.sbctl("set-connection", "role=ovn-controller", listen)
	scheme, port := strings.Split(strings.TrimPrefix(listen, "p"), ":")[0], ""
	g.until("the Southbound database to listen", func() bool {
		port = strings.Trim(g.sbctl("--if-exists", "get", "Connection", ".", "status:bound_port"), `"`)
		return port != ""
	})
	g.sw.Vsctl("set", "Open_vSwitch", ".", "external_ids:system-id=hv1", "external_ids:hostname=host1", "external_ids:ovn-encap-type=geneve",
		"external_ids:ovn-encap-ip=127.0.0.1", "external_ids:ovn-bridge-datapath-type=dummy", "external_ids:ovn-remote="+scheme+":127.0.0.1:"+port)
	return g
}

// nbctl and sbctl run one command of a tool, as the administrator: by the Unix sockets, which have no role.
func (g *guarded) nbctl(args ...string) string {
	return g.tool("ovn-nbctl", append([]string{"--db=" + g.nb.Remote}, args...)...)
}
func (g *guarded) sbctl(args ...string) string {
	return g.tool("ovn-sbctl", append([]string{"--db=" + g.sb.Remote}, args...)...)
}

func (g *guarded) tool(name string, args ...string) string {
	g.t.Helper()
	out, err := exec.Command(name, append([]string{"--timeout=60"}, args...)...).CombinedOutput()
	if err != nil {
		g.t.Fatalf("%s %q: %v: %s\n%s", name, args, err, out, g.ask("status"))
	}
	return strings.TrimSpace(string(out))
}

func (g *guarded) until(what string, cond func() bool) {
	g.t.Helper()
	for start := time.Now(); !cond(); {
		if time.Since(start) > patience {
			g.t.Fatalf("waited in vain for %s; the status is\n%s", what, g.ask("status"))
		}
	}
}

// plug gives the chassis an interface for a logical port.
func (g *guarded) plug(lport string) {
	g.t.Helper()
	g.sw.Vsctl("add-port", "br-int", "if-"+lport, "--", "set", "interface", "if-"+lport, "type=dummy", "external_ids:iface-id="+lport)
}

// receive has the switch receive a frame from a port's machine, again and again until a row of the Southbound database is found, by
// ovn-sbctl's conditions.
func (g *guarded) receive(lport string, frame []byte, table string, conditions ...string) {
	g.t.Helper()
	g.until("a row of "+table, func() bool {
		g.sw.Appctl("netdev-dummy/receive", "if-"+lport, hex.EncodeToString(frame))
		return g.sbctl(append([]string{"--bare", "--columns=_uuid", "find", table}, conditions...)...) != ""
	})
}

// nothingRefused is in the status when the database has taken all that was to be written.
const nothingRefused = "refused rows:      none"

// TestRole: in the role ovn-controller, with a certificate whose CN is its name, a chassis writes every kind of row that it ever writes.
func TestRole(t *testing.T) {
	g := guard(t, "pssl:0:127.0.0.1")
	g.start(g.ca.issue("hv1"))
	g.await("status", ", registered")
	g.sbctl("chassis-add", "hv2", "geneve", "127.0.0.2")
	g.nbctl("set", "NB_Global", ".", "options:controller_event=true",
		"--", "ls-add", "sw0", "--", "lsp-add", "sw0", "lp1", "--", "lsp-set-addresses", "lp1", "02:00:00:00:01:11 10.0.1.11",
		"--", "lsp-add", "sw0", "lp2", "--", "lsp-set-addresses", "lp2", "unknown",
		"--", "lsp-add", "sw0", "lp3", "--", "lsp-set-options", "lp3", "requested-chassis=hv2,hv1",
		"--", "lsp-add", "sw0", "vip", "--", "lsp-set-type", "vip", "virtual", "--", "lsp-set-addresses", "vip", "02:00:00:00:01:50 10.0.1.50",
		"--", "lsp-set-options", "vip", "virtual-ip=10.0.1.50", "virtual-parents=lp1",
		"--", "lr-add", "lr0", "--", "lrp-add", "lr0", "lr0-sw0", "02:00:00:00:ff:01", "10.0.1.1/24", "--", "lsp-add", "sw0", "sw0-lr0",
		"--", "lsp-set-type", "sw0-lr0", "router", "--", "lsp-set-addresses", "sw0-lr0", "router", "--", "lsp-set-options", "sw0-lr0", "router-port=lr0-sw0",
		"--", "--event", "lb-add", "lb0", "10.0.1.9:80", "", "--", "ls-lb-add", "sw0", "lb0")
	for _, lport := range []string{"lp1", "lp2", "lp3"} {
		g.plug(lport)
	}
	g.nbctl("wait-until", "Logical_Switch_Port", "lp1", "up=true")
	g.nbctl("--wait=hv", "sync")
	hv1 := g.sbctl("--bare", "--columns=_uuid", "find", "Chassis", "name=hv1")
	g.sbctl("wait-until", "Port_Binding", "lp1", "chassis="+hv1)
	g.sbctl("wait-until", "Port_Binding", "lp3", "additional_chassis="+hv1)

	mac, router, broadcast := wire.MAC{2, 0, 0, 0, 1, 0x11}, wire.MAC{2, 0, 0, 0, 0xff, 1}, wire.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	ip, vip := netip.MustParseAddr("10.0.1.11"), netip.MustParseAddr("10.0.1.50")
	arp := func(op uint16, src, dst wire.MAC, spa, tpa netip.Addr) []byte {
		return wire.AppendARP(wire.AppendEthernet(nil, dst, src, wire.TypeARP), op, src, spa, dst, tpa)
	}
	g.receive("lp1", arp(wire.ARPReply, mac, router, ip, netip.MustParseAddr("10.0.1.1")), "MAC_Binding", "ip=10.0.1.11")
	stranger := wire.MAC{2, 0, 0, 0, 1, 0x22}
	g.receive("lp2", arp(wire.ARPRequest, stranger, broadcast, netip.MustParseAddr("10.0.1.22"), ip), "FDB", `mac="02:00:00:00:01:22"`)
	g.receive("lp1", arp(wire.ARPRequest, mac, broadcast, vip, vip), "Port_Binding", "logical_port=vip", "virtual_parent=lp1", "chassis="+hv1)
	syn := wire.AppendIPv4(wire.AppendEthernet(nil, router, mac, wire.TypeIPv4), ip, netip.MustParseAddr("10.0.1.9"), wire.ProtoTCP, 64, 20)
	syn = wire.AppendTCP(syn, netip.AddrPortFrom(ip, 1000), netip.MustParseAddrPort("10.0.1.9:80"), 1, 0, wire.TCPSyn)
	g.receive("lp1", syn, "Controller_Event", "chassis="+hv1)

	g.sw.Vsctl("set", "Open_vSwitch", ".", "external_ids:ovn-encap-ip=127.0.0.3", "external_ids:ovn-transport-zones=tz1", "external_ids:ovn-cms-options=one")
	g.sbctl("wait-until", "Chassis", "hv1", "transport_zones=tz1", "other_config:ovn-cms-options=one")
	g.sw.Vsctl("del-port", "if-lp1")
	g.sbctl("wait-until", "Port_Binding", "lp1", "chassis=[]")
	g.sw.Vsctl("del-port", "if-lp3")
	g.sbctl("wait-until", "Port_Binding", "lp3", "additional_chassis=[]")
	g.nbctl("--wait=hv", "sync")
	if s := g.ask("status"); !strings.Contains(s, nothingRefused) {
		t.Errorf("the role forbids something:\n%s", s)
	}

	// The host name in a row that is there is what no chassis may change in this role: the rest of the row is changed all the same.
	g.sw.Vsctl("set", "Open_vSwitch", ".", "external_ids:hostname=renamed", "external_ids:ovn-cms-options=two")
	g.await("status", "the new host name renamed of chassis hv1 is not written")
	g.await("status", "This role lets no chassis do that: do it on the central node with ovn-sbctl")
	g.sbctl("wait-until", "Chassis", "hv1", "other_config:ovn-cms-options=two")
	g.sbctl("set", "Chassis", "hv1", "hostname=renamed")
	g.await("status", nothingRefused)

	g.ask("exit")
	if err := <-g.done; err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"Chassis", "Chassis_Private"} {
		if got := g.sbctl("--bare", "--columns=name", "find", table, "name=hv1"); got != "" {
			t.Errorf("after the exit %s still has %s", table, got)
		}
	}
}

// TestRoleOfAnother: a chassis whose certificate has another's name is told what the role wants of it, writes nothing and goes on when that
// is put right.
func TestRoleOfAnother(t *testing.T) {
	g := guard(t, "pssl:0:127.0.0.1")
	g.sw.Vsctl("set", "Open_vSwitch", ".", "external_ids:ovn-cleanup-on-exit=false")
	g.start(g.ca.issue("hv2"))
	g.await("status", `the row of chassis hv1 is not written, the Southbound database refuses it: insert in Encap: permission error: RBAC rules for client "hv2"`)
	g.await("status", `that is "hv2": give it one with the CN hv1`)
	g.wantNoChassis()
	g.sw.Vsctl("set", "Open_vSwitch", ".", "external_ids:system-id=hv2")
	g.await("status", "hv2 (host host1), registered")
	g.await("status", nothingRefused)

	// No chassis may give its row another name.
	g.ask("exit")
	if err := <-g.done; err != nil {
		t.Fatal(err)
	}
	g.sw.Vsctl("set", "Open_vSwitch", ".", "external_ids:system-id=hv1")
	g.start(g.ca.issue("hv1"))
	g.await("status", "the row of chassis hv1 is not written")
	g.await("status", "This role lets no chassis do that: do it on the central node with ovn-sbctl, or remove the row there, which is then made anew.")
	g.sbctl("chassis-del", "hv2")
	g.await("status", "hv1 (host host1), registered")
	g.await("status", nothingRefused)
}

// TestRoleWithoutCertificate: a connection that has the role and no certificate may write nothing.
func TestRoleWithoutCertificate(t *testing.T) {
	g := guard(t, "ptcp:0:127.0.0.1")
	g.start(tlsconf.Options{})
	g.await("status", "the row of chassis hv1 is not written, the Southbound database refuses it: ")
	g.await("status", "The role needs a certificate: external_ids:ovn-remote must be ssl:..., and the CN of the chassis' certificate hv1.")
	g.wantNoChassis()
}

func (g *guarded) wantNoChassis() {
	g.t.Helper()
	if got := g.sbctl("--bare", "--columns=name", "list", "Chassis"); got != "" {
		g.t.Errorf("Chassis has %s", got)
	}
}
