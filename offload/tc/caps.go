package tc

import (
	"context"
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
)

// Caps implements offload.Target: what this package has forms for, without what the kernel does not take in software, which is found
// out once, with a device made for it. Which devices can have nothing in hardware is read each time (netdev); what a network card lacks
// else, its driver refuses when it is asked (offload.Failure).
func (t *Target) Caps(ctx context.Context) (offload.Caps, error) {
	c := forms()
	if err := t.know(ctx); err != nil {
		return offload.Caps{}, err
	}
	t.probed.limit(&c)
	return c, t.look(ctx, &c)
}

// look reads what the network devices are.
func (t *Target) look(ctx context.Context, c *offload.Caps) error {
	if t.cfg.Devices == nil {
		return nil
	}
	found, err := t.cfg.Devices(ctx)
	if err != nil {
		return fmt.Errorf("look at the network devices: %w", err)
	}
	t.found = found
	c.Target += " of Linux " + found.Kernel
	if cards := found.Hardware(); cards != "" {
		c.Target += ", " + cards
	}
	c.Devices = found.Lacks()
	for _, p := range t.ports { // a device that was renamed under Open vSwitch is known by its number still
		if lack := t.lack(p.Ifindex); lack != (offload.Lack{}) {
			c.Devices[p.Device] = lack
		}
	}
	return nil
}

// lack is why nothing for a device can be in hardware, as far as is known.
func (t *Target) lack(ifindex int32) offload.Lack {
	if t.found != nil {
		if d := t.found.ByIndex(ifindex); d != nil {
			return d.Lack
		}
	}
	return offload.Lack{}
}

// know probes the kernel, once.
func (t *Target) know(ctx context.Context) error {
	if t.probed != nil {
		return nil
	}
	p, err := t.probe(ctx)
	if err == nil {
		t.probed = &p
	}
	return err
}

// forms is what this package has forms for.
func forms() offload.Caps {
	yes := offload.Yes
	c := offload.Caps{
		Target: "TC flower", Match: matchable(), Set: settable(), Kernel: true,
		Copy:     offload.No("tc writes constants only", ""),
		DecTTL:   offload.Amount{Max: 255},
		PopVLAN:  offload.Amount{Max: 1, Lack: offload.Lack{Why: "packets with more VLAN headers are not let in"}},
		Push:     offload.Amount{Max: 2, Lack: offload.Lack{Why: "drivers take no more"}},
		Tunnels:  map[string]offload.Ability{geneve: yes, vxlan: yes},
		Jump:     yes,
		Handover: yes, // by marks: NET_TC_SKB_EXT is not in Debian's kernels
		Outputs:  offload.Amount{Max: maxActions - 1, Lack: offload.Lack{Why: "a filter has up to 16 actions"}},
		FirstUp:  offload.No("tc does not choose among ports", ""),
		Queue:    offload.No("the class of the device's qdisc that a queue is, is not known to tc", ""),
		Sample:   offload.No("the switch's collectors are not tc's", ""),
		Meter:    yes,
		Packets:  offload.No("only limits of QoS rules are offloaded, which are of kilobits", ""),
		Length:   offload.No("flower has no key for the length of a packet", ""),
		Tags:     yes,
		Hash:     offload.No("flower has no key for the switch's hash", ""),
		Conntrack: offload.Conntrack{
			Shared: yes, Commit: yes, Force: yes, NAT: yes, Mark: yes, Label: yes, Clear: yes,
			Flags: offload.No("act_ct has no hash, random and persistent translation", ""),
		},
	}
	return c
}

// matchable are the fields that flower has keys for.
func matchable() offload.Fields {
	fs := offload.Fields{}
	for _, f := range []ir.Field{ir.EthSrc, ir.EthDst, ir.IPDSCP, ir.IPECN, ir.IPTTL, ir.IPFrag, ir.IP4Src, ir.IP4Dst, ir.IP6Src, ir.IP6Dst,
		ir.ARPSPA, ir.ARPTPA, ir.ARPSHA, ir.ARPTHA, ir.ICMP4Type, ir.ICMP4Code, ir.ICMP6Type, ir.ICMP6Code,
		ir.TCPSrc, ir.TCPDst, ir.TCPFlags, ir.UDPSrc, ir.UDPDst, ir.SCTPSrc, ir.SCTPDst,
		ir.TunOpt, ir.TunSrc, ir.TunDst, ir.TunSrc6, ir.TunDst6, ir.CTMark, ir.CTLabel, ir.InPort} {
		fs[f] = offload.AllOf(f, offload.Ternary)
	}
	for _, f := range []ir.Field{ir.EthType, ir.IPProto} {
		fs[f] = offload.AllOf(f, offload.Whole)
	}
	// The combinations that have no form are refused by name: a part of the VLAN ID, of the priority, or of the tunnel key, and
	// operation codes of ARP above 255.
	for _, f := range []ir.Field{ir.VLANTCI, ir.TunID, ir.ARPOp} {
		fs[f] = offload.AllOf(f, offload.Ternary)
	}
	fs[ir.CTState] = offload.FieldAbility{
		Mask: ir.V(flowerStates), Form: offload.Ternary, Lack: offload.Lack{Why: "flower has no key for snat and dnat of ct_state"},
	}
	return fs
}

// settable are the fields that there are actions for.
func settable() offload.Fields {
	fs := offload.Fields{}
	for _, f := range editable {
		fs[f] = offload.AllOf(f, offload.Ternary)
	}
	for _, f := range []ir.Field{ir.TunID, ir.TunOpt, ir.CTMark, ir.CTLabel} {
		fs[f] = offload.AllOf(f, offload.Ternary)
	}
	return fs
}
