package controller

import (
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/engine"
	"github.com/sluice-gw/sluice/controlplane/lflow"
)

// The methods in the files inspect*.go answer what operators ask. They change
// nothing, and what they return is the caller's unless said otherwise.

// Connected tells whether the Southbound database is connected and in step.
func (c *Controller) Connected() bool { return c.cfg.SB.State().Connected }

// Nodes are the nodes of the engine in the order in which they run. They are the
// engine's own.
func (c *Controller) Nodes() []*engine.Node { return c.engine.Nodes() }

// Zones are the conntrack zones in use, by the name of a logical port or
// "DATAPATH_dnat" and "DATAPATH_snat".
func (c *Controller) Zones() map[string]uint16 { return c.zones.Named() }

// TemplateVars are the values that template variables have on this chassis.
func (c *Controller) TemplateVars() map[string]string { return maps.Clone(c.logical.Templates()) }

// FlowCache is the state of the memory of compiled logical flows.
func (c *Controller) FlowCache() lflow.MemoStats {
	if lc := c.logical.Compiler(); lc != nil {
		return lc.MemoStats()
	}
	return lflow.MemoStats{}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
