package netdev

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/nl/nltest"
)

// body is that of RTM_NEWLINK for a link, as net/core/rtnetlink.c fills it.
func body(l Link) []byte {
	var e nl.Encoder
	binary.NativeEndian.PutUint32(e.Raw(ifinfoLen)[4:], uint32(l.Ifindex))
	e.String(unix.IFLA_IFNAME, l.Name)
	e.U32(unix.IFLA_MTU, 1500)
	if l.Lower != 0 {
		e.U32(unix.IFLA_LINK, uint32(l.Lower))
	}
	if l.Master != 0 {
		e.U32(unix.IFLA_MASTER, uint32(l.Master))
	}
	if l.PortName != "" {
		e.String(unix.IFLA_PHYS_PORT_NAME, l.PortName)
	}
	if l.SwitchID != "" {
		e.Put(unix.IFLA_PHYS_SWITCH_ID, []byte{0xb0, 0xe5, 0xa8})
	}
	info := e.Begin(unix.IFLA_LINKINFO)
	e.String(unix.IFLA_INFO_KIND, l.Kind)
	data := e.Begin(unix.IFLA_INFO_DATA)
	e.U8(unix.IFLA_BOND_MODE, l.BondMode)
	e.U32(unix.IFLA_BOND_MIIMON, 100)
	e.End(data)
	e.End(info)
	props := e.Begin(unix.IFLA_PROP_LIST | nl.Nested)
	for _, name := range l.AltNames {
		e.String(unix.IFLA_ALT_IFNAME, name)
	}
	e.End(props)
	if l.Parent != "" {
		e.String(unix.IFLA_PARENT_DEV_NAME, l.Parent)
		e.String(unix.IFLA_PARENT_DEV_BUS_NAME, l.Bus)
	}
	return e.Bytes()
}

func TestLinks(t *testing.T) {
	want := []Link{
		{Ifindex: 4, Name: "eth0", AltNames: []string{"enp3s0f0np0", "lan"}, Master: 40, SwitchID: "b0e5a8", PortName: "p0", Bus: "pci", Parent: "0000:03:00.0"},
		{Ifindex: 22, Name: "eth0.7", Kind: "vlan", Lower: 4},
		{Ifindex: 40, Name: "bond0", Kind: "bond", BondMode: 4},
	}
	changes := 2
	wire := nltest.New(0, func(m nl.Message) (all [][]byte) {
		if m.Type != unix.RTM_GETLINK || m.Flags&nl.FlagDump != nl.FlagDump || len(m.Body) != ifinfoLen+8 {
			t.Errorf("asked %+v", m)
		}
		flags := uint16(nl.FlagMulti)
		if changes--; changes >= 0 {
			flags |= nl.FlagDumpIntr
		}
		for _, l := range want {
			all = append(all, nltest.Message(unix.RTM_NEWLINK, flags, m.Seq, body(l)))
		}
		return append(all, nltest.Done(m, flags, nltest.Refusal{}))
	})
	got, err := links(t.Context(), nl.NewConn(wire, nl.Options{BodyHeader: ifinfoLen}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	changes = 100
	got, err = links(t.Context(), nl.NewConn(wire, nl.Options{BodyHeader: ifinfoLen}))
	if !errors.Is(err, nl.ErrInterrupted) || !disturbed(err) || len(got) != len(want) {
		t.Errorf("a list that changes for ever: %+v, %v", got, err)
	}
}

// A number of another namespace is no number here.
func TestLinkElsewhere(t *testing.T) {
	var e nl.Encoder
	binary.NativeEndian.PutUint32(e.Raw(ifinfoLen)[4:], 7)
	e.String(unix.IFLA_IFNAME, "veth0")
	e.U32(unix.IFLA_LINK, 3)
	e.U32(unix.IFLA_LINK_NETNSID, 0)
	if l, err := decodeLink(nl.Message{Type: unix.RTM_NEWLINK, Body: e.Bytes()}); err != nil || l.Lower != 0 {
		t.Errorf("%+v, %v", l, err)
	}
}

func FuzzDecodeLink(f *testing.F) {
	f.Add(body(Link{Ifindex: 4, Name: "eth0", AltNames: []string{"lan"}, Master: 40, SwitchID: "x", PortName: "p0", Bus: "pci", Parent: "0000:03:00.0"}))
	f.Add(body(Link{Ifindex: 40, Name: "bond0", Kind: "bond", BondMode: 4}))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := decodeLink(nl.Message{Type: unix.RTM_NEWLINK, Body: b})
		if err == nil && (l.Ifindex <= 0 || l.Name == "") {
			t.Errorf("%+v", l)
		}
		s := Sources{Links: []Link{l}, Sysfs: sysfs()} // what was read is classified, whatever it is
		s.Inventory()
	})
}

// TestLook asks the kernel of this machine, for which nothing is needed.
func TestLook(t *testing.T) {
	in, err := Look(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	lo := in.ByName("lo")
	if lo == nil || lo.Ifindex != 1 || lo.Kind != Software || in.Kernel == "" {
		t.Errorf("kernel %q, lo %+v, of %d devices", in.Kernel, lo, len(in.Devices))
	}
	t.Logf("\n%s", in.text())
}
