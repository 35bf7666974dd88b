package netdev

import (
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/devlink"
)

// Kind is what a network device is to the offload.
type Kind uint8

// The kinds.
const (
	Software    Kind = iota // nothing but kernel code: veth, tap, dummy
	NIC                     // a network card that has no eSwitch
	Uplink                  // the port of an eSwitch to the network
	Representor             // what stands for a function at its port of the eSwitch
	Function                // the function itself, which a VM should have
	Bond                    // of several devices
	Tunnel                  // geneve, vxlan: what packets of tunnels come out of
	Internal                // Open vSwitch's own
	Stacked                 // on another device: VLAN, macvlan
)

var kindNames = []string{"software", "card", "uplink", "representor", "function", "bond", "tunnel", "internal", "stacked"}

// String is the kind in one word.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind?"
}

// MarshalText is String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (k *Kind) UnmarshalText(text []byte) error {
	i := slices.Index(kindNames, string(text))
	if i < 0 {
		return fmt.Errorf("kind %q of a network device: there is none of that name", text)
	}
	*k = Kind(i)
	return nil
}

// Device is one network device.
type Device struct {
	Link
	Kind Kind
	// What says more about the kind: "VF 3 of PF 0".
	What string
	// Card is the devlink device that it is a port of; nil for none.
	Card *devlink.Device
	// Port is its port there; nil for none, or if devlink does not tell.
	Port *devlink.Port
	// Driver is of the hardware, "" for none.
	Driver string
	// Function is where the function is that it stands for: bus and address, "" if that is not on this host.
	Function string
	// HWTC is whether its driver is offered filters.
	HWTC Switch
	// Members are the names of the devices of a bond.
	Members []string
	// Lack is why no rules for it can be in hardware; zero for nothing that is known.
	Lack offload.Lack
}

// Firmware is the version of the card's.
func (d *Device) Firmware() string {
	if d.Card == nil {
		return ""
	}
	return d.Card.Info.Firmware()
}

// Address is where the hardware is, as devlink writes it: pci/0000:03:00.0. "" for none.
func (d *Device) Address() string {
	switch {
	case d.Card != nil:
		return d.Card.Handle.String()
	case d.Parent != "":
		return devlink.Handle{Bus: d.Bus, Name: d.Parent}.String()
	}
	return ""
}

// Mode is the mode of its eSwitch in one word, "" for none.
func (d *Device) Mode() string {
	if d.Card == nil || d.Card.Eswitch == nil {
		return ""
	}
	return d.Card.Eswitch.Mode.String()
}

// legacy tells whether the card has an eSwitch that the kernel cannot program as it is.
func (d *Device) legacy() bool {
	return d.Card != nil && d.Card.Eswitch != nil && d.Card.Eswitch.Mode == devlink.Legacy
}

// Switch is how a feature is.
type Switch uint8

// The settings.
const (
	Unknown Switch = iota
	On
	Off
	Fixed // off, and the driver has no other
)

var switchNames = []string{"unknown", "on", "off", "off [fixed]"}

// String is the setting as ethtool(8) has it.
func (s Switch) String() string {
	if int(s) < len(switchNames) {
		return switchNames[s]
	}
	return "switch?"
}

// MarshalText is String.
func (s Switch) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
