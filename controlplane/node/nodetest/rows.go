package nodetest

import (
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// Switch makes a logical switch with a tunnel key and returns its datapath.
func (c *Chassis) Switch(key int64) ovsdb.UUID {
	c.t.Helper()
	return c.datapath(key, "logical-switch")
}

// Router makes a logical router.
func (c *Chassis) Router(key int64) ovsdb.UUID {
	c.t.Helper()
	return c.datapath(key, "logical-router")
}

func (c *Chassis) datapath(key int64, kind string) ovsdb.UUID {
	c.t.Helper()
	var name ovsdb.NamedUUID
	r := c.SB(func(tx *idl.Tx) {
		name = tx.Insert("Datapath_Binding", map[string]any{"tunnel_key": key,
			"external_ids": map[string]string{kind: "00000000-0000-0000-0000-000000000001"}})
	})
	return r.UUID(name)
}

// Port makes a Port_Binding; more holds columns besides the three.
func (c *Chassis) Port(dp ovsdb.UUID, name string, key int64, more map[string]any) ovsdb.UUID {
	c.t.Helper()
	row := map[string]any{"logical_port": name, "datapath": dp, "tunnel_key": key}
	for k, v := range more {
		row[k] = v
	}
	var id ovsdb.NamedUUID
	r := c.SB(func(tx *idl.Tx) { id = tx.Insert("Port_Binding", row) })
	return r.UUID(id)
}

// Set changes columns of a Port_Binding.
func (c *Chassis) Set(port ovsdb.UUID, row map[string]any) {
	c.t.Helper()
	c.SB(func(tx *idl.Tx) { tx.Update("Port_Binding", port, row) })
}

// Plug makes an interface of the integration bridge for a logical port and returns its Port row.
func (c *Chassis) Plug(lport string, ofport int64) ovsdb.UUID {
	c.t.Helper()
	return c.PlugInto(Bridge, "if-"+lport, map[string]any{"ofport": ofport, "external_ids": map[string]string{"iface-id": lport}})
}

// PlugInto makes a port with one interface on a bridge of the Open_vSwitch database.
func (c *Chassis) PlugInto(bridge, name string, iface map[string]any) ovsdb.UUID {
	c.t.Helper()
	row := map[string]any{"name": name}
	for k, v := range iface {
		row[k] = v
	}
	var port ovsdb.NamedUUID
	r := c.VSW(func(tx *idl.Tx) {
		port = tx.Insert("Port", map[string]any{"name": name, "interfaces": []any{tx.Insert("Interface", row)}})
		tx.Mutate("Bridge", c.World.VSW.BridgeByName.One(bridge).UUID, "ports", "insert", []any{port})
	})
	return r.UUID(port)
}

// Unplug removes the interface that Plug made.
func (c *Chassis) Unplug(lport string) {
	c.t.Helper()
	port := c.World.VSW.PortByName.One("if-" + lport)
	c.VSW(func(tx *idl.Tx) {
		tx.Mutate("Bridge", c.World.Bridge().UUID, "ports", "delete", []ovsdb.UUID{port.UUID})
	})
}

// AddBridge makes another bridge.
func (c *Chassis) AddBridge(name string) {
	c.t.Helper()
	c.VSW(func(tx *idl.Tx) {
		for root := range c.World.VSW.OpenVSwitch.All() {
			tx.Mutate("Open_vSwitch", root.UUID, "bridges", "insert", []any{tx.Insert("Bridge", map[string]any{"name": name})})
		}
	})
}
