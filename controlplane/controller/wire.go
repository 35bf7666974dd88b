package controller

import "github.com/sluice-gw/sluice/controlplane/engine"

// Names of the nodes that are spoken of elsewhere.
const (
	nodeLogical  = "logical_rules"
	nodePhysical = "physical_rules"
)

func (c *Controller) begin() {
	c.ifaces.Begin()
	c.tunnels.Begin()
	c.ports.Begin()
	c.local.Begin()
	c.zones.Begin()
}

// wire builds the graph. The order of the nodes is the order in which they run.
func (c *Controller) wire() {
	e := c.engine
	c.inSB = e.Input("SB")
	c.inVSW = e.Input("OVS")
	c.inSwitch = e.Input("switch")
	e.OnRecompute = c.recomputed
	updated := func(changed bool) engine.Result { return engine.UpdatedIf(changed).Result }

	cfg := e.Node("config", func() engine.Result { c.readConfig(); return engine.Updated })
	cfg.On(c.inVSW, func() engine.Verdict {
		if len(c.w.VSWChanges.OpenVSwitch) == 0 {
			return engine.Same
		}
		return engine.UpdatedIf(c.readConfig())
	})

	ifaces := e.Node("interfaces", func() engine.Result { c.ifaces.Reset(); return engine.Updated })
	ifaces.On(cfg, func() engine.Verdict { return engine.UpdatedIf(c.ifaces.Update()) })
	ifaces.On(c.inVSW, func() engine.Verdict { return engine.UpdatedIf(c.ifaces.Update()) })

	self := e.Node("chassis", func() engine.Result { c.chassis.Update(); return engine.Updated })
	self.On(cfg, func() engine.Verdict { c.chassis.Update(); return engine.Changed })
	self.On(c.inSB, func() engine.Verdict { return engine.UpdatedIf(c.chassis.Update()) })

	tunnels := e.Node("tunnels", func() engine.Result { c.tunnels.Invalidate(); c.tunnels.Update(); return engine.Updated })
	tunnels.On(ifaces, func() engine.Verdict {
		if !c.ifaces.TunnelsChanged {
			return engine.Same
		}
		c.tunnels.Invalidate()
		return engine.UpdatedIf(c.tunnels.Update())
	})
	tunnels.On(c.inVSW, func() engine.Verdict { c.tunnels.OnVSW(); return engine.Same })
	tunnels.On(cfg, func() engine.Verdict { c.tunnels.Invalidate(); return engine.Same })
	tunnels.On(self, func() engine.Verdict { c.tunnels.Invalidate(); return engine.Same })
	tunnels.On(c.inSB, func() engine.Verdict { c.tunnels.OnSB(); return engine.Same })

	ports := e.Node("bindings", func() engine.Result { return updated(c.ports.Recompute()) })
	ports.On(self, func() engine.Verdict { return engine.NeedRecompute("this chassis's row or configuration changed") })
	ports.On(ifaces, func() engine.Verdict { return engine.UpdatedIf(c.ports.UpdateIfaces()) })
	ports.On(c.inSB, func() engine.Verdict {
		ch := c.w.SBChanges
		changed := c.ports.UpdateRows()
		if len(ch.HAChassisGroup)+len(ch.HAChassis)+len(ch.Chassis) > 0 {
			changed = c.ports.UpdateGroups() || changed
		}
		return engine.UpdatedIf(changed)
	})
	ports.On(c.inSwitch, func() engine.Verdict { return engine.UpdatedIf(c.ports.UpdateGroups()) })
	ports.On(tunnels, func() engine.Verdict { return engine.UpdatedIf(c.tunnels.LiveChanged && c.ports.UpdateGroups()) })

	local := e.Node("datapaths", func() engine.Result { return updated(c.local.Recompute()) })
	local.On(c.inSB, func() engine.Verdict { return engine.UpdatedIf(c.local.UpdateRows()) })
	local.On(ports, func() engine.Verdict { return engine.UpdatedIf(c.local.UpdateRoots()) })

	zones := e.Node("ct_zones", func() engine.Result { return updated(c.zones.Recompute()) })
	zones.On(cfg, func() engine.Verdict {
		if why := c.zones.Stale(); why != "" {
			return engine.NeedRecompute(why)
		}
		return engine.Same
	})
	zones.On(ports, func() engine.Verdict { return engine.UpdatedIf(c.zones.Update()) })
	zones.On(local, func() engine.Verdict { return engine.UpdatedIf(c.zones.Update()) })
	zones.On(c.inSB, func() engine.Verdict {
		if why := c.zones.Stale(); why != "" {
			return engine.NeedRecompute(why)
		}
		if len(c.w.SBChanges.PortBinding)+len(c.w.SBChanges.DatapathBinding) == 0 {
			return engine.Same
		}
		return engine.UpdatedIf(c.zones.Update())
	})
	zones.On(c.inVSW, func() engine.Verdict {
		c.zones.OnVSW()
		if !c.zones.Loaded() && c.w.Bridge() != nil {
			return engine.NeedRecompute("the integration bridge appeared")
		}
		return engine.Same
	})

	patches := e.Node("patch_ports", func() engine.Result { c.bridge.Invalidate(); return engine.Updated })
	for _, in := range []*engine.Node{cfg, local} {
		patches.On(in, func() engine.Verdict { c.bridge.Invalidate(); return engine.Same })
	}
	patches.On(ports, func() engine.Verdict { c.bridge.OnPorts(); return engine.Same })
	patches.On(c.inSB, func() engine.Verdict { c.bridge.OnRows(); return engine.Same })
	patches.On(c.inVSW, func() engine.Verdict { c.bridge.OnVSW(); return engine.Same })

	c.wireRules(cfg, ifaces, self, tunnels, ports, local, zones)
}

func (c *Controller) wireRules(cfg, ifaces, self, tunnels, ports, local, zones *engine.Node) {
	e := c.engine
	updated := func(changed bool) engine.Result { return engine.UpdatedIf(changed).Result }

	phys := e.Node(nodePhysical, func() engine.Result { c.phys.Recompute(); return updated(c.phys.Run()) })
	phys.Then(func() engine.Result { return updated(c.phys.Run()) })
	mark := func(in *engine.Node, f func()) {
		phys.On(in, func() engine.Verdict { f(); return engine.Same })
	}
	phys.On(c.inSB, func() engine.Verdict {
		if why := c.phys.Stale(); why != "" {
			return engine.NeedRecompute(why)
		}
		ch := c.w.SBChanges
		c.phys.OnPortRows()
		c.phys.OnMulticastGroups()
		c.phys.OnDatapathRows()
		c.phys.OnChassis()
		if len(ch.HAChassisGroup)+len(ch.HAChassis) > 0 {
			c.phys.OnGroupsOfChassis()
		}
		return engine.Same
	})
	mark(c.inVSW, c.phys.OnBridges)
	mark(tunnels, c.phys.OnTunnels)
	mark(ifaces, c.phys.OnIfaces)
	mark(ports, c.phys.OnPorts)
	mark(local, c.phys.OnDatapaths)
	mark(zones, c.phys.OnZones)
	phys.On(cfg, func() engine.Verdict { return engine.NeedRecompute("configuration changed") })
	phys.On(self, func() engine.Verdict { return engine.NeedRecompute("this chassis's row changed") })

	logical := e.Node(nodeLogical, func() engine.Result {
		if err := c.logical.Recompute(); err != nil {
			c.w.Log.Error("logical flows cannot be compiled: " + err.Error())
			return engine.Unchanged
		}
		return updated(c.logical.Run())
	})
	logical.On(c.inSB, func() engine.Verdict {
		if why := c.logical.Stale(); why != "" {
			return engine.NeedRecompute(why)
		}
		c.logical.OnFlows()
		c.logical.OnNames()
		c.logical.OnDatapathRows()
		c.logical.OnAsked()
		return engine.Same
	})
	logical.Then(func() engine.Result { return updated(c.logical.Run()) })
	follow := func(in *engine.Node, f func()) {
		logical.On(in, func() engine.Verdict { f(); return engine.Same })
	}
	logical.On(c.inVSW, func() engine.Verdict {
		if why := c.logical.Stale(); why != "" {
			return engine.NeedRecompute(why)
		}
		return engine.Same
	})
	follow(local, c.logical.OnDatapaths)
	follow(ports, c.logical.OnPorts)
	follow(tunnels, c.logical.OnTunnels)
	follow(c.inVSW, c.logical.OnCollectors)
	follow(c.inVSW, c.logical.OnAsked)

	neighbours := e.Node("mac_rules", func() engine.Result { return updated(c.macs.Recompute()) })
	neighbours.On(c.inSB, func() engine.Verdict {
		a, b, d := c.macs.OnRows(), c.macs.OnPorts(), c.macs.OnDatapathRows()
		return engine.UpdatedIf(a || b || d)
	})
	neighbours.On(local, func() engine.Verdict { return engine.UpdatedIf(c.macs.OnDatapaths()) })

	lb := e.Node("lb_hairpin_rules", func() engine.Result { return updated(c.hairpin.Recompute()) })
	lb.On(c.inSB, func() engine.Verdict {
		if why := c.hairpin.Stale(); why != "" {
			return engine.NeedRecompute(why)
		}
		return engine.UpdatedIf(c.hairpin.OnRows())
	})
	lb.On(c.inVSW, func() engine.Verdict {
		if why := c.hairpin.Stale(); why != "" {
			return engine.NeedRecompute(why)
		}
		return engine.Same
	})
	lb.On(local, func() engine.Verdict { return engine.UpdatedIf(c.hairpin.OnDatapaths()) })

	c.side.wire(e, cfg, ports, local)
}
