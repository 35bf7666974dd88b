package netdev

import (
	"fmt"
	"strings"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/devlink"
)

// verdict finds why rules for devices cannot be in hardware.
type verdict struct{ in *Inventory }

// plug is what to do about a port whose device is none of a card.
const plug = "plug the port into a representor of a network card whose eSwitch is in switchdev mode"

// Switchdev is the command that lets the kernel program the eSwitch of a card.
func Switchdev(h devlink.Handle) string {
	return "devlink dev eswitch set " + h.String() + " mode switchdev"
}

// offer is the command that has the driver of a device offered filters.
func offer(device string) string { return "ethtool -K " + device + " hw-tc-offload on" }

// own is the verdict on a device that has a driver of its own, or none.
func (v *verdict) own(d *Device) {
	var why, fix []string
	switch {
	case d.Kind == Function:
		d.Lack = v.function(d)
		return
	case d.Kind == Software:
		name := d.What
		if name == "" {
			name = "virtual"
		}
		d.Lack = offload.Lack{Why: fmt.Sprintf("a %s device is software only", name), Fix: plug}
		return
	case d.HWTC == Fixed:
		d.Lack = offload.Lack{Why: fmt.Sprintf("its driver %s takes no filters of tc (hw-tc-offload is off and fixed)", known(d.Driver)), Fix: plug}
		return
	case d.legacy():
		why, fix = append(why, fmt.Sprintf("the eSwitch of %s is in legacy mode", d.Address())), append(fix, Switchdev(d.Card.Handle))
	}
	if d.HWTC == Off {
		why, fix = append(why, "hw-tc-offload is off"), append(fix, offer(d.Name))
	}
	d.Lack = offload.Lack{Why: strings.Join(why, ", and "), Fix: strings.Join(fix, " && ")}
}

func known(driver string) string {
	if driver == "" {
		return "(which is not known)"
	}
	return driver
}

// function is the verdict on a function itself: what stands for it in the eSwitch is what rules are put on.
func (v *verdict) function(d *Device) offload.Lack {
	why := "it is " + d.What + " itself, which the VM should have"
	if d.legacy() {
		h := d.Card.Handle
		return offload.Lack{Why: why + fmt.Sprintf(", and the eSwitch of %s is in legacy mode", h), Fix: Switchdev(h) + "; then plug its representor into the bridge"}
	}
	for _, o := range v.in.Devices {
		if o.Kind == Representor && o.Function != "" && o.Function == d.Function {
			return offload.Lack{Why: why, Fix: "plug its representor " + o.Name + " into the bridge instead"}
		}
	}
	return offload.Lack{Why: why, Fix: "plug its representor into the bridge instead"}
}

// indirect is the verdict on a device without hardware of its own, which the drivers of cards can see to.
func (v *verdict) indirect(d *Device) {
	first := offload.Lack{Why: "there is no network card with an eSwitch", Fix: "none on this machine"}
	rank := 0
	for _, o := range v.in.Devices {
		if o.Kind != Uplink {
			continue
		}
		if o.Lack == (offload.Lack{}) {
			return
		}
		if rank == 0 {
			first, rank = offload.Lack{Why: o.Name + ": " + o.Lack.Why, Fix: o.Lack.Fix}, 1
		}
	}
	d.Lack = offload.Lack{Why: fmt.Sprintf("no card can carry the packets of this %s device: %s", d.What, first.Why), Fix: first.Fix}
}

// bondModes are the names of bond modes by number (include/uapi/linux/if_bonding.h); those with true can be in hardware (VF-LAG): the card
// sends by one port, or chooses by a hash. Drivers refuse the others (mlx5: lag/lag.c, ice: ice_lag.c).
var bondModes = []struct {
	name string
	can  bool
}{{"balance-rr", false}, {"active-backup", true}, {"balance-xor", true}, {"broadcast", false}, {"802.3ad", true}, {"balance-tlb", false}, {"balance-alb", false}}

// bond is the verdict on a bond: its devices must be uplinks of one switch that can have rules, and its mode one that cards know.
func (v *verdict) bond(d *Device) {
	mode := fmt.Sprintf("mode %d", d.BondMode)
	can := false
	if int(d.BondMode) < len(bondModes) {
		mode, can = bondModes[d.BondMode].name, bondModes[d.BondMode].can
	}
	var members []*Device
	for _, o := range v.in.Devices {
		if o.Master == d.Ifindex {
			members = append(members, o)
			d.Members = append(d.Members, o.Name)
		}
	}
	d.What = mode + " of " + strings.Join(d.Members, ", ")
	switch {
	case len(members) == 0:
		d.What = mode + " of nothing"
		d.Lack = offload.Lack{Why: "the bond has no devices", Fix: "ip link set UPLINK master " + d.Name}
		return
	case !can:
		d.Lack = offload.Lack{Why: "no card has bonds of mode " + mode, Fix: "ip link set " + d.Name + " down && ip link set " + d.Name + " type bond mode 802.3ad"}
		return
	}
	for _, o := range members {
		switch {
		case o.Kind != Uplink:
			d.Lack = offload.Lack{Why: o.Name + " in the bond is no uplink of an eSwitch", Fix: "ip link set " + o.Name + " nomaster"}
		case o.Lack != (offload.Lack{}):
			d.Lack = offload.Lack{Why: o.Name + " in the bond: " + o.Lack.Why, Fix: o.Lack.Fix}
		case o.SwitchID != members[0].SwitchID:
			d.Lack = offload.Lack{Why: fmt.Sprintf("%s and %s in the bond belong to different switches (%s, %s)", members[0].Name, o.Name, members[0].SwitchID, o.SwitchID),
				Fix: "bond the ports of one card"}
		default:
			continue
		}
		return
	}
	d.What = "VF-LAG, " + d.What
	d.Card, d.Driver, d.SwitchID = members[0].Card, members[0].Driver, members[0].SwitchID
}
