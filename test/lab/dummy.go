package lab

import (
	"os"
	"path/filepath"
	"time"
)

// AddDummyChassis starts a chassis for measuring a controller without packets: its switch has OVS's dummy datapath, which needs no
// namespace, and one dummy interface for each of the logical ports. It has the given system-id; name must be new, so that a chassis can
// be started afresh under the same identity. Its controller is left for StartController.
func (l *Lab) AddDummyChassis(name, systemID string, ports []string) (*Chassis, error) {
	ch := &Chassis{Name: systemID, Dir: filepath.Join(l.Dir, name), lab: l, program: l.opts.Controller}
	if err := os.Mkdir(ch.Dir, 0o755); err != nil {
		return nil, err
	}
	if err := command("ovsdb-tool", "create", filepath.Join(ch.Dir, "db.db"), vswitchSchema); err != nil {
		return nil, err
	}
	if err := ch.StartDatabase(); err != nil {
		return nil, err
	}
	if _, err := ch.Vsctl("--no-wait", "init"); err != nil {
		return nil, err
	}
	var err error
	ch.vswitchd, err = l.start(name+"/ovs-vswitchd", nil, ch.Dir, runtimeEnv(ch.Dir),
		"ovs-vswitchd", "--enable-dummy=override", "--disable-system", "--pidfile", "--log-file", "-vconsole:off", "-vvconn:off", ch.DatabaseRemote())
	if err != nil {
		return nil, err
	}
	_, err = ch.Vsctl(
		"--", "add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=dummy", "fail-mode=secure", "other-config:disable-in-band=true",
		"--", "add-br", "br-ex", "--", "set", "bridge", "br-ex", "datapath_type=dummy",
		"--", "set", "Open_vSwitch", ".", "external-ids:system-id="+systemID, "external-ids:hostname="+systemID,
		"external-ids:ovn-remote="+l.Central.SBRemote(), "external-ids:ovn-encap-type=geneve", "external-ids:ovn-encap-ip=192.0.2.1",
		"external-ids:ovn-bridge-datapath-type=dummy", "external-ids:ovn-bridge-mappings="+PhysicalNetwork+":br-ex",
		// A controller that is busy for long must not be disconnected in the middle of a measurement.
		"external-ids:ovn-openflow-probe-interval=0", "external-ids:ovn-remote-probe-interval=0")
	if err != nil {
		return nil, err
	}
	return ch, ch.PlugDummies(ports)
}

// PlugDummies adds dummy interfaces for logical ports to br-int.
func (ch *Chassis) PlugDummies(ports []string) error {
	if len(ports) == 0 {
		return nil
	}
	var args []string
	for _, p := range ports {
		args = append(args, "--", "add-port", "br-int", p, "--", "set", "interface", p, "type=dummy", "external-ids:iface-id="+p)
	}
	_, err := ch.Vsctl(args...)
	return err
}

// Crash ends the chassis' controller with SIGKILL, so that the chassis stays registered, and then its switch and database.
func (ch *Chassis) Crash() error {
	if ch.controller != nil {
		ch.controller.Kill()
	}
	ch.vswitchd.Terminate(5 * time.Second)
	ch.db.Terminate(5 * time.Second)
	return os.RemoveAll(ch.Dir)
}
