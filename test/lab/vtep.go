package lab

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// What a hardware VTEP switch is made of, of Debian's package openvswitch-vtep.
const (
	vtepSchema   = "/usr/share/openvswitch/vtep.ovsschema"
	vtepEmulator = "/usr/share/openvswitch/scripts/ovs-vtep"
)

// ReferenceVTEPController is Debian's ovn-controller-vtep, which "sluice vtep" replaces and is compared with.
const ReferenceVTEPController = "/usr/bin/ovn-controller-vtep"

// MissingVTEP lists what this machine lacks for AddVTEP, besides what Missing lists.
func MissingVTEP() []capability.Missing {
	return capability.Absent("ovs", "vtep-ctl", vtepEmulator, vtepSchema)
}

// VTEP is a hardware VTEP switch as Open vSwitch emulates it (ovs-vtep(8)): a namespace with a database server, ovs-vswitchd and the emulator,
// and the program that manages the switch for OVN. Its tagged physical port leads to an access switch, which has the hosts.
type VTEP struct {
	// Name is its name in the hardware_vtep schema.
	Name string
	// OVS is what it runs on; no ovn-controller drives it.
	OVS *Chassis

	lab                      *Lab
	program                  Controller
	server                   Controller // zero: ovs-vtep
	db, emulator, controller *Process
}

// VTEPPort is the name of the switch's physical port.
const VTEPPort = "swp1"

// accessBridge is the switch between the physical port, where frames are tagged, and the hosts, where they are not.
const accessBridge = "br-access"

// ParseVTEPController is ParseController for a program that manages hardware VTEPs; sluice is called with the word "vtep".
func ParseVTEPController(program string) (Controller, error) { return parseController(program, "vtep") }

// AddVTEP starts a switch on the underlay, with the program that manages it. A deployment has room for 50 of them.
func (l *Lab) AddVTEP(name string, program Controller) (*VTEP, error) {
	v := l.newVTEP(name, program)
	for _, step := range []func() error{v.OVS.wire, v.createDatabase, v.StartDatabase, v.OVS.startSwitch, v.configure, v.startEmulator, v.StartController} {
		if err := step(); err != nil {
			return v, fmt.Errorf("VTEP %s: %w", name, err)
		}
	}
	return v, nil
}

func (v *VTEP) createDatabase() error {
	return command("ovsdb-tool", "create", filepath.Join(v.OVS.Dir, "vtep.db"), vtepSchema)
}

// StartDatabase starts the server of the switch's database on the database file.
func (v *VTEP) StartDatabase() (err error) {
	v.db, err = v.lab.startDatabase(v.Name+"/vtep", v.OVS.Dir, "vtep", v.OVS.Netns)
	return err
}

// Database is the process of that server.
func (v *VTEP) Database() *Process { return v.db }

// DatabaseRemote is the address of the switch's database.
func (v *VTEP) DatabaseRemote() string { return "unix:" + filepath.Join(v.OVS.Dir, "vtep.sock") }

// configure makes the bridges and the switch's row in its database.
func (v *VTEP) configure() error {
	if err := v.bridges(); err != nil {
		return err
	}
	_, err := v.Ctl("add-ps", v.Name, "--", "set", "Physical_Switch", v.Name, "tunnel_ips="+v.OVS.TunnelIP.String(), "--", "add-port", v.Name, VTEPPort)
	return err
}

// bridges makes the bridge that is taken for the switch, and the access switch.
func (v *VTEP) bridges() error {
	args := v.ownBridges()
	if bridge := v.lab.opts.Datapath.tunnelBridge(); bridge != "" {
		args = append(append(args, v.OVS.addBridge(bridge)...), "--", "add-port", bridge, underlayInterface)
	}
	if _, err := v.OVS.Vsctl(args...); err != nil {
		return err
	}
	return v.OVS.addTunnelAddress()
}

// ownBridges is the part of an ovs-vsctl command line that makes what a chassis does not have.
func (v *VTEP) ownBridges() []string {
	args := append(v.OVS.addBridge(v.Name), v.OVS.addBridge(accessBridge)...)
	for _, end := range [][3]string{{v.Name, VTEPPort, "uplink"}, {accessBridge, "uplink", VTEPPort}} {
		args = append(args, "--", "add-port", end[0], end[1], "--", "set", "interface", end[1], "type=patch", "options:peer="+end[2])
	}
	return args
}

// startEmulator starts ovs-vtep. It looks for both databases at one server, so it gets a vtep-ctl that knows the address of the other.
func (v *VTEP) startEmulator() error {
	program, err := exec.LookPath("vtep-ctl")
	if err != nil {
		return err
	}
	bin := filepath.Join(v.OVS.Dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	script := fmt.Sprintf("#!/bin/sh\nexec %s --db=%s \"$@\"\n", program, v.DatabaseRemote())
	if err := os.WriteFile(filepath.Join(bin, "vtep-ctl"), []byte(script), 0o755); err != nil {
		return err
	}
	v.emulator, err = v.lab.start(v.Name+"/ovs-vtep", v.OVS.Netns, v.OVS.Dir, append(runtimeEnv(v.OVS.Dir), "PATH="+bin+":"+os.Getenv("PATH")),
		vtepEmulator, "-vconsole:off", "--log-file="+filepath.Join(v.OVS.Dir, "ovs-vtep.log"), v.Name)
	return err
}

// Emulator is the process of ovs-vtep, or of the program that is the switch in its place. Of ovs-vtep: once it is killed frames go on as they did, and nobody reads the database. It takes a database that does
// not answer for an empty one, and removes its bridges when it starts.
func (v *VTEP) Emulator() *Process { return v.emulator }

// StartController starts the program that manages the switch and returns when it answers on its control socket. A switch with the zero Controller is managed by
// hand.
func (v *VTEP) StartController() (err error) {
	if v.program.Path() == "" {
		return nil
	}
	argv := append(append([]string{}, v.program.argv...), "--log-file="+filepath.Join(v.OVS.Dir, "ovn-controller-vtep.log"), "-vconsole:off",
		"--vtep-db="+v.DatabaseRemote(), "--ovnsb-db="+v.lab.Central.SBRemote())
	v.controller, err = v.lab.start(v.Name+"/ovn-controller-vtep", nil, v.OVS.Dir, runtimeEnv(v.OVS.Dir), argv...)
	if err != nil {
		return err
	}
	return Until(v.lab.ctx, v.lab.startTimeout(), fmt.Sprintf("%s of %s to answer", v.program, v.Name), func() error {
		if err := v.controller.Alive(); err != nil {
			return err
		}
		_, err := v.ControllerCtl("version")
		return err
	})
}

// ReplaceController kills the program that manages the switch, if it runs, and starts another one. Controller is the first one still.
func (v *VTEP) ReplaceController(program Controller) error {
	v.controller.Kill()
	was := v.program
	v.program = program
	err := v.StartController()
	v.program = was
	return err
}

// Controller is the program that manages the switch.
func (v *VTEP) Controller() Controller { return v.program }

// ControllerProcess is the running program that manages the switch, or the last one that ran.
func (v *VTEP) ControllerProcess() *Process { return v.controller }

// ControllerCtl is "ovn-appctl -t ovn-controller-vtep".
func (v *VTEP) ControllerCtl(args ...string) (string, error) {
	socket := filepath.Join(v.OVS.Dir, "ovn-controller-vtep."+strconv.Itoa(v.controller.Pid())+".ctl")
	return v.OVS.Appctl(append([]string{"-t", socket}, args...)...)
}

// ExitController ends the program that manages the switch by its command "exit". It fails when the program has to be killed.
func (v *VTEP) ExitController() error {
	if _, err := v.ControllerCtl("exit"); err != nil {
		return err
	}
	if grace := v.lab.startTimeout(); !v.controller.WaitOrKill(grace) {
		return fmt.Errorf("%s of %s did not end within %s of \"exit\"; killed it", v.program, v.Name, grace)
	}
	return nil
}

// Ctl runs vtep-ctl on the switch's database.
func (v *VTEP) Ctl(args ...string) (string, error) {
	return output(v.lab.ctx, runtimeEnv(v.OVS.Dir), append([]string{"vtep-ctl", "--no-syslog", timeoutOption(v.lab.startTimeout()), "--db=" + v.DatabaseRemote()}, args...)...)
}

// RemoteMACs are where the switch is told that stations of a logical switch are: tunnel addresses by MAC address.
func (v *VTEP) RemoteMACs(logicalSwitch string) (map[string]netip.Addr, error) {
	text, err := v.Ctl("list-remote-macs", logicalSwitch)
	if err != nil {
		return nil, err
	}
	macs := map[string]netip.Addr{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line) // MAC -> ENCAP/ADDRESS, under titles
		if len(words) != 3 || words[0] == "unknown-dst" {
			continue
		}
		_, address, _ := strings.Cut(words[2], "/")
		if macs[words[0]], err = netip.ParseAddr(address); err != nil {
			return nil, fmt.Errorf("vtep-ctl list-remote-macs says %q: %w", line, err)
		}
	}
	return macs, nil
}

// AddHost starts a host behind the switch, whose frames are in the VLAN at the switch's physical port.
func (v *VTEP) AddHost(vlan int, spec HostSpec) (*Host, error) {
	h, err := v.OVS.addHost(spec, accessBridge)
	if err != nil {
		return nil, err
	}
	_, err = v.OVS.Vsctl("set", "port", spec.Name, "tag="+strconv.Itoa(vlan))
	return h, err
}
