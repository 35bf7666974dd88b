package remote

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

// ip runs ip(8).
func ip(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %q: %v: %s", args, err, out)
	}
	return string(out)
}

// addresses is what ip(8) says of an interface and its default routes, without what the kernel counts.
func addresses(t *testing.T, ns string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(ip(t, "-n", ns, "addr", "show", "dev", "eth0") + ip(t, "-n", ns, "route", "show", "default") + ip(t, "-6", "-n", ns, "route", "show", "default")) {
		// The link-local address is tentative for a while, and comes when the carrier does.
		if !strings.Contains(line, "scope link") && !strings.Contains(line, "valid_lft") && !strings.Contains(line, "eth0: <") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// Two machines on a wire, one of them with an agent: their interfaces are set up, frames arrive as they were sent and are seen once, and in
// the end the interfaces are as they were.
func TestWire(t *testing.T) {
	capability.Skip(t, lab.Missing()...)
	names := [2]string{fmt.Sprintf("slwire%d-a", os.Getpid()), fmt.Sprintf("slwire%d-b", os.Getpid())}
	for _, name := range names {
		ip(t, "netns", "add", name)
		t.Cleanup(func() { ip(t, "netns", "del", name) })
	}
	ip(t, "link", "add", "eth0", "netns", names[0], "type", "veth", "peer", "name", "eth0", "netns", names[1])
	ip(t, "-n", names[1], "link", "set", "eth0", "up", "mtu", "1300")
	ip(t, "-n", names[1], "addr", "add", "192.0.2.2/24", "broadcast", "192.0.2.200", "dev", "eth0")
	ip(t, "-n", names[0], "link", "set", "eth0", "up")
	ip(t, "-n", names[1], "route", "add", "default", "via", "192.0.2.1", "metric", "77")
	was := [2]string{addresses(t, names[0]), addresses(t, names[1])}

	agent, err := Start("b", []string{"ip", "netns", "exec", names[1], "env", agentVariable + "=eth0", os.Args[0]}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	hosts := [2]probe.Host{probe.Local{Netns: &lab.Netns{Name: names[0]}, Interface: "eth0"}, agent}
	macs := [2]net.HardwareAddr{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}}
	addr := func(i int) [2]netip.Addr {
		return [2]netip.Addr{netip.MustParseAddr(fmt.Sprintf("10.0.0.%d", i+1)), netip.MustParseAddr(fmt.Sprintf("fd00::%d", i+1))}
	}
	for i, h := range hosts {
		config := probe.InterfaceConfig{MAC: macs[i], MTU: 1400, Gateways: []netip.Addr{addr(1 - i)[0]}}
		for k, bits := range []int{24, 64} {
			config.Addrs = append(config.Addrs, netip.PrefixFrom(addr(i)[k], bits))
		}
		restore, err := h.Configure(config)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			defer func() {
				if err := restore.Close(); err != nil {
					t.Error(err)
				}
				for i := range hosts {
					if now := addresses(t, names[i]); now != was[i] {
						t.Errorf("the interface was\n%sand is now\n%s", was[i], now)
					}
				}
			}()
		}
		if mac, err := h.MAC(); err != nil || !bytes.Equal(mac, macs[i]) {
			t.Errorf("MAC address %s, %v", mac, err)
		}
	}
	for i, h := range hosts {
		for _, to := range addr(1 - i) {
			if r, err := h.Ping(to, probe.PingOptions{Timeout: time.Minute, Size: 1400 - 48, DontFragment: true}); err != nil || r.Err() != nil || r.Median() <= 0 {
				t.Errorf("ping %s: %+v, %v", to, r, err)
			}
		}
		if r, err := h.Ping(netip.MustParseAddr("10.0.0.77"), probe.PingOptions{Count: 1, Timeout: time.Millisecond}); err != nil || r.Received != 0 || r.Sent != 1 {
			t.Errorf("ping of nobody: %+v, %v", r, err)
		}
		watchFrames(t, h, hosts[1-i], macs[i], macs[1-i])
	}
	// The agent puts back what it has set up when it is left.
	if err := agent.Close(); err != nil {
		t.Error(err)
	}
}

// watchFrames sends frames from one host, and has the other watch for some of them.
func watchFrames(t *testing.T, from, to probe.Host, src, dst net.HardwareAddr) {
	t.Helper()
	watch, err := to.Watch([]byte("one mark"), []byte("another"))
	if err != nil {
		t.Fatal(err)
	}
	var sent [][]byte
	for _, payload := range []string{"unseen", "with one mark", "neither", "and another", "with one mark"} {
		frame, err := probe.Frame(&layers.Ethernet{SrcMAC: src, DstMAC: dst, EthernetType: 0x88b5}, gopacket.Payload(payload+strings.Repeat(".", 60)))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(payload, " ") {
			sent = append(sent, frame)
		}
		if err := from.SendFrame(frame); err != nil {
			t.Fatal(err)
		}
	}
	got, err := watch.Await(2, time.Minute)
	if err != nil || len(got) < 2 {
		t.Errorf("%d frames, %v", len(got), err)
	}
	if more, err := watch.Await(4, time.Millisecond); err != nil || len(more) > 3 {
		t.Errorf("%d frames, %v", len(more), err)
	}
	all, err := watch.Close()
	if err != nil || len(all) != len(sent) {
		t.Errorf("%d of %d frames seen, %v", len(all), len(sent), err)
	}
	for i := range min(len(all), len(sent)) {
		if !bytes.Equal(all[i], sent[i]) {
			t.Errorf("sent %x, saw %x", sent[i], all[i])
		}
	}
}
