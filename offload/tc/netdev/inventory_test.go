package netdev

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/devlink"
	"github.com/sluice-gw/sluice/offload/tc/ethtool"
)

// text is an inventory as people would write it down.
func (in *Inventory) text() string {
	var b strings.Builder
	for _, d := range in.Devices {
		fmt.Fprintf(&b, "%s: %s", d.Name, d.Kind)
		for _, x := range []struct{ label, value string }{{"", d.What}, {"at", d.Address()}, {"function", d.Function}, {"driver", d.Driver}, {"firmware", d.Firmware()},
			{"mode", d.Mode()}, {"switch", d.SwitchID}} {
			if x.value != "" {
				b.WriteString(", " + strings.TrimSpace(x.label+" "+x.value))
			}
		}
		if d.HWTC != Fixed {
			fmt.Fprintf(&b, ", hw-tc-offload %s", d.HWTC)
		}
		b.WriteString("\n")
		if d.Lack != (offload.Lack{}) {
			fmt.Fprintf(&b, "    why: %s\n    fix: %s\n", d.Lack.Why, d.Lack.Fix)
		}
	}
	fmt.Fprintf(&b, "hardware: %s\n", in.Hardware())
	for _, u := range in.Unknown {
		fmt.Fprintf(&b, "unknown: %s\n", u)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// symlink is a link in a double of sysfs, where it leads to from the root.
func symlink(at, to string) (string, *fstest.MapFile) {
	up := strings.Repeat("../", strings.Count(at, "/"))
	return at, &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte(up + to)}
}

// sysfs is of a card with two functions, of which the first has a virtual function with number 3.
func sysfs() Sysfs {
	m := fstest.MapFS{}
	put := func(at, to string) { name, f := symlink(at, to); m[name] = f }
	for _, pci := range []string{"0000:03:00.0", "0000:03:00.1", "0000:03:00.5", "0000:06:00.0"} {
		put("bus/pci/devices/"+pci, "devices/pci0000:00/"+pci)
		driver := "mlx5_core"
		if pci == "0000:06:00.0" {
			driver = "virtio_net"
		}
		m["bus/pci/drivers/"+driver+"/bind"] = &fstest.MapFile{}
		put("devices/pci0000:00/"+pci+"/driver", "bus/pci/drivers/"+driver)
		put("devices/pci0000:00/"+pci+"/subsystem", "bus/pci")
		m["devices/pci0000:00/"+pci+"/config"] = &fstest.MapFile{}
	}
	put("devices/pci0000:00/0000:03:00.0/virtfn3", "devices/pci0000:00/0000:03:00.5")
	put("devices/pci0000:00/0000:03:00.5/physfn", "devices/pci0000:00/0000:03:00.0")
	m["devices/pci0000:00/0000:06:00.0/net/ens6/ifindex"] = &fstest.MapFile{Data: []byte("60\n")}
	put("devices/pci0000:00/0000:06:00.0/net/ens6/device", "devices/pci0000:00/0000:06:00.0")
	put("class/net/ens6", "devices/pci0000:00/0000:06:00.0/net/ens6")
	return Sysfs{m}
}

var (
	pf0 = devlink.Handle{Bus: "pci", Name: "0000:03:00.0"}
	pf1 = devlink.Handle{Bus: "pci", Name: "0000:03:00.1"}
	vf  = devlink.Handle{Bus: "pci", Name: "0000:03:00.5"}
)

const id = "b0e5a8feff3c0d08"

// machine has a card with two ports, a representor, a function, tunnels and software.
func machine() *Sources {
	info := devlink.Info{Driver: "mlx5_core", Running: []devlink.Version{{Name: "fw.version", Value: "22.39.1002"}}}
	return &Sources{
		Kernel: "6.1.0-53-amd64", Sysfs: sysfs(),
		Links: []Link{
			{Ifindex: 1, Name: "lo"},
			{Ifindex: 4, Name: "eth0", Bus: "pci", Parent: pf0.Name, SwitchID: id, PortName: "p0"},
			{Ifindex: 5, Name: "eth1", Bus: "pci", Parent: pf1.Name, SwitchID: id, PortName: "p1"},
			{Ifindex: 9, Name: "eth0_3", AltNames: []string{"enp3s0f0npf0vf3"}, Bus: "pci", Parent: pf0.Name, SwitchID: id, PortName: "pf0vf3"},
			{Ifindex: 10, Name: "enp3s0v3", Bus: "pci", Parent: vf.Name},
			{Ifindex: 20, Name: "genev_sys_6081", Kind: "geneve"},
			{Ifindex: 21, Name: "br-int", Kind: "openvswitch"},
			{Ifindex: 22, Name: "eth0.7", Kind: "vlan", Lower: 4},
			{Ifindex: 30, Name: "veth1", Kind: "veth"},
		},
		Cards: []devlink.Device{
			{Handle: pf0, Info: info, Eswitch: &devlink.Eswitch{Mode: devlink.Switchdev}, Ports: []devlink.Port{
				{Handle: pf0, Index: 65535, Ifindex: 4, Netdev: "eth0"},
				{Handle: pf0, Index: 4, Flavour: devlink.PCIVF, VF: 3, Ifindex: 9, Netdev: "eth0_3"}}},
			{Handle: pf1, Info: info, Eswitch: &devlink.Eswitch{Mode: devlink.Switchdev}, Ports: []devlink.Port{{Handle: pf1, Index: 65535, Number: 1, Ifindex: 5, Netdev: "eth1"}}},
			{Handle: vf, Info: info, Ports: []devlink.Port{{Handle: vf, Flavour: devlink.Virtual, Ifindex: 10, Netdev: "enp3s0v3"}}},
		},
		HWTC: map[int32]ethtool.Feature{4: {On: true, Changeable: true}, 5: {On: true, Changeable: true}, 9: {On: true, Changeable: true}, 10: {Changeable: true}, 20: {}, 30: {}},
	}
}

// bonded has eth0 and eth1 in a bond.
func bonded(mode uint8) *Sources {
	s := machine()
	s.Links = append(s.Links, Link{Ifindex: 40, Name: "bond0", Kind: "bond", BondMode: mode})
	s.Links[1].Master, s.Links[2].Master = 40, 40
	return s
}

func TestInventory(t *testing.T) {
	for name, s := range map[string]*Sources{
		"switchdev": machine(),
		"legacy": func() *Sources {
			s := machine()
			for i := range s.Cards[:2] {
				s.Cards[i].Eswitch = &devlink.Eswitch{}
			}
			s.Cards[0].Ports = s.Cards[0].Ports[:1]
			s.Links = append(s.Links[:3], s.Links[4:]...)
			s.HWTC[4] = ethtool.Feature{Changeable: true}
			return s
		}(),
		"off": func() *Sources {
			s := machine()
			for _, i := range []int32{4, 5, 9} {
				s.HWTC[i] = ethtool.Feature{Changeable: true}
			}
			return s
		}(),
		"software": {Links: []Link{{Ifindex: 60, Name: "ens6"}, {Ifindex: 61, Name: "vxlan_sys_4789", Kind: "vxlan"}, {Ifindex: 62, Name: "tap0", Kind: "tun"}},
			Sysfs: sysfs(), HWTC: map[int32]ethtool.Feature{}},
		// What a kernel of 2017 with an early card tells.
		"old": func() *Sources {
			s := machine()
			s.HWTC, s.Unknown = nil, []string{"hw-tc-offload of all devices: ethtool: the kernel has no such family of generic netlink"}
			for i := range s.Cards {
				s.Cards[i].Info, s.Cards[i].Refused = devlink.Info{}, []string{"driver and versions of " + s.Cards[i].Handle.String() + ": devlink: device or resource busy"}
				for j := range s.Cards[i].Ports {
					s.Cards[i].Ports[j] = devlink.Port{Handle: s.Cards[i].Handle, Flavour: devlink.NoFlavour, Ifindex: s.Cards[i].Ports[j].Ifindex}
				}
			}
			return s
		}(),
		"bond-lacp":       bonded(4),
		"bond-roundrobin": bonded(0),
		"bond-other-card": func() *Sources {
			s := bonded(1)
			s.Links[2].SwitchID = "0011223344556677"
			return s
		}(),
		"bond-off": func() *Sources {
			s := bonded(2)
			s.HWTC[5] = ethtool.Feature{Changeable: true}
			return s
		}(),
		"bond-software": func() *Sources {
			s := bonded(4)
			s.Links[2].Master, s.Links[8].Master = 0, 40
			return s
		}(),
		"bond-empty": {Links: []Link{{Ifindex: 40, Name: "bond0", Kind: "bond", BondMode: 9}}, Sysfs: sysfs()},
	} {
		golden(t, name, s.Inventory().text())
	}
}

func TestLookups(t *testing.T) {
	in := machine().Inventory()
	if d := in.ByIndex(9); d == nil || d.Name != "eth0_3" || in.ByIndex(8) != nil {
		t.Errorf("by number: %+v", d)
	}
	if d := in.ByName("enp3s0f0npf0vf3"); d == nil || d.Ifindex != 9 || in.ByName("eth7") != nil {
		t.Errorf("by name: %+v", d)
	}
	for address, want := range map[string]string{
		"pci/0000:03:00.0": "eth0 eth0_3 enp3s0v3", "0000:03:00.0": "eth0 eth0_3 enp3s0v3", "03:00.5": "eth0_3 enp3s0v3", "pci/0000:03:00.5": "eth0_3 enp3s0v3", "04:00.0": "", "": "",
	} {
		var names []string
		for _, d := range in.At(address) {
			names = append(names, d.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("at %q: %q, want %q", address, got, want)
		}
	}
	lacks := bonded(0).Inventory().Lacks()
	if _, bad := lacks["eth0"]; bad || lacks["veth1"].Why == "" || lacks["bond0"].Fix == "" {
		t.Errorf("lacks %+v", lacks)
	}
}

// sysfs shows the devices of one namespace, in which the name can be another device's.
func TestOwner(t *testing.T) {
	s := sysfs()
	if bus, name := s.Owner(&Link{Ifindex: 60, Name: "ens6"}); bus != "pci" || name != "0000:06:00.0" {
		t.Errorf("owner %s/%s", bus, name)
	}
	if bus, name := s.Owner(&Link{Ifindex: 61, Name: "ens6"}); bus != "" || name != "" {
		t.Errorf("another device's owner %s/%s", bus, name)
	}
	if pf, n, ok := s.Physical("pci", vf.Name); !ok || n != 3 || pf != pf0.Name {
		t.Errorf("VF %d of %s, %v", n, pf, ok)
	}
	loop := Sysfs{fstest.MapFS{"a/driver": {Mode: fs.ModeSymlink, Data: []byte("../a/driver")}}}
	if got := loop.base("a", "driver"); got != "" || loop.base("b", path.Base("b")) != "" {
		t.Errorf("a link to itself leads to %q", got)
	}
}
