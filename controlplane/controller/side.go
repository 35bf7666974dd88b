package controller

import (
	"github.com/sluice-gw/sluice/controlplane/engine"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// sideNodes are the nodes beside the pipeline: port security, the slow path's view
// of the network and its effects on the database, queues.
type sideNodes struct {
	c *Controller
}

func (c *Controller) newSideNodes() sideNodes { return sideNodes{c: c} }

func (s *sideNodes) begin() {}

func (s *sideNodes) wire(e *engine.Engine, ifaces, ports, local *engine.Node) {}

func (s *sideNodes) writeSB(tx *idl.Tx)  {}
func (s *sideNodes) writeVSW(tx *idl.Tx) {}

// Learned takes what the slow path found out; Settle writes it.
func (c *Controller) Learned(p punt.Pending) {}

// Memory counts what takes memory, by the names of ovn-controller's memory/show.
func (c *Controller) Memory() map[string]uint64 {
	m := map[string]uint64{"rules": uint64(c.set.Len()), "logical-flows": uint64(c.w.SB.LogicalFlow.Len()),
		"port-bindings": uint64(c.w.SB.PortBinding.Len()), "local-datapaths": uint64(len(c.local.All()))}
	if lc := c.logical.Compiler(); lc != nil {
		st := lc.MemoStats()
		m["lflow-cache-entries"] = uint64(st.Programs + st.Matches)
	}
	return m
}
