package load

import (
	"fmt"

	"github.com/sluice-gw/sluice/test/ovsrpc"
)

// Chassis is the name of the n-th chassis; 0 is the one that is measured.
func Chassis(n int) string { return fmt.Sprintf("hv%d", n) }

// Hosted are the names of the first n ports in an order that spreads them over the switches: the ports of the measured chassis.
func (z Size) Hosted(n int) []string {
	var names []string
	for i := range min(n, z.Switches*z.Ports) {
		names = append(names, PortName(i%z.Switches, i/z.Switches))
	}
	return names
}

// BindElsewhere makes chassis 1 to n in the Southbound database and binds every VIF to one of them, except those in keep.
func BindElsewhere(sb *ovsrpc.Client, n int, keep []string) error {
	var ops []ovsrpc.Op
	for c := 1; c <= n; c++ {
		encap, chassis := fmt.Sprintf("encap%d", c), fmt.Sprintf("chassis%d", c)
		ops = append(ops,
			ovsrpc.Insert("Encap", encap, map[string]any{
				"type": "geneve", "ip": fmt.Sprintf("192.0.2.%d", c+1), "chassis_name": Chassis(c), "options": ovsrpc.Map(map[string]string{"csum": "true"})}),
			ovsrpc.Insert("Chassis", chassis, map[string]any{"name": Chassis(c), "hostname": Chassis(c), "encaps": ovsrpc.Named(encap)}))
	}
	ops = append(ops, ovsrpc.Select("Port_Binding", "logical_port", "type"))
	results, err := sb.Transact(ops...)
	if err != nil {
		return err
	}
	var chassis []any
	for c := range n {
		chassis = append(chassis, ovsrpc.UUID(results[2*c+1].UUID[1]))
	}
	kept := map[string]bool{}
	for _, name := range keep {
		kept[name] = true
	}
	ops = nil
	for i, row := range results[2*n].Rows {
		if port := row.Text("logical_port"); row.Text("type") == "" && !kept[port] {
			ops = append(ops, ovsrpc.Update("Port_Binding", "logical_port", port, map[string]any{"chassis": chassis[i%n], "up": true}))
		}
	}
	const batch = 1000
	for len(ops) > 0 {
		k := min(batch, len(ops))
		if _, err := sb.Transact(ops[:k]...); err != nil {
			return err
		}
		ops = ops[k:]
	}
	return nil
}

// AddedPort is a port that is added to a full configuration while it runs, with its port group and address set.
type AddedPort struct {
	Name            string
	Switch, Address int // which switch, and the number of its address there
}

func (p AddedPort) ip() string { return IP(p.Switch, p.Address) }

// Add makes the operations that create the port.
func (p AddedPort) Add() []ovsrpc.Op {
	addresses := MAC(addedMAC|p.Switch<<16|p.Address) + " " + p.ip()
	return []ovsrpc.Op{
		ovsrpc.Insert("Logical_Switch_Port", "port", map[string]any{"name": p.Name, "addresses": addresses, "port_security": addresses}),
		ovsrpc.Mutate("Logical_Switch", "name", fmt.Sprintf("ls%d", p.Switch), "ports", "insert", ovsrpc.Set(ovsrpc.Named("port"))),
		ovsrpc.Mutate("Port_Group", "name", fmt.Sprintf("pg%d", p.Switch), "ports", "insert", ovsrpc.Set(ovsrpc.Named("port"))),
		ovsrpc.Mutate("Address_Set", "name", fmt.Sprintf("as%d", p.Switch), "addresses", "insert", ovsrpc.Set(p.ip())),
	}
}

// Delete makes the operations that delete the port with the given UUID again.
func (p AddedPort) Delete(id string) []ovsrpc.Op {
	return []ovsrpc.Op{
		ovsrpc.Mutate("Logical_Switch", "name", fmt.Sprintf("ls%d", p.Switch), "ports", "delete", ovsrpc.Set(ovsrpc.UUID(id))),
		ovsrpc.Mutate("Port_Group", "name", fmt.Sprintf("pg%d", p.Switch), "ports", "delete", ovsrpc.Set(ovsrpc.UUID(id))),
		ovsrpc.Mutate("Address_Set", "name", fmt.Sprintf("as%d", p.Switch), "addresses", "delete", ovsrpc.Set(p.ip())),
	}
}
