package netdev

import (
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/devlink"
	"github.com/sluice-gw/sluice/offload/tc/ethtool"
)

// Sources is what the kernel said.
type Sources struct {
	Links []Link
	Cards []devlink.Device
	// HWTC is the feature of that name by network device; nil if the kernel does not tell.
	HWTC  map[int32]ethtool.Feature
	Sysfs Sysfs
	// Unknown says what could not be read, and why.
	Unknown []string
	// Kernel is its release: 6.1.0-53-amd64.
	Kernel string
}

// Inventory is the network devices of a namespace.
type Inventory struct {
	Kernel  string
	Devices []*Device        // by number
	Cards   []devlink.Device // also those without a network device here
	Unknown []string         // as of Sources
}

// Inventory draws the conclusions.
func (s *Sources) Inventory() *Inventory {
	in := &Inventory{Kernel: s.Kernel, Cards: s.Cards, Unknown: slices.Clone(s.Unknown)}
	for i := range s.Cards {
		in.Unknown = append(in.Unknown, s.Cards[i].Refused...)
	}
	slices.SortFunc(s.Links, func(a, b Link) int { return int(a.Ifindex - b.Ifindex) })
	for _, l := range s.Links {
		in.Devices = append(in.Devices, s.device(l))
	}
	v := &verdict{in}
	for _, d := range in.Devices { // first those that others depend on
		if d.Kind <= Function {
			v.own(d)
		}
	}
	for _, d := range in.Devices {
		switch d.Kind {
		case Bond:
			v.bond(d)
		case Tunnel, Internal, Stacked:
			v.indirect(d)
		}
	}
	return in
}

// ByIndex is the device with a number, nil for none.
func (in *Inventory) ByIndex(ifindex int32) *Device {
	i, found := slices.BinarySearchFunc(in.Devices, ifindex, func(d *Device, n int32) int { return int(d.Ifindex - n) })
	if !found {
		return nil
	}
	return in.Devices[i]
}

// ByName is the device with a name or alternative name, nil for none.
func (in *Inventory) ByName(name string) *Device {
	for _, d := range in.Devices {
		if d.Name == name || slices.Contains(d.AltNames, name) {
			return d
		}
	}
	return nil
}

// At are the devices at an address: the card's own, those that stand for a function that is there, and those that are one. The address
// is devlink's (pci/0000:03:00.3), without the bus, or of PCI without the domain 0000 as lspci(8) has it (03:00.3).
func (in *Inventory) At(address string) (list []*Device) {
	for _, d := range in.Devices {
		for _, at := range []string{d.Address(), devlink.Handle{Bus: d.Bus, Name: d.Parent}.String(), d.Function} {
			_, name, _ := strings.Cut(at, "/")
			if at != "" && name != "" && (at == address || name == address || strings.TrimPrefix(name, "0000:") == address) {
				list = append(list, d)
				break
			}
		}
	}
	return list
}

// Lacks are the Lacks of all devices that have one, by name.
func (in *Inventory) Lacks() map[string]offload.Lack {
	all := map[string]offload.Lack{}
	for _, d := range in.Devices {
		if d.Lack == (offload.Lack{}) {
			continue
		}
		for _, name := range append([]string{d.Name}, d.AltNames...) {
			all[name] = d.Lack
		}
	}
	return all
}

// Hardware is which cards could have rules: "mlx5_core firmware 22.39.1002"; "" for none.
func (in *Inventory) Hardware() string {
	var list []string
	for _, d := range in.Devices {
		if d.Kind != Uplink && d.Kind != Representor && d.Kind != NIC || d.Lack != (offload.Lack{}) || d.Driver == "" {
			continue
		}
		text := d.Driver
		if fw := d.Firmware(); fw != "" {
			text += " firmware " + fw
		}
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
