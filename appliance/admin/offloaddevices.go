package admin

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/devlink"
	"github.com/sluice-gw/sluice/offload/tc/netdev"
)

// OffloadDevices is the answer of offload/devices to who asked for JSON: the network
// devices that matter to the offload, whether it is on or off.
type OffloadDevices struct {
	Kernel  string          `json:"kernel"`
	Cards   []OffloadCard   `json:"cards"`
	Devices []OffloadDevice `json:"devices"`
	// Missing are interfaces of Open vSwitch whose network device is not there.
	Missing []OffloadMissing `json:"missing"`
	// Unknown is what the kernel did not tell.
	Unknown []string `json:"unknown"`
}

// OffloadCard is a devlink device.
type OffloadCard struct {
	Address  string            `json:"address"`
	Driver   string            `json:"driver,omitempty"`
	Firmware string            `json:"firmware,omitempty"`
	Serial   string            `json:"serial,omitempty"`
	Eswitch  *devlink.Mode     `json:"eswitch,omitempty"` // nil for none
	Inline   *devlink.Inline   `json:"inline,omitempty"`
	Encap    *bool             `json:"encap,omitempty"`
	Versions []devlink.Version `json:"versions,omitempty"` // that run
	Ports    int               `json:"ports"`
}

// OffloadDevice is one network device.
type OffloadDevice struct {
	Name     string        `json:"name"`
	Ifindex  int32         `json:"ifindex"`
	Kind     netdev.Kind   `json:"kind"`
	What     string        `json:"what,omitempty"`
	Address  string        `json:"address,omitempty"`
	Function string        `json:"function,omitempty"` // that it stands for
	Driver   string        `json:"driver,omitempty"`
	Eswitch  string        `json:"eswitch,omitempty"`
	SwitchID string        `json:"switch_id,omitempty"`
	HWTC     netdev.Switch `json:"hw_tc_offload"`

	Bridge      string        `json:"bridge,omitempty"`
	Interface   string        `json:"interface,omitempty"` // if it has another name
	Ofport      uint32        `json:"ofport,omitempty"`
	LogicalPort string        `json:"logical_port,omitempty"`
	Mode        *offload.Mode `json:"mode,omitempty"` // of a port of the integration bridge while the offload is on
	// Tunnels are those that end in it.
	Tunnels []OffloadTunnel `json:"tunnels,omitempty"`
	// Why no rules for it can be in hardware, and what to do; "" for nothing that is known.
	Why string `json:"why,omitempty"`
	Fix string `json:"fix,omitempty"`
}

// OffloadTunnel is a tunnel with the device by which its packets leave the host.
type OffloadTunnel struct {
	Remote string `json:"remote"`
	By     string `json:"by"`
}

// OffloadMissing is an interface without its device.
type OffloadMissing struct {
	Bridge    string `json:"bridge"`
	Interface string `json:"interface"`
	Error     string `json:"error"`
}

// place is what only the engine goroutine knows of devices.
type place struct {
	ifaces  []controller.Interface
	setting device.Setting
	routes  map[netip.Addr]int32
}

func (t *table) offloadDevices(ctx context.Context, what string) (a OffloadDevices, err error) {
	var at place
	known := false
	if err := t.on.Do(ctx, func() {
		if c := t.chassis.Controller(); c != nil {
			known, at.ifaces, at.setting = true, c.Interfaces(), c.Devices()
		}
	}); err != nil {
		return a, err
	}
	if !known {
		return a, errStarting
	}
	found, err := t.chassis.NetworkDevices(ctx)
	if err != nil {
		return a, err
	}
	if at.routes, err = netdev.Routes(0, remotes(at.ifaces)); err != nil {
		return a, err
	}
	return at.show(found, what)
}

func remotes(ifaces []controller.Interface) (list []netip.Addr) {
	for _, x := range ifaces {
		if a, err := netip.ParseAddr(x.Remote); err == nil && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

// show is the answer. what is "" for all that matters, or a network device, an interface, a
// logical port or an address of the hardware.
func (at *place) show(in *netdev.Inventory, what string) (OffloadDevices, error) {
	a := OffloadDevices{Kernel: in.Kernel, Cards: []OffloadCard{}, Devices: []OffloadDevice{}, Missing: []OffloadMissing{}, Unknown: append([]string{}, in.Unknown...)}
	there := in.At(what)
	for _, d := range in.Devices {
		x := at.device(in, d)
		matters := x.Bridge != "" || len(x.Tunnels) > 0 || d.Card != nil || d.Kind == netdev.Bond || d.Master != 0 && d.Kind != netdev.Software
		asked := slices.Contains(there, d) || what == x.Interface || what == x.LogicalPort || what == d.Name || slices.Contains(d.AltNames, what)
		if matters && what == "" || asked && what != "" {
			a.Devices = append(a.Devices, x)
		}
	}
	if what != "" {
		if len(a.Devices) == 0 {
			return a, fmt.Errorf("%s is no network device, interface, logical port or address of hardware here; \"sluice offload devices\" lists those that matter", what)
		}
		return a, nil
	}
	for i := range in.Cards {
		a.Cards = append(a.Cards, cardOf(&in.Cards[i]))
	}
	for _, x := range at.ifaces {
		if x.Error != "" {
			a.Missing = append(a.Missing, OffloadMissing{x.Bridge, x.Name, x.Error})
		}
	}
	return a, nil
}

func cardOf(c *devlink.Device) OffloadCard {
	x := OffloadCard{Address: c.Handle.String(), Driver: c.Info.Driver, Firmware: c.Info.Firmware(), Serial: c.Info.Serial, Versions: c.Info.Running, Ports: len(c.Ports)}
	if e := c.Eswitch; e != nil {
		x.Eswitch, x.Inline, x.Encap = &e.Mode, &e.Inline, &e.Encap
	}
	return x
}

func (at *place) device(in *netdev.Inventory, d *netdev.Device) OffloadDevice {
	x := OffloadDevice{Name: d.Name, Ifindex: d.Ifindex, Kind: d.Kind, What: d.What, Address: d.Address(), Function: d.Function, Driver: d.Driver, Eswitch: d.Mode(),
		SwitchID: d.SwitchID, HWTC: d.HWTC, Why: d.Lack.Why, Fix: d.Lack.Fix}
	for _, i := range at.ifaces {
		if !at.isOf(i, d) {
			continue
		}
		if x.Bridge = i.Bridge; i.Remote != "" {
			x.Tunnels = append(x.Tunnels, OffloadTunnel{i.Remote, at.carrier(in, i.Remote)})
			continue
		}
		if x.Ofport, x.LogicalPort = i.Ofport, i.LogicalPort; i.Name != d.Name {
			x.Interface = i.Name
		}
	}
	for _, p := range at.setting.Ports {
		if p.Ifindex == d.Ifindex && p.Tunnel == nil || p.Tunnel != nil && p.Device == d.Name {
			x.Mode = &p.Mode
		}
	}
	return x
}

// isOf tells whether an interface has a device: by its number, which Open vSwitch remembers when
// somebody renames the device, or of a tunnel by the name that is made of type and port.
func (at *place) isOf(i controller.Interface, d *netdev.Device) bool {
	if i.Remote == "" {
		return i.Ifindex != 0 && i.Ifindex == d.Ifindex
	}
	for _, p := range at.setting.Ports {
		if p.Tunnel != nil && p.Name == i.Name {
			return p.Device == d.Name
		}
	}
	return strings.HasPrefix(d.Name, map[string]string{"geneve": "genev_sys_", "vxlan": "vxlan_sys_"}[i.Type]) && d.Kind == netdev.Tunnel
}

// carrier is what packets to a remote end leave the host by, in words. A device of Open
// vSwitch's own leads to the hardware on its bridge: which of it, Open vSwitch decides.
func (at *place) carrier(in *netdev.Inventory, remote string) string {
	to, _ := netip.ParseAddr(remote)
	ifindex, routed := at.routes[to]
	if !routed {
		return "nothing: there is no route"
	}
	d := in.Carrier(ifindex)
	switch {
	case d == nil:
		return fmt.Sprintf("device %d, which is not here", ifindex)
	case d.Kind != netdev.Internal:
		return d.Name
	}
	var behind []string
	for _, i := range at.ifaces {
		if o := in.ByIndex(i.Ifindex); i.Bridge == at.bridge(d) && o != nil && (o.Kind == netdev.Uplink || o.Kind == netdev.NIC || o.Kind == netdev.Bond) {
			behind = append(behind, o.Name)
		}
	}
	if len(behind) == 0 {
		return d.Name + ", behind which there is no hardware"
	}
	return d.Name + ", behind it " + strings.Join(behind, " or ")
}

// bridge is the bridge of a device of Open vSwitch's own.
func (at *place) bridge(d *netdev.Device) string {
	for _, i := range at.ifaces {
		if i.Ifindex == d.Ifindex {
			return i.Bridge
		}
	}
	return d.Name
}
