package main

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// The devices in the guest: p1, p3 and p4 are ports of the switch, e1, e3 and e4 their other ends; tun is the tunnel's. The numbers are those
// of the ports in rules and in OpenFlow.
const (
	portA, portB, portC = 1, 3, 4
	tunnelPort          = 2
	tunnelDevice        = "tun"
)

var (
	nearEnd = netip.MustParseAddr("172.16.0.1")
	farEnd  = netip.MustParseAddr("172.16.0.2")
)

// Lines for ip(8) that make the tunnel's device, and remove it: Open vSwitch wants one of its own for the same port of UDP.
const (
	addTunnel    = "link add " + tunnelDevice + " type geneve external dstport 6081\nlink set " + tunnelDevice + " up\n"
	removeTunnel = "link del " + tunnelDevice + "\n"
)

// wire makes the devices in the guest's first network namespace, which nothing else uses.
func wire() error {
	for _, file := range []string{"all", "default"} {
		// The stack is not to send of its own accord.
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+file+"/disable_ipv6", []byte("1"), 0o600); err != nil {
			return err
		}
	}
	var lines strings.Builder
	fmt.Fprintf(&lines, "link set lo up\nlink add u0 type veth peer name u1\nlink set u0 up\nlink set u1 up\naddr add %s/24 dev u0\n", nearEnd)
	fmt.Fprintf(&lines, "neigh replace %s lladdr 02:00:00:00:0f:02 nud permanent dev u0\n", farEnd)
	lines.WriteString(addTunnel)
	for _, n := range []int{portA, portB, portC} {
		fmt.Fprintf(&lines, "link add p%d type veth peer name e%d\nlink set p%d up\nlink set e%d up\n", n, n, n, n)
	}
	_, err := batch("ip", lines.String())
	return err
}

// unwire removes the devices.
func unwire() error {
	lines := "link del u0\n" + removeTunnel
	for _, n := range []int{portA, portB, portC} {
		lines += fmt.Sprintf("link del p%d\n", n)
	}
	_, err := batch("ip", lines)
	return err
}

// ports are the devices as the target knows them.
func ports() (list []offload.Port) {
	for _, n := range []uint32{portA, portB, portC} {
		list = append(list, offload.Port{Ofport: n, Device: fmt.Sprintf("p%d", n), Mode: offload.Software})
	}
	return append(list, offload.Port{Ofport: tunnelPort, Device: tunnelDevice, Mode: offload.Software,
		Tunnel: &offload.Tunnel{Type: "geneve", Local: nearEnd, Remote: farEnd, DstPort: 6081, Csum: true}})
}

// devices are the names of those that have filters.
func devices() []string { return []string{"p1", "p3", "p4", tunnelDevice} }

// newTarget is the product's way to the kernel. The caller calls both functions.
func newTarget() (t *tc.Target, end func(), err error) {
	links, err := tc.NewLinks(0)
	if err != nil {
		return nil, nil, err
	}
	t = tc.New(tc.Config{Links: links, Dial: func() (*flower.Conn, error) { return flower.Dial(flower.Config{}) }})
	return t, func() {
		_ = t.Close()
		links.Close()
	}, nil
}
