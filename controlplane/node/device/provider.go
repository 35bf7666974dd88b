package device

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/node/iface"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/offload"
)

// A bridge of a physical network (ovn-bridge-mappings) is transparent to packets that are for one address behind its uplink, if it does
// nothing but what a learning switch does and has one way out. Then they can go from and to the uplink without it. What else it has
// ports for is the host's own (type internal) and patch ports to the integration bridge; packets for these addresses, and for groups, are
// left to it (offload.Bridge). What the database does not have, its flows and what it has learned, the switch is asked for (BridgeState).

// place is where an interface is.
type place struct {
	bridge *vsw.Bridge
	port   *vsw.Port
	row    *vsw.Interface
}

// layout are the interfaces of all bridges but the integration bridge, by name.
func (d *Devices) layout() map[string]place {
	all := map[string]place{}
	own := d.w.Bridge()
	for br := range d.w.VSW.Bridge.All() {
		if br == own {
			continue
		}
		for _, id := range br.Ports {
			port := d.w.VSW.Port.Get(id)
			if port == nil {
				continue
			}
			for _, id := range port.Interfaces {
				if row := d.w.VSW.Interface.Get(id); row != nil {
					all[row.Name] = place{br, port, row}
				}
			}
		}
	}
	return all
}

// patch completes a patch port of the integration bridge with the uplink of the bridge behind it.
func (d *Devices) patch(p offload.Port, row *vsw.Interface, all map[string]place) offload.Port {
	lack := func(why, fix string) offload.Port {
		p.Mode, p.Lack = offload.Off, offload.Lack{Why: why, Fix: fix}
		return p
	}
	peer, there := all[row.Options["peer"]]
	if !there {
		return lack(fmt.Sprintf("its peer %q is not there", row.Options["peer"]), "add the other patch port")
	}
	br := peer.bridge
	if why, fix := d.transforms(br); why != "" {
		return lack(why, fix)
	}
	uplink, own, why, fix := d.ways(br, all)
	if why != "" {
		return lack(why, fix)
	}
	if plainPort(peer.port) != "" {
		return lack(fmt.Sprintf("port %s of bridge %s %s", peer.port.Name, br.Name, plainPort(peer.port)), "leave VLANs to the tag of the logical port")
	}
	pb := d.w.SB.PortBindingByLogicalPort.One(d.ifaces.Patched(row.UUID))
	if pb == nil {
		return lack("it belongs to no logical port", "")
	}
	p.Device, p.Ifindex = uplink.Name, int32(uplink.Ifindex.Or(0))
	p.Bridge = &offload.Bridge{Name: br.Name, VLAN: uint16(pb.Tag.Or(0)), Own: own}
	d.override(&p, uplink)
	return p
}

// transforms is what a bridge does besides what a learning switch does.
func (d *Devices) transforms(br *vsw.Bridge) (why, fix string) {
	is := func(what, fix string) (string, string) { return fmt.Sprintf("bridge %s %s", br.Name, what), fix }
	state, told := d.states[br.Name]
	var none ovsdb.UUID
	switch {
	case br.DatapathType != "" && br.DatapathType != "system":
		return is("has datapath type "+br.DatapathType, "give it the kernel's datapath: datapath_type=system")
	case len(br.Controller) > 0:
		return is("has an OpenFlow controller", "ovs-vsctl del-controller "+br.Name)
	case len(br.Mirrors) > 0:
		return is("has mirrors, which would not see the packets", "ovs-vsctl clear bridge "+br.Name+" mirrors")
	case br.NetFlow != none || br.SFlow != none || br.IPFIX != none:
		return is("reports packets (NetFlow, sFlow or IPFIX), and would not see them", "switch that off")
	case br.STPEnable || br.RSTPEnable:
		return is("speaks a spanning tree protocol", "ovs-vsctl set bridge "+br.Name+" stp_enable=false rstp_enable=false")
	case len(br.FloodVLANs) > 0:
		return is("does not learn in some VLANs (flood_vlans)", "ovs-vsctl clear bridge "+br.Name+" flood_vlans")
	case !told:
		return is("has not told its flows yet", "wait a moment")
	case state.Err != "":
		return is("does not tell its flows: "+state.Err, "see whether ovs-vswitchd runs and answers ovs-appctl")
	case state.Strange != "":
		return is("has flows of somebody else: "+state.Strange, "leave it the one that Open vSwitch makes: priority=0 actions=NORMAL")
	}
	return "", ""
}

// ways are the uplink of a bridge and the addresses behind its ports that are the host's own.
func (d *Devices) ways(br *vsw.Bridge, all map[string]place) (uplink *vsw.Interface, own []wire.MAC, why, fix string) {
	integration := d.w.Bridge().Name
	for _, id := range br.Ports {
		port := d.w.VSW.Port.Get(id)
		if port == nil {
			continue
		}
		for _, id := range port.Interfaces {
			row := d.w.VSW.Interface.Get(id)
			if row == nil {
				continue
			}
			switch row.Type {
			case "internal":
				mac, err := wire.ParseMAC(row.MACInUse.Or(""))
				if err != nil {
					return nil, nil, fmt.Sprintf("the address of port %s of bridge %s is not known", row.Name, br.Name), "wait a moment"
				}
				own = append(own, mac)
				own = append(own, d.states[br.Name].Learned[iface.Ofport(row)]...)
			case "patch":
				if !d.ifaces.Named(row.Options["peer"]) {
					return nil, nil, fmt.Sprintf("bridge %s has the patch port %s, which does not lead to %s", br.Name, row.Name, integration),
						"connect it in another way, or by another bridge"
				}
			case "", "system":
				what := plainPort(port)
				switch {
				case uplink != nil:
					return nil, nil, fmt.Sprintf("bridge %s has several ways out (%s, %s): which one a packet takes is the bridge's", br.Name, uplink.Name, row.Name),
						"one uplink for each bridge; for two links a bond of the kernel"
				case what != "":
					return nil, nil, fmt.Sprintf("port %s of bridge %s %s", port.Name, br.Name, what), "leave VLANs to the tag of the logical port"
				case row.IngressPolicingRate != 0 || row.IngressPolicingKpktsRate != 0:
					return nil, nil, fmt.Sprintf("interface %s has a rate limit (ingress_policing_rate)", row.Name), "ovs-vsctl set interface " + row.Name + " ingress_policing_rate=0"
				}
				uplink = row
			default:
				return nil, nil, fmt.Sprintf("bridge %s has port %s of type %s", br.Name, row.Name, row.Type), "only an uplink, internal ports and patch ports to " + integration
			}
		}
	}
	if uplink == nil {
		return nil, nil, fmt.Sprintf("bridge %s has no uplink", br.Name), "ovs-vsctl add-port " + br.Name + " DEVICE"
	}
	slices.SortFunc(own, func(a, b wire.MAC) int { return cmp.Compare(a.Uint64(), b.Uint64()) })
	return uplink, slices.Compact(own), "", ""
}

// plainPort is what a port does to packets besides passing them on as they are; "" for nothing.
func plainPort(p *vsw.Port) string {
	switch {
	case p.Tag.OK || len(p.Trunks) > 0 || len(p.CVLANs) > 0 || p.VLANMode.OK && p.VLANMode.V != "trunk":
		return "has VLANs of its own (tag, trunks or vlan_mode)"
	case p.Protected:
		return "is protected"
	}
	return ""
}

// single takes the device from all but the first of those patch ports that have the same uplink and VLAN: their packets come in by both.
func single(ports []offload.Port) {
	type at struct {
		device string
		vlan   uint16
	}
	seen := map[at][]int{}
	for i := range ports {
		if p := &ports[i]; p.Bridge != nil {
			k := at{p.Device, p.Bridge.VLAN}
			seen[k] = append(seen[k], i)
		}
	}
	for k, list := range seen {
		if len(list) < 2 {
			continue
		}
		for _, i := range list {
			p := &ports[i]
			p.Lack = offload.Lack{Why: fmt.Sprintf("%d localnet ports have the same VLAN of %s", len(list), k.device), Fix: "one logical switch for each VLAN of a physical network"}
			p.Device, p.Ifindex, p.Bridge, p.Mode = "", 0, nil, offload.Off
		}
	}
}
