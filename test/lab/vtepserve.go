package lab

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// ParseVTEPServer is ParseController for a program that is a hardware VTEP switch; sluice is called with the words "vtep serve".
func ParseVTEPServer(program string) (Controller, error) {
	c, err := parseController(program, "vtep")
	c.argv = append(c.argv, "serve")
	return c, err
}

// AddServedVTEP is AddVTEP with a switch that server runs, database and all, in place of ovs-vtep.
func (l *Lab) AddServedVTEP(name string, server, program Controller) (*VTEP, error) {
	v := l.newVTEP(name, program)
	v.server = server
	for _, step := range []func() error{v.OVS.wire, v.OVS.startSwitch, v.bridges, v.StartServer, v.StartController} {
		if err := step(); err != nil {
			return v, fmt.Errorf("VTEP %s: %w", name, err)
		}
	}
	return v, nil
}

// AddServedVTEPOn is AddServedVTEP on the Open vSwitch of a chassis, beside its controller, with a tunnel address of its own.
func (l *Lab) AddServedVTEPOn(ch *Chassis, name string, server, program Controller) (*VTEP, error) {
	v := l.newVTEP(name, program)
	v.server = server
	on := *ch
	on.TunnelIP = v.OVS.TunnelIP
	v.OVS = &on
	bridges := func() error {
		// The kernel would answer ARP for an address of one device at all of them, and so at a port of the switch that has it, which takes no tunnels' packets.
		err := on.Netns.setSysctl("net/ipv4/conf/all/arp_ignore", "1")
		if err == nil {
			_, err = on.Vsctl(v.ownBridges()...)
		}
		return err
	}
	for _, step := range []func() error{bridges, on.addTunnelAddress, v.StartServer, v.StartController} {
		if err := step(); err != nil {
			return v, fmt.Errorf("VTEP %s on %s: %w", name, ch.Name, err)
		}
	}
	return v, nil
}

// StartServer starts the program that is the switch, and returns when the switch is in its database with its port.
func (v *VTEP) StartServer() (err error) {
	argv := append(append([]string{}, v.server.argv...), "--pidfile="+filepath.Join(v.OVS.Dir, "sluice-vtep.pid"),
		"--log-file="+filepath.Join(v.OVS.Dir, "sluice-vtep.log"), "-vconsole:off", "--overwrite-pidfile", "--tunnel-ip="+v.OVS.TunnelIP.String(), v.Name)
	if v.emulator, err = v.lab.start(v.Name+"/sluice-vtep", v.OVS.Netns, v.OVS.Dir, runtimeEnv(v.OVS.Dir), argv...); err != nil {
		return err
	}
	return Until(v.lab.ctx, v.lab.startTimeout(), fmt.Sprintf("%s to have switch %s", v.server, v.Name), func() error {
		if err := v.emulator.Alive(); err != nil {
			return err
		}
		ports, err := v.Ctl("list-ports", v.Name)
		if err == nil && !slices.Contains(strings.Fields(ports), VTEPPort) {
			err = fmt.Errorf("its ports are %q, without %q", ports, VTEPPort)
		}
		return err
	})
}

// ReplaceServer starts another program as the switch, in place of one that has ended, from now on.
func (v *VTEP) ReplaceServer(server Controller) error {
	v.server = server
	return v.StartServer()
}

// ServerCtl is "ovn-appctl -t sluice-vtep".
func (v *VTEP) ServerCtl(args ...string) (string, error) {
	return v.OVS.Appctl(append([]string{"-t", v.ServerSocket()}, args...)...)
}

// ServerSocket is the control socket of the program that is the switch.
func (v *VTEP) ServerSocket() string {
	return filepath.Join(v.OVS.Dir, "sluice-vtep."+strconv.Itoa(v.emulator.Pid())+".ctl")
}

// KillDatabase kills the database server that the program which is the switch has started. That starts another.
func (v *VTEP) KillDatabase() error {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", v.emulator.Pid()))
	if err != nil {
		return err
	}
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, word := range strings.Fields(string(b)) {
			name, err := os.ReadFile("/proc/" + word + "/comm")
			if err != nil || strings.TrimSpace(string(name)) != "ovsdb-server" {
				continue
			}
			pid, err := strconv.Atoi(word)
			if err != nil {
				return err
			}
			return syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return fmt.Errorf("process %d has no child ovsdb-server", v.emulator.Pid())
}

// newVTEP is a switch of which nothing exists yet.
func (l *Lab) newVTEP(name string, program Controller) *VTEP {
	v := &VTEP{Name: name, lab: l, program: program}
	v.OVS = &Chassis{Name: name, Dir: filepath.Join(l.Dir, name), lab: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.vteps++
	v.OVS.TunnelIP = netip.AddrFrom4([4]byte{192, 168, 50, byte(200 + l.vteps)}) // chassis count from 1
	return v
}
