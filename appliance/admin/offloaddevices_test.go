package admin

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/devlink"
	"github.com/sluice-gw/sluice/offload/tc/ethtool"
	"github.com/sluice-gw/sluice/offload/tc/netdev"
)

// smartNIC is a chassis with a card, of which VF 3 has a VM.
func smartNIC() *netdev.Inventory {
	h := devlink.Handle{Bus: "pci", Name: "0000:03:00.0"}
	on, off := ethtool.Feature{On: true, Changeable: true}, ethtool.Feature{Changeable: true}
	return (&netdev.Sources{Kernel: "6.1.0-53-amd64", Sysfs: netdev.Sysfs{FS: fstest.MapFS{}},
		Links: []netdev.Link{
			{Ifindex: 1, Name: "lo"},
			{Ifindex: 4, Name: "eth0", SwitchID: "b0e5a8"}, {Ifindex: 9, Name: "enp3s0npf0vf3", SwitchID: "b0e5a8"},
			{Ifindex: 20, Name: "genev_sys_6081", Kind: "geneve"}, {Ifindex: 21, Name: "br-phys", Kind: "openvswitch"},
			{Ifindex: 22, Name: "br-int", Kind: "openvswitch"}, {Ifindex: 30, Name: "veth1", Kind: "veth"}, {Ifindex: 31, Name: "veth2", Kind: "veth"},
		},
		Cards: []devlink.Device{{Handle: h, Info: devlink.Info{Driver: "mlx5_core", Running: []devlink.Version{{Name: "fw.version", Value: "22.39.1002"}}},
			Eswitch: &devlink.Eswitch{Mode: devlink.Switchdev, Encap: true},
			Ports:   []devlink.Port{{Handle: h, Ifindex: 4}, {Handle: h, Flavour: devlink.PCIVF, VF: 3, Ifindex: 9}}}},
		HWTC:    map[int32]ethtool.Feature{4: on, 9: off},
		Unknown: []string{"versions of pci/0000:05:00.0: devlink: device or resource busy"},
	}).Inventory()
}

// plugged is how the chassis' Open vSwitch has them.
func plugged() *place {
	return &place{
		ifaces: []controller.Interface{
			{Name: "br-int", Type: "internal", Bridge: "br-int", Ifindex: 22},
			{Name: "vm3", Bridge: "br-int", Ofport: 5, Ifindex: 9, LogicalPort: "lp3"},
			{Name: "vm1", Bridge: "br-int", Ofport: 6, Ifindex: 30, LogicalPort: "lp1"},
			{Name: "ovn-far-0", Type: "geneve", Bridge: "br-int", Ofport: 1, Remote: "192.0.2.2"},
			{Name: "ovn-lost-0", Type: "geneve", Bridge: "br-int", Ofport: 2, Remote: "192.0.2.3"},
			{Name: "eth0_7", Bridge: "br-int", Error: "could not open network device eth0_7 (No such device)"},
			{Name: "br-phys", Type: "internal", Bridge: "br-phys", Ifindex: 21},
			{Name: "eth0", Bridge: "br-phys", Ofport: 1, Ifindex: 4},
		},
		setting: device.Setting{Mode: offload.HardwareOnly, Ports: []offload.Port{
			{Ofport: 5, Name: "vm3", Device: "vm3", Ifindex: 9, Mode: offload.HardwareOnly},
			{Ofport: 6, Name: "vm1", Device: "veth1", Ifindex: 30, Mode: offload.HardwareToo},
			{Ofport: 1, Name: "ovn-far-0", Device: "genev_sys_6081", Mode: offload.HardwareOnly, Tunnel: &offload.Tunnel{}},
		}},
		routes: map[netip.Addr]int32{netip.MustParseAddr("192.0.2.2"): 21},
	}
}

func TestOffloadDevices(t *testing.T) {
	a, err := plugged().show(smartNIC(), "")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "offload-devices", a.Text())
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"kind":"representor"`, `"hw_tc_offload":"off"`, `"eswitch":"switchdev"`, `"firmware":"22.39.1002"`, `"mode":"hardware-only"`,
		`"fix":"ethtool -K enp3s0npf0vf3 hw-tc-offload on"`, `"interface":"vm3"`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s is not in %s", part, text)
		}
	}
}

// One device is found by any of its names.
func TestOffloadDevicesOne(t *testing.T) {
	for what, want := range map[string]string{"vm3": "enp3s0npf0vf3", "lp3": "enp3s0npf0vf3", "enp3s0npf0vf3": "enp3s0npf0vf3", "veth2": "veth2",
		"03:00.0": "eth0 enp3s0npf0vf3", "pci/0000:03:00.0": "eth0 enp3s0npf0vf3"} {
		a, err := plugged().show(smartNIC(), what)
		var names []string
		for _, d := range a.Devices {
			names = append(names, d.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", what, got, err, want)
		}
	}
	if _, err := plugged().show(smartNIC(), "eth77"); err == nil || !strings.Contains(err.Error(), "eth77 is no network device") {
		t.Errorf("eth77: %v", err)
	}
}
