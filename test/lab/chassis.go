package lab

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// ChassisSpec describes a hypervisor or gateway.
type ChassisSpec struct {
	// Name is its system-id and host name.
	Name string
	// Controller overrides the deployment's when its program is set.
	Controller *Controller
	// Encap overrides the deployment's tunnel type when it is not empty.
	Encap string
	// SystemID and TunnelIP, when set, are claimed instead of its name and its own address: for chassis that pretend to be another.
	SystemID string
	TunnelIP netip.Addr
	// Stopped leaves the controller for StartController.
	Stopped bool
}

// Chassis is a hypervisor or gateway: a namespace with a database server, a switch and a controller of its own.
type Chassis struct {
	// Name is its system-id.
	Name string
	// Dir holds db.sock, br-int.mgmt, pid files and logs; it is OVS_RUNDIR and OVN_RUNDIR of the chassis.
	Dir string
	// Netns is where its switch and interfaces are.
	Netns *Netns
	// TunnelIP is its ovn-encap-ip.
	TunnelIP netip.Addr

	lab                      *Lab
	program                  Controller
	db, vswitchd, controller *Process
}

// PhysicalNetwork is the network name that every chassis maps to its bridge br-ex.
const PhysicalNetwork = "physnet1"

// AddChassis starts a chassis, wired to the underlay and the physical network, with its controller running.
func (l *Lab) AddChassis(spec ChassisSpec) (*Chassis, error) {
	ch := &Chassis{Name: spec.Name, Dir: filepath.Join(l.Dir, spec.Name), lab: l, program: l.opts.Controller}
	if spec.Controller != nil {
		ch.program = *spec.Controller
	}
	encap := l.opts.Encap
	if spec.Encap != "" {
		encap = spec.Encap
	}
	l.mu.Lock()
	l.chassis = append(l.chassis, ch)
	ch.TunnelIP = netip.AddrFrom4([4]byte{192, 168, 50, byte(len(l.chassis))})
	l.mu.Unlock()
	for _, step := range []func() error{ch.wire, ch.startSwitch, func() error { return ch.configure(spec, encap) }} {
		if err := step(); err != nil {
			return ch, fmt.Errorf("chassis %s: %w", ch.Name, err)
		}
	}
	if spec.Stopped {
		return ch, nil
	}
	return ch, ch.StartController()
}

// The chassis' interfaces to the underlay and to the physical network.
const underlayInterface, physicalInterface = "eth0", "ext0"

// wire makes the namespace with its underlay interface eth0 and its physical interface ext0.
func (ch *Chassis) wire() (err error) {
	if err := os.Mkdir(ch.Dir, 0o755); err != nil {
		return err
	}
	if ch.Netns, err = ch.lab.AddNetns(ch.Name); err != nil {
		return err
	}
	// The host's own neighbour discovery would only be noise on the underlay.
	if err := ch.Netns.setSysctl("net/ipv6/conf/all/disable_ipv6", "1"); err != nil {
		return err
	}
	if err := veth(ch.Netns, underlayInterface, ch.lab.Underlay, "u-"+ch.Name); err != nil {
		return err
	}
	if err := enslave(ch.lab.Underlay, "u-"+ch.Name, "br-ul"); err != nil {
		return err
	}
	return ch.lab.wirePhysical(ch.Netns, physicalInterface, "x-"+ch.Name)
}

// startSwitch starts the database server and ovs-vswitchd on an empty configuration.
func (ch *Chassis) startSwitch() error {
	if err := command("ovsdb-tool", "create", filepath.Join(ch.Dir, "db.db"), vswitchSchema); err != nil {
		return err
	}
	if err := ch.StartDatabase(); err != nil {
		return err
	}
	args := []string{"--no-wait", "init"}
	for _, x := range ch.lab.opts.SwitchConfig {
		args = append(args, "--", "set", "Open_vSwitch", ".", "other_config:"+x)
	}
	if _, err := ch.Vsctl(args...); err != nil {
		return err
	}
	return ch.StartSwitch()
}

// configure makes the host's bridges and writes what ovn-controller(8) reads.
func (ch *Chassis) configure(spec ChassisSpec, encap string) error {
	id, endpoint := ch.Name, ch.TunnelIP
	if spec.SystemID != "" {
		id = spec.SystemID
	}
	if spec.TunnelIP.IsValid() {
		endpoint = spec.TunnelIP
	}
	args := append(ch.addBridge("br-ex"), "--", "add-port", "br-ex", physicalInterface)
	if bridge := ch.lab.opts.Datapath.tunnelBridge(); bridge != "" {
		args = append(append(args, ch.addBridge(bridge)...), "--", "add-port", bridge, underlayInterface)
	}
	if mode := ch.lab.opts.Offload; mode != "" {
		args = append(args, "--", "set", "Open_vSwitch", ".", "external-ids:sluice-offload="+mode)
	}
	if _, err := ch.Vsctl(append(args,
		"--", "set", "Open_vSwitch", ".", "external-ids:system-id="+id, "external-ids:hostname="+ch.Name,
		"external-ids:ovn-remote="+ch.lab.Central.SBRemote(),
		"external-ids:ovn-encap-type="+encap, "external-ids:ovn-encap-ip="+endpoint.String(),
		"external-ids:ovn-bridge-datapath-type="+string(ch.lab.opts.Datapath),
		"external-ids:ovn-bridge-mappings="+PhysicalNetwork+":br-ex")...); err != nil {
		return err
	}
	return ch.addTunnelAddress()
}

// addBridge is the part of an ovs-vsctl command line that adds a bridge of the deployment's datapath.
func (ch *Chassis) addBridge(name string) []string {
	return []string{"--", "add-br", name, "--", "set", "bridge", name, "datapath_type=" + string(ch.lab.opts.Datapath)}
}

// addTunnelAddress puts the tunnel address where the datapath needs it: on the underlay's interface, or on the bridge that has it as a
// port, whose own interface is made anew by each ovs-vswitchd.
func (ch *Chassis) addTunnelAddress() error {
	device := underlayInterface
	if bridge := ch.lab.opts.Datapath.tunnelBridge(); bridge != "" {
		device = bridge
	}
	if err := command("ip", "-n", ch.Netns.Name, "addr", "replace", ch.TunnelIP.String()+"/24", "dev", device); err != nil {
		return err
	}
	return ch.Netns.setUp(device)
}

// StartDatabase starts the chassis' ovsdb-server on its database file.
func (ch *Chassis) StartDatabase() (err error) {
	ch.db, err = ch.lab.startDatabase(ch.Name+"/ovsdb-server", ch.Dir, "db", ch.Netns)
	return err
}

// StartSwitch starts ovs-vswitchd.
func (ch *Chassis) StartSwitch() (err error) {
	argv := append([]string{"ovs-vswitchd", "--pidfile", "--log-file", "-vconsole:off"}, ch.lab.opts.Datapath.switchOptions()...)
	ch.vswitchd, err = ch.lab.start(ch.Name+"/ovs-vswitchd", ch.Netns, ch.Dir, runtimeEnv(ch.Dir), append(argv, ch.DatabaseRemote())...)
	return err
}

// RestartSwitch ends ovs-vswitchd, or kills it, starts it again and restores the host's tunnel address.
func (ch *Chassis) RestartSwitch(kill bool) error {
	if kill {
		ch.vswitchd.Kill()
	} else {
		ch.vswitchd.Terminate(5 * time.Second)
	}
	if err := ch.StartSwitch(); err != nil {
		return err
	}
	return Until(ch.lab.ctx, ch.lab.startTimeout(), "the tunnel address of "+ch.Name, ch.addTunnelAddress)
}

// DatabaseRemote is the address of the chassis' Open_vSwitch database.
func (ch *Chassis) DatabaseRemote() string { return "unix:" + filepath.Join(ch.Dir, "db.sock") }

// Database is the process of the chassis' ovsdb-server.
func (ch *Chassis) Database() *Process { return ch.db }

// Switch is the process of ovs-vswitchd.
func (ch *Chassis) Switch() *Process { return ch.vswitchd }

// Vsctl runs ovs-vsctl on the chassis. It waits for ovs-vswitchd to apply the change, unless told not to.
func (ch *Chassis) Vsctl(args ...string) (string, error) {
	return output(ch.lab.ctx, runtimeEnv(ch.Dir), append([]string{"ovs-vsctl", timeoutOption(ch.lab.startTimeout()), "--db=" + ch.DatabaseRemote()}, args...)...)
}

// Appctl runs ovs-appctl on the chassis, by default against ovs-vswitchd.
func (ch *Chassis) Appctl(args ...string) (string, error) {
	return output(ch.lab.ctx, runtimeEnv(ch.Dir), append([]string{"ovs-appctl", timeoutOption(ch.lab.startTimeout())}, args...)...)
}

// Ofctl runs ovs-ofctl on the chassis with OpenFlow 1.5.
func (ch *Chassis) Ofctl(args ...string) (string, error) {
	return output(ch.lab.ctx, runtimeEnv(ch.Dir), append([]string{"ovs-ofctl", "-OOpenFlow15"}, args...)...)
}
