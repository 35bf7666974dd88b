// Package load generates Northbound configurations of any size, for benchmarks and for tests at scale: logical switches with ports on a
// distributed router, with or without the ACLs, load balancers and gateway that a real deployment has.
package load

import (
	"fmt"

	"github.com/sluice-gw/sluice/test/ovsrpc"
)

// Size is how much to generate.
type Size struct {
	Switches, Ports int // ports of each switch
}

// ParseSize understands "50x20": 50 switches of 20 ports.
func ParseSize(s string) (Size, error) {
	var z Size
	if n, err := fmt.Sscanf(s, "%dx%d", &z.Switches, &z.Ports); err != nil || n != 2 || z.Switches < 1 || z.Switches > 250 || z.Ports < 1 || z.Ports > 10000 || z.String() != s {
		return Size{}, fmt.Errorf("size %q: want SWITCHESxPORTS, with 1 to 250 switches of 1 to 10000 ports", s)
	}
	return z, nil
}

func (z Size) String() string { return fmt.Sprintf("%dx%d", z.Switches, z.Ports) }

// MAC is the n-th of a series of locally administered addresses.
func MAC(n int) string {
	return fmt.Sprintf("0a:00:%02x:%02x:%02x:%02x", n>>24&255, n>>16&255, n>>8&255, n&255)
}

// IP is the address of a port: switch s has the network 10.s.0.0/16.
func IP(s, p int) string { return fmt.Sprintf("10.%d.%d.%d", s, p/250+1, p%250+1) }

// Kinds of MAC addresses, which keep the series apart.
const (
	routerMAC  = 0xff000000
	gatewayMAC = 0xfe000000
	addedMAC   = 0x40000000
)

// PortName is the name of port p of switch s.
func PortName(s, p int) string { return fmt.Sprintf("ls%d-p%d", s, p) }

// addresses is what a port says about itself in "addresses" and "port_security".
func addresses(s, p int) string { return MAC(s<<16|p) + " " + IP(s, p) }

// PlainSwitches adds switches first, first+1, ... with their ports to an existing router, without anything else.
func PlainSwitches(nb *ovsrpc.Client, router string, first int, z Size) error {
	for s := first; s < first+z.Switches; s++ {
		var ops []ovsrpc.Op
		var ports []any
		for p := range z.Ports {
			name := fmt.Sprintf("p%d", p)
			ops = append(ops, ovsrpc.Insert("Logical_Switch_Port", name, map[string]any{"name": PortName(s, p), "addresses": addresses(s, p)}))
			ports = append(ports, ovsrpc.Named(name))
		}
		ops = append(ops, routerPortOf(s), switchOf(s, ports, nil),
			ovsrpc.Insert("Logical_Router_Port", "lrp", routerPort(s)),
			ovsrpc.Mutate("Logical_Router", "name", router, "ports", "insert", ovsrpc.Set(ovsrpc.Named("lrp"))))
		if _, err := nb.Transact(ops...); err != nil {
			return err
		}
	}
	return nil
}

// routerPort is the router's port on switch s.
func routerPort(s int) map[string]any {
	return map[string]any{"name": fmt.Sprintf("lr0-ls%d", s), "mac": MAC(routerMAC + s), "networks": fmt.Sprintf("10.%d.0.1/16", s)}
}

// routerPortOf is the switch's port towards the router, which switchOf refers to as "rp".
func routerPortOf(s int) ovsrpc.Op {
	return ovsrpc.Insert("Logical_Switch_Port", "rp", map[string]any{
		"name": fmt.Sprintf("ls%d-lr0", s), "type": "router", "addresses": "router",
		"options": ovsrpc.Map(map[string]string{"router-port": fmt.Sprintf("lr0-ls%d", s)})})
}

func switchOf(s int, ports []any, more map[string]any) ovsrpc.Op {
	row := map[string]any{"name": fmt.Sprintf("ls%d", s), "ports": ovsrpc.Set(append(ports, ovsrpc.Named("rp"))...)}
	for k, v := range more {
		row[k] = v
	}
	return ovsrpc.Insert("Logical_Switch", "ls", row)
}
