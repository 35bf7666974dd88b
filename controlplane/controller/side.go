package controller

import (
	"time"

	"github.com/sluice-gw/sluice/controlplane/engine"
	"github.com/sluice-gw/sluice/controlplane/node/aging"
	"github.com/sluice-gw/sluice/controlplane/node/mirror"
	"github.com/sluice-gw/sluice/controlplane/node/portsec"
	"github.com/sluice-gw/sluice/controlplane/node/qos"
	"github.com/sluice-gw/sluice/controlplane/node/slowpath"
	"github.com/sluice-gw/sluice/controlplane/node/unsupported"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// sideNodes are the nodes beside the pipeline: port security, the slow path's view
// of the network and its effects on the database, queues, mirrors.
type sideNodes struct {
	c      *Controller
	sec    *portsec.PortSec
	slow   *slowpath.SlowPath
	writer *slowpath.Writer
	qos    *qos.QoS
	mirror *mirror.Mirrors
	aging  *aging.Aging
	lacks  *unsupported.Unsupported
}

func (c *Controller) newSideNodes() sideNodes {
	s := sideNodes{c: c, sec: portsec.New(c.w, c.ports, c.local, c.set), writer: slowpath.NewWriter(c.w, c.local),
		qos: qos.New(c.w, c.ports, c.local), mirror: mirror.New(c.w, c.ports, c.ifaces),
		aging: aging.New(c.w, c.local, c.set), lacks: unsupported.New(c.w)}
	s.aging.Stamped = func(table string) bool { return columnMax(c.cfg.SB.State().Database, table, "timestamp") > 0 }
	s.slow = slowpath.New(c.w, c.ports, c.local, s.writer)
	return s
}

func (s *sideNodes) wire(e *engine.Engine, cfg, ports, local *engine.Node) {
	c := s.c
	sec := e.Node("port_security_rules", func() engine.Result { return engine.UpdatedIf(s.sec.Recompute()).Result })
	sec.On(c.inSB, func() engine.Verdict { return engine.UpdatedIf(s.sec.OnRows()) })
	sec.On(ports, func() engine.Verdict { return engine.UpdatedIf(s.sec.OnPorts()) })
	sec.On(local, func() engine.Verdict { return engine.UpdatedIf(s.sec.OnDatapaths()) })

	follow := func(n, in *engine.Node, f func(), run func() bool) {
		n.On(in, func() engine.Verdict { f(); return engine.UpdatedIf(run()) })
	}
	slow := e.Node("slow_path", func() engine.Result { s.slow.Recompute(); return engine.UpdatedIf(s.slow.Run()).Result })
	follow(slow, c.inSB, func() { s.slow.OnRows(); s.writer.OnRows() }, s.slow.Run)
	follow(slow, ports, s.slow.OnPorts, s.slow.Run)
	follow(slow, local, s.slow.OnDatapaths, s.slow.Run)
	follow(slow, cfg, s.slow.OnConfig, s.slow.Run)

	ages := e.Node("aging", func() engine.Result { s.aging.Recompute(); return engine.Unchanged })
	ages.On(c.inSB, func() engine.Verdict { s.aging.OnRows(); return engine.Same })
	ages.On(local, func() engine.Verdict { s.aging.OnDatapaths(); return engine.Same })

	lacks := e.Node("unsupported", func() engine.Result { s.lacks.Recompute(); return engine.Unchanged })
	lacks.On(c.inSB, func() engine.Verdict { s.lacks.OnRows(); return engine.Same })

	queues := e.Node("queues", func() engine.Result { s.qos.Recompute(); return engine.Updated })
	mark := func(in *engine.Node, f func()) {
		queues.On(in, func() engine.Verdict { f(); return engine.UpdatedIf(s.qos.Pending()) })
	}
	mark(cfg, s.qos.Invalidate)
	mark(c.inVSW, s.qos.OnOVS)
	mark(c.inSB, s.qos.OnRows)
	mark(ports, s.qos.OnPorts)
	mark(local, s.qos.OnDatapaths)

	mirrors := e.Node("mirrors", func() engine.Result { s.mirror.Invalidate(); return engine.Updated })
	follow(mirrors, c.inVSW, s.mirror.OnOVS, s.mirror.Pending)
	follow(mirrors, c.inSB, s.mirror.OnRows, s.mirror.Pending)
	follow(mirrors, ports, s.mirror.OnPorts, s.mirror.Pending)
	follow(mirrors, cfg, s.mirror.Invalidate, s.mirror.Pending) // the bridge may be another
}

// tell gives the slow path what changed of the network.
func (s *sideNodes) tell() {
	if s.c.cfg.SlowPath == nil {
		return
	}
	if v, changed := s.slow.TakeView(); changed {
		s.c.cfg.SlowPath.Update(v)
	}
	if n := s.slow.TakeNeighbors(); len(n) > 0 {
		s.c.cfg.SlowPath.UpdateNeighbors(n)
	}
}

func (s *sideNodes) writeSB(tx *idl.Tx) {
	if s.writer.Pending() {
		s.writer.Write(tx)
	}
	if s.aging.Pending() {
		s.aging.Write(tx)
	}
}

// askUse has the targets asked for use when it is time, as soon as they have rules; it
// returns when it will be next, zero for never.
func (s *sideNodes) askUse() time.Time {
	c := s.c
	if c.cfg.AskUse == nil || c.acked == 0 {
		return time.Time{}
	}
	if s.aging.Ask() {
		c.cfg.AskUse()
	}
	return s.aging.Next()
}

func (s *sideNodes) writeVSW(tx *idl.Tx) {
	if s.c.complete && s.qos.Pending() {
		s.qos.Write(tx)
	}
	if s.c.complete && s.mirror.Pending() {
		s.mirror.Write(tx)
	}
}

// Learned takes what the slow path found out; Settle writes it.
func (c *Controller) Learned(p punt.Pending) { c.side.writer.Take(p) }

// Used takes the answer to Config.AskUse; Settle writes what follows.
func (c *Controller) Used(idle aging.Idle) { c.side.aging.Used(idle) }

// Memory counts what takes memory, for memory/show.
func (c *Controller) Memory() map[string]uint64 {
	m := map[string]uint64{"rules": uint64(c.set.Len()), "logical-flows": uint64(c.w.SB.LogicalFlow.Len()),
		"port-bindings": uint64(c.w.SB.PortBinding.Len()), "local-datapaths": uint64(len(c.local.All()))}
	if lc := c.logical.Compiler(); lc != nil {
		st := lc.MemoStats()
		m["lflow-cache-entries"] = uint64(st.Programs + st.Matches)
	}
	return m
}
