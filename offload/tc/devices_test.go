package tc

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/devlink"
	"github.com/sluice-gw/sluice/offload/tc/flower/flowertest"
	"github.com/sluice-gw/sluice/offload/tc/netdev"
)

// eswitches are the devices of a bench as ports of a card each, of which those that are legacy cannot have rules.
func eswitches(b *bench, legacy ...int32) *netdev.Inventory {
	s := netdev.Sources{Kernel: "6.1.0-53-amd64"}
	for i := range int32(5) {
		ifindex, mode := 10*(i+1), devlink.Switchdev
		for _, n := range legacy {
			if n == ifindex {
				mode = devlink.Legacy
			}
		}
		h := devlink.Handle{Bus: "pci", Name: "0000:0" + string(rune('1'+i)) + ":00.0"}
		s.Links = append(s.Links, netdev.Link{Ifindex: ifindex, Name: b.links[ifindex].Name, Bus: h.Bus, Parent: h.Name})
		s.Cards = append(s.Cards, devlink.Device{Handle: h, Eswitch: &devlink.Eswitch{Mode: mode},
			Info:  devlink.Info{Driver: "mlx5_core", Running: []devlink.Version{{Name: "fw", Value: "22.39"}}},
			Ports: []devlink.Port{{Handle: h, Ifindex: ifindex}}})
	}
	return s.Inventory()
}

// looking is a target that has its devices looked at.
func (b *bench) looking(found **netdev.Inventory) *Target {
	t := b.target()
	t.cfg.Devices = func(context.Context) (*netdev.Inventory, error) {
		if *found == nil {
			return nil, errors.New("no netlink today")
		}
		return *found, nil
	}
	return t
}

// TestDeviceWithoutHardware has ports of each mode on a card in legacy mode, which then is switched.
func TestDeviceWithoutHardware(t *testing.T) {
	for _, tt := range []struct {
		mode        offload.Mode
		before, now string // flags of the filters
	}{
		{offload.HardwareOnly, "", "skip_sw"},
		{offload.HardwareToo, "skip_hw", "skip_hw skip_sw"},
		{offload.Software, "skip_hw", "skip_hw"},
	} {
		b := newBench(tt.mode)
		b.kernel.Driver = func(flowertest.ID, uint32) (bool, string) { return true, "" }
		found := eswitches(b, 10, 30)
		target := b.looking(&found)
		caps, err := target.Caps(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		const why, fix = "the eSwitch of pci/0000:01:00.0 is in legacy mode", "devlink dev eswitch set pci/0000:01:00.0 mode switchdev"
		if len(caps.Devices) != 2 || caps.Devices["dev1"] != (offload.Lack{Why: why, Fix: fix}) || !caps.Kernel {
			t.Errorf("devices %+v", caps.Devices)
		}
		if want := "TC flower of Linux 6.1.0-53-amd64, mlx5_core firmware 22.39"; caps.Target != want {
			t.Errorf("target %q, want %q", caps.Target, want)
		}
		flags := func() string {
			var list []string
			for _, f := range []string{"skip_hw", "skip_sw"} {
				if strings.Contains(b.text(t, 1), f) {
					list = append(list, f)
				}
			}
			return strings.Join(list, " ")
		}
		failures := applied(t, target, offload.Delta{Put: tablesOf(t, forward), Ports: b.ports, Reset: true})
		if tt.mode == offload.HardwareOnly {
			if len(failures) != 2 || failures[0].Segment != flatten.IngressID(1) || failures[0].Kind != backend.Transient || !strings.Contains(failures[0].Detail, why) {
				t.Errorf("%s: failures %+v", tt.mode, failures)
			}
		} else if len(failures) > 0 {
			t.Errorf("%s: failures %+v", tt.mode, failures)
		}
		if got := flags(); got != tt.before {
			t.Errorf("%s, legacy: %q, want %q", tt.mode, got, tt.before)
		}
		found = eswitches(b)
		if caps, err := target.Caps(t.Context()); err != nil || len(caps.Devices) > 0 {
			t.Errorf("%s, switchdev: %+v, %v", tt.mode, caps.Devices, err)
		}
		if failures := applied(t, target, offload.Delta{Ports: b.ports}); len(failures) > 0 {
			t.Errorf("%s, switchdev: failures %+v", tt.mode, failures)
		}
		if got := flags(); got != tt.now {
			t.Errorf("%s, switchdev: %q, want %q", tt.mode, got, tt.now)
		}
		found = eswitches(b, 10)
		if _, err := target.Caps(t.Context()); err != nil {
			t.Fatal(err)
		}
		applied(t, target, offload.Delta{Ports: b.ports})
		if got := flags(); got != tt.before {
			t.Errorf("%s, legacy again: %q, want %q", tt.mode, got, tt.before)
		}
	}
}

// TestRenamedDevice: Open vSwitch has a port by a name that its device has no more; the number says which device it is.
func TestRenamedDevice(t *testing.T) {
	b := newBench(offload.HardwareOnly)
	found := eswitches(b, 10)
	target := b.looking(&found)
	b.ports[0].Device, b.ports[0].Ifindex = "eth0_3", 10
	applied(t, target, offload.Delta{Put: tablesOf(t, forward), Ports: b.ports, Reset: true})
	caps, err := target.Caps(t.Context())
	if err != nil || caps.Devices["eth0_3"].Why == "" {
		t.Errorf("devices %+v, %v", caps.Devices, err)
	}
	found = nil
	if _, err := target.Caps(t.Context()); err == nil || !strings.Contains(err.Error(), "no netlink today") {
		t.Errorf("devices that cannot be looked at: %v", err)
	}
}
