// Package vswitch runs a private Open vSwitch (ovsdb-server and ovs-vswitchd)
// for a test: real programs in a directory of their own, without the kernel
// datapath, without privileges, killed when the test ends.
//
// It is for the tests of every layer and imports nothing of this module but capability.
package vswitch

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// Switch is a running Open vSwitch. Its methods fail the test on errors.
type Switch struct {
	RunDir string // OVS_RUNDIR: sockets, pid files, logs
	DBSock string // "unix:..." of the Open_vSwitch database

	t        testing.TB
	env      []string
	ovsdb    *exec.Cmd
	vswitchd *exec.Cmd
}

const schema = "/usr/share/openvswitch/vswitch.ovsschema"

// Start runs ovsdb-server and ovs-vswitchd and stops them with the test. It
// skips the test, counted, when Open vSwitch is not installed.
func Start(t testing.TB) *Switch {
	t.Helper()
	s := StartDB(t)
	s.StartVswitchd()
	return s
}

// StartDB is Start without ovs-vswitchd.
func StartDB(t testing.TB) *Switch {
	t.Helper()
	capability.Need(t, "ovs", "ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", schema)
	// Not t.TempDir: a unix socket path has 107 bytes at most.
	dir, err := os.MkdirTemp("", "vsw")
	if err != nil {
		t.Fatal(err)
	}
	s := &Switch{RunDir: dir, DBSock: "unix:" + filepath.Join(dir, "db.sock"), t: t}
	for _, v := range [...]string{"OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"} {
		s.env = append(s.env, v+"="+dir)
	}
	t.Cleanup(s.stop)
	s.run("ovsdb-tool", "create", filepath.Join(dir, "conf.db"), schema)
	s.StartDBServer()
	s.Vsctl("--no-wait", "init")
	return s
}

// Env is the environment in which Open vSwitch's tools find this switch.
func (s *Switch) Env() []string { return append(os.Environ(), s.env...) }

// StartDBServer starts ovsdb-server again after KillDBServer.
func (s *Switch) StartDBServer() {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.RunDir, "db.sock")); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	s.ovsdb = s.daemon("ovsdb-server", filepath.Join(s.RunDir, "conf.db"), "--remote=p"+s.DBSock)
	s.awaitSocket("db.sock") // ovs-vsctl --retry would wait a second for it
}

// awaitSocket waits until a program listens on a socket.
func (s *Switch) awaitSocket(name string) {
	s.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-tick.C {
		if c, err := net.Dial("unix", filepath.Join(s.RunDir, name)); err == nil {
			c.Close() //nolint:errcheck // nothing was sent
			return
		}
	}
	s.t.Fatalf("nobody listens on %s", name)
}

// KillDBServer ends ovsdb-server with SIGKILL and waits for its end.
func (s *Switch) KillDBServer() { kill(s.ovsdb) }

// StartVswitchd starts ovs-vswitchd again after KillVswitchd. AddBridge and
// WaitVswitchd wait until it has read its configuration.
func (s *Switch) StartVswitchd() {
	s.t.Helper()
	s.vswitchd = s.daemon("ovs-vswitchd", s.DBSock, "--disable-system", "--enable-dummy")
}

// KillVswitchd ends ovs-vswitchd with SIGKILL and waits for its end.
func (s *Switch) KillVswitchd() { kill(s.vswitchd) }

// WaitVswitchd waits until ovs-vswitchd has applied the database's configuration.
func (s *Switch) WaitVswitchd() {
	s.t.Helper()
	// next_cfg makes ovs-vsctl wait for cur_cfg.
	s.Vsctl("set", "Open_vSwitch", ".", "external-ids:waited=yes")
}

// AddBridge adds a bridge with the userspace dummy datapath: its ports need no
// device. It returns the address of the bridge's OpenFlow management socket.
func (s *Switch) AddBridge(name string) string {
	s.t.Helper()
	s.Vsctl("--may-exist", "add-br", name, "--", "set", "bridge", name,
		"datapath_type=dummy", "fail_mode=secure", "protocols=OpenFlow10,OpenFlow13,OpenFlow15")
	return s.Mgmt(name)
}

// AddPort adds a dummy port with the given OpenFlow port number.
func (s *Switch) AddPort(bridge, name, ofport string) {
	s.t.Helper()
	s.Vsctl("add-port", bridge, name, "--", "set", "interface", name, "type=dummy", "ofport_request="+ofport)
}

// ForgetBundles makes ovs-vswitchd forget an OpenFlow bundle to which nothing is added for a second, instead of ten.
func (s *Switch) ForgetBundles() {
	s.t.Helper()
	s.Vsctl("set", "Open_vSwitch", ".", "other_config:bundle-idle-timeout=1")
	s.Appctl("vlog/set", "vconn:file:dbg") // for AwaitForgottenBundle
}

// AwaitForgottenBundle waits until ovs-vswitchd has told a controller that it forgot its bundle.
func (s *Switch) AwaitForgottenBundle() {
	s.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); <-tick.C {
		if log, err := os.ReadFile(filepath.Join(s.RunDir, "ovs-vswitchd.log")); err == nil && bytes.Contains(log, []byte("OFPBFC_TIMEOUT")) {
			return
		}
	}
	s.t.Fatal("no bundle was forgotten")
}

// Mgmt is the path of the OpenFlow management socket of a bridge.
func (s *Switch) Mgmt(bridge string) string { return filepath.Join(s.RunDir, bridge+".mgmt") }

// Vsctl runs ovs-vsctl and returns what it prints.
func (s *Switch) Vsctl(args ...string) string {
	s.t.Helper()
	return s.run("ovs-vsctl", append([]string{"--retry", "--timeout=20", "--db=" + s.DBSock}, args...)...)
}

// Ofctl runs ovs-ofctl -O OpenFlow15 and returns what it prints.
func (s *Switch) Ofctl(args ...string) string {
	s.t.Helper()
	return s.run("ovs-ofctl", append([]string{"-O", "OpenFlow15", "--timeout=20"}, args...)...)
}

// Appctl runs ovs-appctl on ovs-vswitchd and returns what it prints.
func (s *Switch) Appctl(args ...string) string {
	s.t.Helper()
	return s.run("ovs-appctl", append([]string{"--timeout=20", "--target=" + filepath.Join(s.RunDir, "ovs-vswitchd.ctl")}, args...)...)
}

func (s *Switch) run(prog string, args ...string) string {
	s.t.Helper()
	cmd := exec.Command(prog, args...)
	cmd.Env = s.Env()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

// daemon starts a program in the foreground of a process of its own.
func (s *Switch) daemon(prog string, args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(prog, append(args, "--no-chdir", "-vconsole:off",
		"--log-file="+filepath.Join(s.RunDir, prog+".log"),
		"--unixctl="+filepath.Join(s.RunDir, prog+".ctl"))...)
	cmd.Env = s.Env()
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("%s: %v", prog, err)
	}
	return cmd
}

func kill(cmd *exec.Cmd) {
	if cmd == nil || cmd.ProcessState != nil {
		return
	}
	cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
	cmd.Wait()         //nolint:errcheck // the state does not matter
}

func (s *Switch) stop() {
	kill(s.vswitchd)
	kill(s.ovsdb)
	if s.t.Failed() {
		for _, prog := range [...]string{"ovs-vswitchd", "ovsdb-server"} {
			if b, err := os.ReadFile(filepath.Join(s.RunDir, prog+".log")); err == nil {
				s.t.Logf("%s.log, its end:\n%s", prog, b[max(0, len(b)-4000):])
			}
		}
	}
	os.RemoveAll(s.RunDir) //nolint:errcheck // only a temporary directory
}
