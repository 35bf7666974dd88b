package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-gw/sluice/internal/pidfile"
	"github.com/sluice-gw/sluice/test/hil/scenario"
	"github.com/sluice-gw/sluice/test/hil/testbed"
	"github.com/sluice-gw/sluice/test/lab"
)

// TestTestbed plays scenarios on a deployment that is known by a testbed file only, and reached by nothing but its command lines: shells, and
// agents at the hosts. They come out as they do in TestScenarios. All is as before in the end.
func TestTestbed(t *testing.T) {
	need(t)
	l, err := lab.New(testContext, lab.Options{Controller: underTest(t)})
	if l != nil {
		t.Cleanup(func() {
			if t.Failed() {
				logTails(t, l)
			}
			if err := errors.Join(endControllers(l), l.Close()); err != nil {
				t.Errorf("remove the deployment: %v", err)
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	text, hosts := equip(t, l)
	file := filepath.Join(t.ArtifactDir(), "testbed.yaml")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	equipment, err := testbed.Parse(file, text)
	if err != nil {
		t.Fatal(err)
	}
	was := settings(t, l, hosts)

	// The configuration of somebody else is not touched.
	if _, err := l.Central.NB("ls-add", "precious"); err != nil {
		t.Fatal(err)
	}
	bed, err := testbed.Start(testContext, equipment)()
	if err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("a central node that is in use: %v", err)
	}
	if err := bed.Close(); err != nil {
		t.Error(err)
	}
	if _, err := l.Central.NB("ls-del", "precious"); err != nil {
		t.Error(err)
	}

	start := testbed.Start(testContext, equipment)
	player := scenario.NewPlayer(func() (scenario.Testbed, error) {
		bed, err := start()
		if err == nil {
			err = l.WarmUnderlay() // the tunnels are new ones, of another type
		}
		return bed, err
	})
	all, err := scenario.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if !slices.Contains([]string{"containers", "floating-ip", "gateway-failover", "l2", "restarts"}, s.Name) {
			continue
		}
		r := player.Play(s)
		t.Logf("%s: %s", s.Name, r.Took)
		for _, step := range r.Steps {
			t.Logf("%s %s %s", step.Text, step.Latency, step.Detail)
		}
		if s.Name == "gateway-failover" {
			if r.Lack == nil || len(r.Steps) > 0 || !strings.Contains(r.Lack.Error(), `c1 lacks a command for "dead"`) {
				t.Errorf("%s: %v", s.Name, r.Failure())
			}
			continue
		}
		switch err := r.Failure(); {
		case err == nil:
		case underTest(t).IsSluice() || r.Err != nil:
			t.Errorf("%s: %v", s.Name, err)
		default:
			t.Logf("comparison: %s: %v", s.Name, err)
		}
	}
	if err := player.Close(); err != nil {
		t.Error(err)
	}
	if now := settings(t, l, hosts); now != was {
		t.Errorf("there was\n%s\nand is now\n%s", was, now)
	}
}

// equip makes three chassis and some hosts, and describes them.
func equip(t *testing.T, l *lab.Lab) (file []byte, hosts []*lab.Host) {
	t.Helper()
	agent := filepath.Join(t.TempDir(), "agent")
	if out, err := exec.CommandContext(testContext, "go", "build", "-o", agent, "../probe/agent").CombinedOutput(); err != nil {
		t.Fatalf("build the agent: %v\n%s", err, out)
	}
	inside := func(n *lab.Netns) string { return "ip netns exec " + n.Name }
	done := func(h *lab.Host, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, h)
		return fmt.Sprintf("name: %s\n    agent: %s %s %s\n", h.Name, inside(h.Netns), agent, h.Interface())
	}
	var b, vms strings.Builder
	fmt.Fprintf(&b, "central:\n  shell: sh\n  ovn-nbctl: ovn-nbctl --db=%s\n  ovn-sbctl: ovn-sbctl --db=%s\nchassis:\n", l.Central.NBRemote(), l.Central.SBRemote())
	for _, name := range []string{"c1", "c2", "c3"} {
		if _, err := l.AddChassis(lab.ChassisSpec{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.WarmUnderlay(); err != nil { // makes the integration bridges, too
		t.Fatal(err)
	}
	var trunk string
	for i, ch := range l.Chassis() {
		name := ch.Name
		fmt.Fprintf(&b, "- name: %s\n  shell: %s sh\n  ovs-vsctl: ovs-vsctl --db=%s\n  encap: vxlan\n", name, inside(ch.Netns), ch.DatabaseRemote())
		fmt.Fprintf(&b, "  faults:\n%s", faults(l, ch))
		for k := range 3 - i { // c1 has most
			host := fmt.Sprintf("%s-%c", name, 'a'+k)
			fmt.Fprintf(&vms, "  - chassis: %s\n    device: %s\n    %s", name, host, done(ch.AddHost(lab.HostSpec{Name: host})))
			if i == 0 && k == 1 { // with a device that goes and comes back, as the userspace datapath needs it
				h := hosts[len(hosts)-1]
				fmt.Fprintf(&vms, "    faults:\n      device gone: ip link del %[1]s\n      device back: |\n        ip link add %[1]s type veth peer name eth0 netns %[2]s\n"+
					"        ip link set %[1]s up\n        nsenter --net=/run/netns/%[2]s ethtool -K eth0 tx off\n"+
					"        ovs-vsctl --db=%[3]s del-port %[1]s\n        ovs-vsctl --db=%[3]s add-port br-int %[1]s\n", host, h.Netns.Name, ch.DatabaseRemote())
			}
		}
		if i == 1 {
			tr, err := ch.AddTrunk("c2-tr", "")
			if err != nil {
				t.Fatal(err)
			}
			trunk = "trunks:\n- name: c2-tr\n  chassis: c2\n  device: c2-tr\n  hosts:\n"
			for _, vlan := range []int{0, 42, 43} {
				trunk += fmt.Sprintf("  - vlan: %d\n    %s", vlan, done(tr.AddHost(vlan, lab.HostSpec{Name: fmt.Sprintf("in%d", vlan)})))
			}
		}
	}
	none := []netip.Prefix{}
	fmt.Fprintf(&b, "hosts:\n%s%sphysical:\n  - %s", &vms, trunk, done(l.AddPhysicalHost("outside", none...)))
	fmt.Fprintf(&b, "  - vlan: 100\n    %s", done(l.Chassis()[2].AddAccessHost(100, lab.HostSpec{Name: "tagged", Addrs: none})))
	return []byte(b.String()), hosts
}

// faults are the commands for those of a chassis.
func faults(l *lab.Lab, ch *lab.Chassis) string {
	at := func(name string) string { return filepath.Join(ch.Dir, name) }
	pid := "$(cat " + at("ovn-controller.pid") + ")"
	env := fmt.Sprintf("OVS_RUNDIR=%[1]s OVS_LOGDIR=%[1]s OVN_RUNDIR=%[1]s OVN_LOGDIR=%[1]s", ch.Dir)
	start := fmt.Sprintf("%s %s --detach --pidfile=%s --log-file=%s -vconsole:off %s", env, ch.Controller(), at("ovn-controller.pid"), at("ovn-controller.log"), ch.DatabaseRemote())
	// In the deployment's record, so that it ends with that also when this program is killed.
	record := fmt.Sprintf("p=%s; echo process $p $(sed 's/.*) //' /proc/$p/stat | cut -d' ' -f20) %s/ovn-controller >>%s/record", pid, ch.Name, l.Dir)
	restart := fmt.Sprintf("ovs-appctl -t %s.%s.ctl exit --restart\nwhile test -e /proc/$old; do sleep 0.01; done", at("ovn-controller"), "$old")
	vswitchd := fmt.Sprintf("%s ovs-vswitchd --detach --pidfile --log-file -vconsole:off --disable-system %s", env, ch.DatabaseRemote())
	address := fmt.Sprintf("ip addr replace %s/24 dev br-phys; ip link set br-phys up", ch.TunnelIP)
	var b strings.Builder
	for _, x := range [][2]string{
		{"controller killed", "kill -9 " + pid},
		{"controller started", start + "\n" + record},
		{"controller restarted", "old=" + pid + "\n" + restart + "\n" + start + "\n" + record},
		{"controller halted", "kill -STOP " + pid},
		{"controller continued", "kill -CONT " + pid},
		{"switch restarted", "kill -9 $(cat " + at("ovs-vswitchd.pid") + ")\n" + vswitchd + "\n" + strings.NewReplacer(pid, "$(cat "+at("ovs-vswitchd.pid")+")", "/ovn-controller ", "/ovs-vswitchd ").Replace(record) + "\n" + address},
		{"news of devices overflow", "ip link add noise type veth peer name noise-peer\nfor i in $(seq 250); do echo link set noise mtu 1400; echo link set noise mtu 1401; done | ip -batch -\nip link del noise"},
	} {
		fmt.Fprintf(&b, "    %s: |\n", x[0])
		for line := range strings.Lines(x[1] + "\n") {
			fmt.Fprintf(&b, "      %s", line)
		}
	}
	return b.String()
}

// endControllers ends what the commands of the file have started.
func endControllers(l *lab.Lab) error {
	var errs []error
	for _, ch := range l.Chassis() {
		for _, name := range []string{"ovn-controller.pid", "ovs-vswitchd.pid"} {
			pid, err := pidfile.Read(filepath.Join(ch.Dir, name))
			if err != nil {
				continue // it has ended
			}
			if pid == ch.ControllerProcess().Pid() || pid == ch.Switch().Pid() {
				continue // the deployment ends it
			}
			errs = append(errs, syscall.Kill(pid, syscall.SIGTERM), lab.Until(testContext, l.Timeout(), "the end of "+name, func() error {
				if syscall.Kill(pid, 0) == nil {
					return fmt.Errorf("process %d still runs", pid)
				}
				return nil
			}))
		}
	}
	return errors.Join(errs...)
}

// settings are what scenarios change of the equipment.
func settings(t *testing.T, l *lab.Lab, hosts []*lab.Host) string {
	t.Helper()
	var b strings.Builder
	for _, ch := range l.Chassis() {
		for _, args := range [][]string{{"get", "Open_vSwitch", ".", "external_ids:ovn-encap-type"}, {"--columns=name,external_ids", "find", "Interface", "external_ids:iface-id!=none"}} {
			out, err := ch.Vsctl(args...)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s: %s\n", ch.Name, out)
		}
	}
	for _, h := range hosts {
		out, err := exec.CommandContext(testContext, "ip", "-o", "-n", h.Netns.Name, "addr").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		fmt.Fprintf(&b, "%s: %s", h.Name, out)
	}
	configured, err := l.Central.OVN().Configured()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "configured: %t\n", configured)
	return b.String()
}
