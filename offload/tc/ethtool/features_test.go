package ethtool

import (
	"encoding/binary"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/genetlink/genltest"
	"github.com/mdlayher/netlink"

	"github.com/sluice-gw/sluice/internal/genl"
	"github.com/sluice-gw/sluice/internal/testkit/guest"
)

type attrs = func(*netlink.AttributeEncoder) error

func nest(typ uint16, of ...attrs) attrs {
	return func(e *netlink.AttributeEncoder) error {
		e.Nested(typ, func(e *netlink.AttributeEncoder) error {
			for _, a := range of {
				if err := a(e); err != nil {
					return err
				}
			}
			return nil
		})
		return nil
	}
}

func u32(typ uint16, v uint32) attrs {
	return func(e *netlink.AttributeEncoder) error { e.Uint32(typ, v); return nil }
}

func words(v ...uint32) attrs {
	return func(e *netlink.AttributeEncoder) error {
		var b []byte
		for _, w := range v {
			b = binary.NativeEndian.AppendUint32(b, w)
		}
		e.Bytes(attrBitsetValue, b)
		return nil
	}
}

func message(t testing.TB, of ...attrs) []byte {
	t.Helper()
	e := netlink.NewAttributeEncoder()
	for _, a := range of {
		if err := a(e); err != nil {
			t.Fatal(err)
		}
	}
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// device is an answer to msgFeaturesGet: bit sets of 64 bits as the kernel fills them (net/ethtool/features.c).
func device(t testing.TB, ifindex uint32, hw, active, nochange [2]uint32) []byte {
	const attrFeaturesWanted, attrBitsetNomask, attrBitsetSize = 3, 1, 2
	set := func(typ uint16, v [2]uint32) attrs {
		return nest(typ, func(e *netlink.AttributeEncoder) error { e.Flag(attrBitsetNomask, true); return nil }, u32(attrBitsetSize, 64), words(v[:]...))
	}
	return message(t, nest(attrFeaturesHeader, u32(attrHeaderIfindex, ifindex)),
		set(attrFeaturesHW, hw), set(attrFeaturesWanted, active), set(attrFeaturesActive, active), set(attrFeaturesNochange, nochange))
}

func strings64(t testing.TB, index uint32, name string) []byte {
	value := func(e *netlink.AttributeEncoder) error { e.String(attrStringValue, name); return nil }
	return message(t, nest(attrStrsetStringsets, nest(attrStringset, u32(attrStringsetID, stringsetFeatures), u32(2, 64),
		nest(attrStringsetStrings, nest(attrString, u32(attrStringIndex, index), value)))))
}

func TestFeatures(t *testing.T) {
	const bit = 1 << 5 // of the second word: feature 37
	answer := func(g genetlink.Message, n netlink.Message) ([]genetlink.Message, error) {
		if len(g.Data) < 4 || binary.NativeEndian.Uint16(g.Data[2:]) != attrFeaturesHeader|netlink.Nested { // it comes first, and must be there
			return nil, genltest.Error(int(syscall.EINVAL))
		}
		switch g.Header.Command {
		case msgStrsetGet:
			return []genetlink.Message{{Data: strings64(t, 37, HWTC)}}, nil
		case msgFeaturesGet:
			if n.Header.Flags&netlink.Dump == 0 {
				t.Error("features are not dumped")
			}
			return []genetlink.Message{
				{Data: device(t, 2, [2]uint32{0, bit}, [2]uint32{0, bit}, [2]uint32{})},
				{Data: device(t, 3, [2]uint32{0, bit}, [2]uint32{^uint32(0), ^uint32(bit)}, [2]uint32{})},
				{Data: device(t, 4, [2]uint32{^uint32(0), ^uint32(bit)}, [2]uint32{}, [2]uint32{})},
				{Data: device(t, 5, [2]uint32{0, bit}, [2]uint32{0, bit}, [2]uint32{0, bit})},
			}, nil
		}
		return nil, genltest.Error(int(syscall.EOPNOTSUPP))
	}
	conn, err := genl.New(t.Context(), genltest.Dial(genltest.ServeFamily(genetlink.Family{ID: 19, Version: 1, Name: "ethtool"}, answer)), "ethtool")
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{conn}
	defer c.Close()
	got, err := c.Features(HWTC)
	if err != nil {
		t.Fatal(err)
	}
	for ifindex, want := range map[int32]Feature{2: {true, true}, 3: {false, true}, 4: {false, false}, 5: {true, false}} {
		if got[ifindex] != want {
			t.Errorf("device %d: %+v, want %+v", ifindex, got[ifindex], want)
		}
	}
	if _, err := c.Features("tx-udp_tnl-levitation"); err == nil || !strings.Contains(err.Error(), "no feature tx-udp_tnl-levitation") {
		t.Errorf("a feature that there is not: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(uint32(37), device(f, 2, [2]uint32{0, 32}, [2]uint32{0, 32}, [2]uint32{}))
	f.Add(uint32(64), device(f, 2, [2]uint32{}, [2]uint32{}, [2]uint32{}))
	f.Add(uint32(0), strings64(f, 37, HWTC))
	f.Fuzz(func(t *testing.T, bit uint32, m []byte) {
		_ = genl.Decode(m, func(d *netlink.AttributeDecoder) error {
			_, err := decodeStrings(d)
			return err
		})
		var ifindex int32
		if err := genl.Decode(m, func(d *netlink.AttributeDecoder) (err error) {
			ifindex, _, err = decodeFeature(d, bit)
			return err
		}); err == nil && ifindex == 0 {
			t.Error("features of no device")
		}
	})
}

// TestKernelFeatures has the guest's kernel tell what "ethtool -k" would: it offers no filters to a veth device.
func TestKernelFeatures(t *testing.T) {
	guest.Need(t, "ip")
	if out, err := exec.Command("ip", "link", "add", "sluice-eth0", "type", "veth", "peer", "name", "sluice-eth1").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	defer exec.Command("ip", "link", "del", "sluice-eth0").Run()
	c, err := Dial(t.Context(), 0)
	if errors.Is(err, genl.ErrNoFamily) {
		t.Fatalf("%v: the guest's kernel lacks CONFIG_ETHTOOL_NETLINK", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tc, err := c.Features(HWTC)
	if err != nil || len(tc) < 2 {
		t.Fatalf("%+v, %v", tc, err)
	}
	carrier, err := c.Features("tx-scatter-gather")
	if err != nil {
		t.Fatal(err)
	}
	on := 0
	for ifindex, f := range tc {
		if f.On || f.Changeable {
			t.Errorf("device %d: %s is %+v", ifindex, HWTC, f)
		}
		if carrier[ifindex] == (Feature{true, true}) {
			on++
		}
	}
	if on < 2 { // both ends of the veth
		t.Errorf("tx-scatter-gather: %+v", carrier)
	}
}
