package lab

// Trunk is the inside of a VM that runs containers: a bridge whose trunk interface is the VM's logical port, with access
// ports for the VM itself (untagged) and for each container (its VLAN).
type Trunk struct {
	chassis *Chassis
	name    string
	bridge  string
}

// AddTrunk starts a VM with room for containers, bound to the logical switch port; empty binds it to none.
func (ch *Chassis) AddTrunk(name, port string) (*Trunk, error) {
	t := &Trunk{chassis: ch, name: name, bridge: "br-" + name}
	if err := veth(ch.Netns, name, ch.Netns, name+"t"); err != nil {
		return nil, err
	}
	_, err := ch.Vsctl(append(append(ch.addBridge(t.bridge), "--", "add-port", t.bridge, name+"t", "--", "add-port", "br-int", name), bind(name, port)...)...)
	return t, err
}

// Remove unplugs the VM, whose hosts have been removed, and removes its inside.
func (t *Trunk) Remove() error {
	if _, err := t.chassis.Vsctl("--if-exists", "del-br", t.bridge, "--", "--if-exists", "del-port", t.name); err != nil {
		return err
	}
	return command("ip", "-n", t.chassis.Netns.Name, "link", "del", t.name)
}

// AddHost adds the VM itself (vlan 0) or a container behind the trunk.
func (t *Trunk) AddHost(vlan int, spec HostSpec) (*Host, error) {
	if vlan == 0 {
		return t.chassis.addHost(spec, t.bridge)
	}
	return t.chassis.addHost(spec, t.bridge, accessPort(spec.Name, vlan)...)
}
