package tc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/flower"
	"github.com/sluice-gw/sluice/offload/tc/netdev"
)

// simBus is where the kernel's simulated network cards are made (drivers/net/netdevsim).
const simBus = "/sys/bus/netdevsim"

// simCards makes simulated cards with one port each, and gives the numbers of their network devices. The cards end with the test.
func simCards(t *testing.T, namespace int, ids ...int) (ifindexes []int32) {
	t.Helper()
	for _, id := range ids {
		write(t, filepath.Join(simBus, "new_device"), fmt.Sprintf("%d 1", id))
		t.Cleanup(func() { write(t, filepath.Join(simBus, "del_device"), fmt.Sprint(id)) })
	}
	in := look(t, namespace)
	for _, id := range ids {
		at := in.At(fmt.Sprintf("netdevsim/netdevsim%d", id))
		if len(at) != 1 {
			t.Fatalf("card %d has devices %+v", id, at)
		}
		ifindexes = append(ifindexes, at[0].Ifindex)
	}
	return ifindexes
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o200); err != nil {
		t.Fatal(err)
	}
}

func look(t *testing.T, namespace int) *netdev.Inventory {
	t.Helper()
	in, err := netdev.Look(t.Context(), namespace)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// carryOut runs the commands of a fix. ethtool(8) may not be there: what it would ask for is asked for.
func carryOut(t *testing.T, namespace int, fix string) {
	t.Helper()
	for command := range strings.SplitSeq(fix, " && ") {
		words := strings.Fields(command)
		if words[0] == "ethtool" {
			offerFilters(t, namespace, words[2])
			continue
		}
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
}

// offerFilters is "ethtool -K DEVICE hw-tc-offload on" (ETHTOOL_MSG_FEATURES_SET, linux/ethtool_netlink.h).
func offerFilters(t *testing.T, namespace int, device string) {
	t.Helper()
	conn, err := genetlink.Dial(&netlink.Config{NetNS: namespace})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	family, err := conn.GetFamily("ethtool")
	if err != nil {
		t.Fatal(err)
	}
	const featuresSet, header, wanted, deviceName, bits, bit, bitName, bitValue = 12, 1, 3, 2, 3, 1, 2, 3
	type attrs = *netlink.AttributeEncoder
	e := netlink.NewAttributeEncoder()
	e.Nested(header, func(e attrs) error { e.String(deviceName, device); return nil })
	e.Nested(wanted, func(e attrs) error {
		e.Nested(bits, func(e attrs) error {
			e.Nested(bit, func(e attrs) error {
				e.String(bitName, "hw-tc-offload")
				e.Flag(bitValue, true)
				return nil
			})
			return nil
		})
		return nil
	})
	data, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	request := genetlink.Message{Header: genetlink.Header{Command: featuresSet, Version: family.Version}, Data: data}
	if _, err := conn.Execute(request, family.ID, netlink.Request|netlink.Acknowledge); err != nil {
		t.Fatalf("switch hw-tc-offload of %s on: %v", device, err)
	}
}

// TestKernelDevlinkNetdevsim has the kernel's simulated card, whose eSwitch has a mode and ports like others' but whose driver takes no
// filter of flower. The commands that are told as fixes work; after them the driver is asked, its refusals are reported in its words, and
// packets take the fallback, a bridge here, as if nothing was there.
func TestKernelDevlinkNetdevsim(t *testing.T) {
	guest.Need(t, "ip", "tc", "devlink")
	if _, err := os.Stat(simBus); errors.Is(err, os.ErrNotExist) {
		capability.Skip(t, capability.Missing{Capability: "netdevsim", Reason: "the guest's kernel has no netdevsim; \"make hil\" runs this test with one that has it"})
		return
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	quiet(t)
	fd := namespace(t)
	cards := simCards(t, fd, 71, 72, 73, 74)
	for _, pair := range [][2]int32{{cards[0], cards[1]}, {cards[2], cards[3]}} { // a cable between two of them
		write(t, filepath.Join(simBus, "link_device"), fmt.Sprintf("%d:%d %d:%d", fd, pair[0], fd, pair[1]))
	}
	write(t, filepath.Join(simBus, "devices/netdevsim71/sriov_numvfs"), "1")

	for _, i := range []int{0, 2} {
		d := look(t, fd).ByIndex(cards[i])
		if !strings.Contains(d.Lack.Why, "legacy mode") || d.Kind != netdev.Uplink || d.Driver != "netdevsim" {
			t.Fatalf("card in legacy mode: %+v", d)
		}
		t.Logf("%s: %s; fix: %s", d.Name, d.Lack.Why, d.Lack.Fix)
		carryOut(t, fd, d.Lack.Fix)
	}
	in := look(t, fd)
	for _, i := range []int{0, 2} {
		if d := in.ByIndex(cards[i]); d.Lack != (offload.Lack{}) || d.Mode() != "switchdev" || d.SwitchID == "" {
			t.Fatalf("card in switchdev mode: %+v", d)
		}
	}
	vf := representor(in)
	if vf == nil || vf.What != "VF 0 of PF 0" || vf.SwitchID != in.ByIndex(cards[0]).SwitchID || vf.Address() != "netdevsim/netdevsim71" {
		t.Errorf("representor: %+v", vf)
	}

	c := bridged(t, fd, in, cards)
	caps, err := c.target.Caps(t.Context())
	if err != nil || !strings.Contains(caps.Target, "netdevsim") || len(caps.Devices[in.ByIndex(cards[0]).Name].Why) > 0 {
		t.Errorf("%v, target %q, devices %+v", err, caps.Target, caps.Devices)
	}
	rules := rulesOf(t, `
		phy_to_log 10 match(in_port=1, eth.type=0x800) { dec_ttl; to_port 3; }
		phy_to_log 10 match(in_port=3, eth.type=0x800) { dec_ttl; to_port 1; }`)
	p := packetOf(t, packets[1])
	refused := c.program(rules).Failures
	const words = "only offload of BPF classifiers supported"
	if len(refused) == 0 || !strings.Contains(refused[0].Detail, words) {
		t.Errorf("failures: %+v, want %q", refused, words)
	}
	c.send(1, p.Frame())
	if got := c.receive(3, guest.Patience); string(got) != string(p.Frame()) {
		t.Errorf("through the fallback came % x, sent was % x; there is\n%s", got, p.Frame(), c.list(c.ports[0].Device))
	}
	for i := range c.ports { // in the card if it can be
		c.ports[i].Mode = offload.HardwareToo
	}
	if r := c.program(rules); len(r.Failures) > 0 {
		t.Errorf("failures: %+v", r.Failures)
	}
	c.expect(ir.NewPipeline(rules...), ir.NewConntrack(), p)
}

// representor is the first one.
func representor(in *netdev.Inventory) *netdev.Device {
	for _, d := range in.Devices {
		if d.Kind == netdev.Representor {
			return d
		}
	}
	return nil
}

// bridged is a chassis with the first and third device as ports 1 and 3, on a bridge; the other two are the far ends.
func bridged(t *testing.T, fd int, in *netdev.Inventory, cards []int32) *chassis {
	t.Helper()
	lines := "link add br0 type bridge\nlink set br0 up\n"
	for i, ifindex := range cards {
		name := in.ByIndex(ifindex).Name
		if i%2 == 0 {
			lines += fmt.Sprintf("link set %s master br0\n", name)
		}
		lines += fmt.Sprintf("link set %s up\n", name)
	}
	batch(t, "ip", lines)
	links, err := NewLinks(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(links.Close)
	c := &chassis{t: t, fd: fd, ends: map[uint32]int{1: socketOn(t, cards[1]), 3: socketOn(t, cards[3])}}
	c.target = New(Config{Links: links, Dial: func() (*flower.Conn, error) { return flower.Dial(flower.Config{NetNS: fd}) },
		Devices: func(ctx context.Context) (*netdev.Inventory, error) { return netdev.Look(ctx, fd) }})
	t.Cleanup(func() { _ = c.target.Close() })
	for _, n := range []uint32{1, 3} {
		c.ports = append(c.ports, offload.Port{Ofport: n, Device: in.ByIndex(cards[n-1]).Name, Ifindex: cards[n-1], Mode: offload.HardwareOnly})
	}
	return c
}
