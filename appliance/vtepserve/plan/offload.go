package plan

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/offload"
)

// tunnelDevice is the network device with which the kernel's datapath carries all VXLAN tunnels of the standard port (RFC 7348).
const (
	tunnelDevice = "vxlan_sys_4789"
	tunnelPort   = 4789
)

// readOffload reads what the bridge and its interfaces ask for: the keys that the controller of OVN has in the Open_vSwitch row and in Interface.
func (p *Plan) readOffload() {
	p.offloadMode = offload.Off
	var found []Problem
	defer func() { p.problems["offload"] = found }()
	if p.bridge == nil {
		return
	}
	if text := p.bridge.ExternalIDs[device.Key]; text != "" {
		mode, err := offload.ParseMode(text)
		if err != nil {
			found = append(found, Problem{"offload-setting", fmt.Sprintf("external_ids:%s of bridge %s: %v: nothing is offloaded", device.Key, p.bridge.Name, err)})
		}
		p.offloadMode = mode
	}
	for _, pt := range p.ports {
		if why := device.Override(&offload.Port{}, pt.iface); why != "" {
			found = append(found, Problem{"offload-setting", why})
		}
	}
}

// Offload is what the offload has to know besides rules: the mode, and the network devices of ports.
func (p *Plan) Offload() device.Setting {
	s := device.Setting{Mode: p.offloadMode, Chassis: "sluice-vtep " + p.cfg.Bridge}
	if s.Mode == offload.Off {
		s.Why = fmt.Sprintf("it is switched off: external_ids:%s of bridge %s is off or not set (software, hardware or hardware-only switch it on)", device.Key, p.cfg.Bridge)
		return s
	}
	if s.Why = device.Obstacle(p.ovs, p.bridge, "ovs-vsctl set bridge "+p.bridge.Name+" datapath_type=system"); s.Why != "" {
		s.Mode = offload.Off
		return s
	}
	for name, pt := range p.ports {
		if pt.number != 0 {
			s.Ports = append(s.Ports, p.offloadPort(name, pt, s.Mode))
		}
	}
	for _, ip := range slices.Sorted(maps.Keys(p.remotes)) {
		if x, ok := p.offloadTunnel(ip, s.Mode); ok {
			s.Ports = append(s.Ports, x)
		}
	}
	slices.SortFunc(s.Ports, func(a, b offload.Port) int { return cmp.Compare(a.Ofport, b.Ofport) })
	return s
}

func (p *Plan) offloadPort(name string, pt port, mode offload.Mode) offload.Port {
	x := offload.Port{Ofport: uint32(pt.number), Name: name, Mode: mode}
	if t := pt.iface.Type; t != "" && t != "system" {
		x.Lack = offload.Lack{Why: "it is of type " + t, Fix: "make a network device the port: a representor, an uplink, a veth"}
		return x
	}
	x.Device, x.Ifindex = pt.iface.Name, int32(pt.iface.Ifindex.Or(0))
	device.Override(&x, pt.iface)
	if x.Barred = device.Barred(p.ovs, p.bridge, pt.row, pt.iface); x.Barred.Why != "" {
		x.Mode = offload.Off
	}
	return x
}

// offloadTunnel is the other end of a tunnel as a port of its own: Open vSwitch has one for all.
func (p *Plan) offloadTunnel(remote string, mode offload.Mode) (x offload.Port, ok bool) {
	all := p.uplinks[toAll]
	ip, err := netip.ParseAddr(remote)
	if err != nil || all.number == 0 {
		return x, false
	}
	x = offload.Port{Ofport: bridging.TunnelPort(ip), Name: remote, Mode: mode, Device: tunnelDevice,
		Tunnel: &offload.Tunnel{Type: "vxlan", Local: p.cfg.TunnelIP, Remote: ip, DstPort: tunnelPort, DF: true}}
	device.Override(&x, all.row)
	return x, true
}

// Owner is a segment's row, for rules.
func (p *Plan) Owner(segment uint64) ir.Owner {
	return ir.Owner{Kind: ir.OwnerLogicalSwitch, UUID: p.segments[segment]}
}

// SegmentName is what people call a segment.
func (p *Plan) SegmentName(segment uint64) string {
	if row := p.db.LogicalSwitch.Get(p.segments[segment]); row != nil {
		return row.Name
	}
	return ""
}
