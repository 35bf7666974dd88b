package admin_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/appliance/run"
	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/testkit/central"
	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
	"github.com/sluice-gw/sluice/internal/vlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait; a test that passes waits for nothing that long.
const patience = 60 * time.Second

// deployment is a chassis with its central: real databases, ovn-northd and
// ovs-vswitchd; ports are dummies, so no privileges are needed.
type deployment struct {
	*central.Node
	t      *testing.T
	sw     *vswitch.Switch
	socket string // of the controller
}

func deploy(t *testing.T) *deployment {
	t.Helper()
	capability.Need(t, "ovs", "ovn-appctl")
	d := &deployment{t: t, Node: central.Start(t), sw: vswitch.Start(t)}
	d.socket = filepath.Join(d.sw.RunDir, "ovn-controller.ctl")
	d.sw.Vsctl("set", "Open_vSwitch", ".", "external_ids:system-id=hv1", "external_ids:hostname=host1",
		"external_ids:ovn-remote="+d.SB.Remote, "external_ids:ovn-encap-type=geneve", "external_ids:ovn-encap-ip=127.0.0.1",
		"external_ids:ovn-bridge-datapath-type=dummy")
	return d
}

// daemon runs a C program until the test ends and returns its process id.
func (d *deployment) daemon(prog string, args ...string) (pid int) {
	d.t.Helper()
	cmd := exec.Command(prog, append(args, "-vconsole:off", "-vsyslog:off", "-vfile:off")...)
	cmd.Env = append(d.sw.Env(), "OVN_RUNDIR="+d.sw.RunDir)
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd.Process.Pid
}

// controller runs sluice's controller until it exits or the test ends.
func (d *deployment) controller() {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	rundir := d.sw.RunDir
	var log io.Writer = io.Discard
	if os.Getenv("SLUICE_TEST_LOG") != "" {
		log = os.Stderr
	}
	go func() {
		done <- run.Controller(ctx, run.Options{
			Dirs:     dirs.Dirs{OVSRun: rundir, OVNRun: rundir},
			Database: d.sw.DBSock, Log: vlog.New(vlog.Config{Program: "ovn-controller", Console: log}),
			Unixctl: d.socket, Version: "ovn-controller (sluice) test",
		}, func() error { close(ready); return nil })
	}()
	d.t.Cleanup(func() {
		cancel()
		<-done
	})
	select {
	case <-ready:
	case err := <-done:
		done <- err
		d.t.Fatal(err)
	}
}

// topology is a network in which every listing has something to show.
const topology = `
ls-add sw0
lsp-add sw0 lp1
lsp-set-addresses lp1 '02:00:00:00:01:11 10.0.1.11'
lsp-add sw0 lp2
lsp-set-addresses lp2 '02:00:00:00:01:12 10.0.1.12'
lsp-add sw0 local0
lsp-set-type local0 localport
lsp-add sw0 elsewhere
ls-add sw1
lsp-add sw1 c1 lp1 42
lsp-set-addresses c1 '02:00:00:00:02:42 10.0.2.42'
lr-add lr0
lrp-add lr0 lr0-sw0 02:00:00:00:ff:01 10.0.1.1/24
lrp-add lr0 lr0-sw1 02:00:00:00:ff:02 10.0.2.1/24
lsp-add sw0 sw0-lr0
lsp-set-type sw0-lr0 router
lsp-set-addresses sw0-lr0 router
lsp-set-options sw0-lr0 router-port=lr0-sw0
lsp-add sw1 sw1-lr0
lsp-set-type sw1-lr0 router
lsp-set-addresses sw1-lr0 router
lsp-set-options sw1-lr0 router-port=lr0-sw1
lb-add lb0 10.0.9.9:80 10.0.1.11:8080,10.0.1.12:8080 tcp
ls-lb-add sw0 lb0
meter-add m1 drop 100 pktps 10
--log --meter=m1 --severity=info acl-add sw0 to-lport 1000 'outport == "lp1" && udp.dst == 9' drop
create Chassis_Template_Var chassis=hv1 variables={vip=10.0.7.7}`

// wire gives the chassis the interfaces of topology, which appear as they are in
// the list: their numbers follow it.
func (d *deployment) wire() {
	d.t.Helper()
	args := []string{}
	for i, lport := range []string{"lp1", "lp2", "local0", "nobody"} {
		name := "if" + string(rune('1'+i))
		args = append(args, "--", "add-port", "br-int", name, "--", "set", "interface", name, "type=dummy",
			"external_ids:iface-id="+lport, "options:tx_pcap="+d.pcap(lport))
	}
	d.sw.Vsctl(args[1:]...)
}

// pcap is the file with what was sent to a logical port's machine.
func (d *deployment) pcap(lport string) string { return filepath.Join(d.sw.RunDir, lport+".pcap") }

// sync waits until the chassis has what the northbound database says.
func (d *deployment) sync() {
	d.t.Helper()
	d.NBCtl("--wait=hv sync")
}

// ask runs a command with ovn-appctl: what it prints, or the error text that the
// controller answered.
func (d *deployment) ask(args ...string) string {
	d.t.Helper()
	cmd := exec.Command("ovn-appctl", append([]string{"--timeout=60", "--target=" + d.socket}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		text, ok := strings.CutSuffix(stderr.String(), "ovn-appctl: "+d.socket+": server returned an error\n")
		if !ok {
			d.t.Fatalf("%s: %v: %s", cmd, err, &stderr)
		}
		return "error: " + text
	}
	return stdout.String()
}

// await runs f until it is true.
func (d *deployment) await(what string, f func() bool) {
	d.t.Helper()
	for start := time.Now(); !f(); {
		if time.Since(start) > patience {
			d.t.Fatalf("waited in vain for %s", what)
		}
	}
}
