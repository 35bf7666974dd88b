package load

import (
	"fmt"

	"github.com/sluice-gw/sluice/test/ovsrpc"
)

// balancers is how many load balancers a full configuration has on every switch and the router.
const balancers = 20

// Full writes a configuration like a real deployment's into an empty Northbound database: a distributed router on all switches with a
// gateway port and source NAT, on each switch a port group with an address set and four ACLs, port security on each port, and load
// balancers on everything.
func Full(nb *ovsrpc.Client, z Size) error {
	group, err := balancerGroup(nb, z)
	if err != nil {
		return err
	}
	if err := router(nb, z, group); err != nil {
		return err
	}
	for s := range z.Switches {
		var ops []ovsrpc.Op
		var ports []any
		var ips []string
		for p := range z.Ports {
			name := fmt.Sprintf("p%d", p)
			ops = append(ops, ovsrpc.Insert("Logical_Switch_Port", name, map[string]any{
				"name": PortName(s, p), "addresses": addresses(s, p), "port_security": addresses(s, p)}))
			ports = append(ports, ovsrpc.Named(name))
			ips = append(ips, IP(s, p))
		}
		ops = append(ops, acls(s)...)
		ops = append(ops,
			ovsrpc.Insert("Port_Group", "pg", map[string]any{"name": fmt.Sprintf("pg%d", s), "ports": ovsrpc.Set(ports...),
				"acls": ovsrpc.Set(ovsrpc.Named("acl0"), ovsrpc.Named("acl1"), ovsrpc.Named("acl2"), ovsrpc.Named("acl3"))}),
			ovsrpc.Insert("Address_Set", "addrs", map[string]any{"name": fmt.Sprintf("as%d", s), "addresses": ovsrpc.Set(ips...)}),
			routerPortOf(s), switchOf(s, ports, map[string]any{"load_balancer_group": group}))
		if _, err := nb.Transact(ops...); err != nil {
			return err
		}
	}
	return nil
}

// acls are the ACLs of the port group of switch s, named acl0 to acl3 within the transaction.
func acls(s int) []ovsrpc.Op {
	var ops []ovsrpc.Op
	for i, a := range []struct {
		direction string
		priority  int
		match     string
		action    string
	}{
		{"to-lport", 1000, fmt.Sprintf("outport == @pg%d && ip", s), "drop"},
		{"to-lport", 1002, fmt.Sprintf("outport == @pg%d && ip4 && ip4.src == $as%d && tcp.dst == {22, 80, 443}", s, s), "allow-related"},
		{"to-lport", 1002, fmt.Sprintf("outport == @pg%d && icmp4", s), "allow-related"},
		{"from-lport", 1002, fmt.Sprintf("inport == @pg%d && ip4", s), "allow-related"},
	} {
		ops = append(ops, ovsrpc.Insert("ACL", fmt.Sprintf("acl%d", i), map[string]any{
			"direction": a.direction, "priority": a.priority, "match": a.match, "action": a.action}))
	}
	return ops
}

// balancerGroup makes the load balancers, each with up to three backends, and returns a reference to their group.
func balancerGroup(nb *ovsrpc.Client, z Size) (any, error) {
	var ops []ovsrpc.Op
	var members []any
	for i := range balancers {
		backends := ""
		for p := range min(3, z.Ports) {
			if p > 0 {
				backends += ","
			}
			backends += IP(i%z.Switches, p) + ":8080"
		}
		name := fmt.Sprintf("lb%d", i)
		vip := fmt.Sprintf("172.16.0.%d:80", i+1)
		ops = append(ops, ovsrpc.Insert("Load_Balancer", name, map[string]any{"name": name, "protocol": "tcp", "vips": ovsrpc.Map(map[string]string{vip: backends})}))
		members = append(members, ovsrpc.Named(name))
	}
	ops = append(ops, ovsrpc.Insert("Load_Balancer_Group", "all", map[string]any{"name": "all", "load_balancer": ovsrpc.Set(members...)}))
	results, err := nb.Transact(ops...)
	if err != nil {
		return nil, err
	}
	return ovsrpc.UUID(results[len(ops)-1].UUID[1]), nil
}

// router makes the router lr0 with its gateway port, whose chassis is another than the measured one, and the public switch.
func router(nb *ovsrpc.Client, z Size, group any) error {
	ops := []ovsrpc.Op{
		ovsrpc.Insert("Gateway_Chassis", "gateway", map[string]any{"name": "gateway", "chassis_name": Chassis(1), "priority": 10}),
		ovsrpc.Insert("Logical_Router_Port", "public", map[string]any{
			"name": "lr0-public", "mac": MAC(gatewayMAC), "networks": "172.31.0.2/24", "gateway_chassis": ovsrpc.Named("gateway")}),
		ovsrpc.Insert("NAT", "snat", map[string]any{"type": "snat", "external_ip": "172.31.0.2", "logical_ip": "10.0.0.0/8"}),
		ovsrpc.Insert("Logical_Router_Static_Route", "default", map[string]any{"ip_prefix": "0.0.0.0/0", "nexthop": "172.31.0.1"}),
		ovsrpc.Insert("Logical_Switch_Port", "localnet", map[string]any{
			"name": "ln-public", "type": "localnet", "addresses": "unknown", "options": ovsrpc.Map(map[string]string{"network_name": "physnet1"})}),
		ovsrpc.Insert("Logical_Switch_Port", "toRouter", map[string]any{
			"name": "public-lr0", "type": "router", "addresses": "router", "options": ovsrpc.Map(map[string]string{"router-port": "lr0-public"})}),
		ovsrpc.Insert("Logical_Switch", "publicSwitch", map[string]any{
			"name": "public", "ports": ovsrpc.Set(ovsrpc.Named("localnet"), ovsrpc.Named("toRouter"))}),
	}
	ports := []any{ovsrpc.Named("public")}
	for s := range z.Switches {
		name := fmt.Sprintf("lrp%d", s)
		ops = append(ops, ovsrpc.Insert("Logical_Router_Port", name, routerPort(s)))
		ports = append(ports, ovsrpc.Named(name))
	}
	ops = append(ops, ovsrpc.Insert("Logical_Router", "lr0", map[string]any{
		"name": "lr0", "ports": ovsrpc.Set(ports...), "nat": ovsrpc.Named("snat"), "static_routes": ovsrpc.Named("default"), "load_balancer_group": group}))
	_, err := nb.Transact(ops...)
	return err
}
