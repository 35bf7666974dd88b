package binding

import (
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/sb"
)

// Kind is the type of a logical port (Port_Binding.type, ovn-sb(5)).
type Kind uint8

// The kinds. A port with an empty type is a Container when it has a parent, else a VIF.
const (
	Unknown Kind = iota
	VIF
	Container
	Virtual
	Patch
	Localnet
	Localport
	L2Gateway
	L3Gateway
	ChassisRedirect
	External
	Remote
	VTEP
	Mirror
)

var kindByType = map[string]Kind{"": VIF, "virtual": Virtual, "patch": Patch, "localnet": Localnet,
	"localport": Localport, "l2gateway": L2Gateway, "l3gateway": L3Gateway, "chassisredirect": ChassisRedirect,
	"external": External, "remote": Remote, "vtep": VTEP, "mirror": Mirror}

// KindOf is the kind of a port.
func KindOf(pb *sb.PortBinding) Kind {
	if pb.Type == "" && Parent(pb) != "" {
		return Container
	}
	return kindByType[pb.Type]
}

// Parent is the name of the port by whose interface a port is reached: the one that
// a container is nested in, or that takes what a mirror port is sent. "" for none.
func Parent(pb *sb.PortBinding) string {
	if pb.Type == "mirror" {
		return pb.MirrorPort.Or("")
	}
	if pb.ParentPort.OK {
		return pb.ParentPort.V
	}
	return ""
}

// Place is how a port may be bound to a chassis.
type Place uint8

// The places.
const (
	Nowhere    Place = iota
	Main             // Port_Binding.chassis
	Additional       // Port_Binding.additional_chassis (live migration)
)

// PlaceOn says how pb may be bound to chassis: as requested-chassis says, which
// names the main chassis first and additional ones behind it, by name or host
// name; anywhere when it says nothing.
func PlaceOn(pb *sb.PortBinding, chassis *sb.Chassis) Place {
	if chassis == nil {
		return Nowhere
	}
	if pb.RequestedChassis == chassis.UUID {
		return Main
	}
	if slices.Contains(pb.RequestedAdditionalChassis, chassis.UUID) {
		return Additional
	}
	requested := pb.Options["requested-chassis"]
	if requested == "" {
		return Main
	}
	for i, name := range strings.Split(requested, ",") {
		if name == chassis.Name || name == chassis.Hostname {
			if i == 0 {
				return Main
			}
			return Additional
		}
	}
	return Nowhere
}

// BoundTo tells whether pb is bound to chassis, as main or additional chassis.
func BoundTo(pb *sb.PortBinding, chassis *sb.Chassis) bool {
	return chassis != nil && (pb.Chassis == chassis.UUID || slices.Contains(pb.AdditionalChassis, chassis.UUID))
}
