// Package qos shapes what logical ports send into physical networks: the options
// qos_max_rate, qos_min_rate and qos_burst of Port_Binding (ovn-sb(5)) become queues
// of linux-htb on the port of the bridge that leads out, to which ovn-northd's flows
// send packets with set_queue.
//
// The queues are QoS and Queue rows of the local Open_vSwitch database, marked by
// external_ids:ovn_qos and ovn_port, as ovn-controller has made them since 23.06;
// rows that are right are kept. Before, it set up the qdisc behind Open vSwitch's
// back, also on the interfaces that tunnels leave by: those are not shaped any more.
package qos

import (
	"fmt"
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/datapath"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// maxQueue is the greatest number of a queue (ovn-sb(5), options:qdisc_queue_id).
const maxQueue = 61440

// shape is what a logical port asks for.
type shape struct {
	row             ovsdb.UUID
	lport           string
	network         string // physical network that it is asked for
	queue           int64
	max, min, burst uint64 // bit/s, bit/s, bit; 0 for none
}

// QoS is the node and the writer.
type QoS struct {
	w     *node.World
	ports *binding.Ports
	local *datapath.Local

	shapes map[ovsdb.UUID]shape // by Port_Binding
	dirty  bool

	refused map[ovsdb.UUID][]string // ports that are not shaped though they ask for it, and why
	broken  map[ovsdb.UUID]bool     // ports whose options are not understood
}

// New makes the node.
func New(w *node.World, ports *binding.Ports, local *datapath.Local) *QoS {
	return &QoS{w: w, ports: ports, local: local, shapes: map[ovsdb.UUID]shape{}, dirty: true,
		refused: map[ovsdb.UUID][]string{}, broken: map[ovsdb.UUID]bool{}}
}

// OnRows follows changes of Port_Binding rows.
func (q *QoS) OnRows() {
	for _, c := range q.w.SBChanges.PortBinding {
		q.refresh(c.ID)
		row := c.New
		if row == nil {
			row = c.Old
		}
		if binding.KindOf(row) == binding.Localnet { // the others' network
			q.onDatapath(row.Datapath)
		}
	}
}

// OnPorts follows changes of what ports are to this chassis.
func (q *QoS) OnPorts() {
	for id := range q.ports.Changed {
		q.refresh(id)
	}
}

// OnDatapaths follows changes of the local datapaths.
func (q *QoS) OnDatapaths() {
	for _, dps := range []map[ovsdb.UUID]bool{q.local.Added, q.local.Removed} {
		for dp := range dps {
			q.onDatapath(dp)
		}
	}
}

func (q *QoS) onDatapath(dp ovsdb.UUID) {
	for _, pb := range q.w.SB.PortBindingByDatapath.Get(dp) {
		if pb.Options["qdisc_queue_id"] != "" {
			q.refresh(pb.UUID)
		}
	}
}

// OnOVS follows changes of the Open_vSwitch database.
func (q *QoS) OnOVS() {
	c := q.w.VSWChanges
	if len(c.Bridge)+len(c.Port)+len(c.QoS)+len(c.Queue) > 0 {
		q.dirty = true
	}
	for _, i := range c.Interface {
		q.dirty = q.dirty || role(i.Old) != role(i.New)
	}
}

// Invalidate makes the next Write compare what is there with what is wanted: the
// bridge mappings changed.
func (q *QoS) Invalidate() { q.dirty = true }

// Recompute looks at every port.
func (q *QoS) Recompute() {
	for id := range q.shapes {
		q.refresh(id)
	}
	for pb := range q.w.SB.PortBinding.All() {
		if pb.Options["qdisc_queue_id"] != "" {
			q.refresh(pb.UUID)
		}
	}
	q.dirty = true
}

// Pending tells whether Write has something to look at.
func (q *QoS) Pending() bool { return q.dirty }

// refresh brings the shape of one port up to date.
func (q *QoS) refresh(id ovsdb.UUID) {
	var now shape
	var err error
	if pb := q.w.SB.PortBinding.Get(id); pb != nil && q.here(pb) {
		now, err = q.shape(pb)
	}
	if key := (node.RefusalKey{Table: "Port_Binding", Row: id, Part: "options:qos"}); err != nil {
		q.broken[id] = true
		q.w.Refuse(key, err.Error())
	} else if q.broken[id] {
		delete(q.broken, id)
		q.w.Refuse(key)
	}
	if now == q.shapes[id] {
		return
	}
	q.dirty = true
	if now == (shape{}) {
		delete(q.shapes, id)
	} else {
		q.shapes[id] = now
	}
}

// here tells whether packets of a port enter or leave on this chassis.
func (q *QoS) here(pb *sb.PortBinding) bool {
	switch p := q.ports.Get(pb.UUID); binding.KindOf(pb) {
	case binding.VIF, binding.Container:
		return p.Place != binding.Nowhere && p.Ofport != 0
	case binding.Virtual:
		return p.Place != binding.Nowhere
	case binding.Localnet:
		_, local := q.local.Key(pb.Datapath)
		return local
	}
	return false
}

// shape reads the options; the zero shape when they ask for nothing.
func (q *QoS) shape(pb *sb.PortBinding) (shape, error) {
	number := func(option string, most uint64) (uint64, error) {
		text := pb.Options[option]
		if text == "" {
			return 0, nil
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || n > most {
			return 0, fmt.Errorf("lport %s is not shaped: options:%s=%q is not a number of 0 to %d", pb.LogicalPort, option, text, most)
		}
		return n, nil
	}
	s := shape{row: pb.UUID, lport: pb.LogicalPort, network: q.network(pb)}
	queue, err := number("qdisc_queue_id", maxQueue)
	s.queue = int64(queue)
	for _, f := range []struct {
		option string
		n      *uint64
	}{{"qos_max_rate", &s.max}, {"qos_min_rate", &s.min}, {"qos_burst", &s.burst}} {
		if err == nil {
			*f.n, err = number(f.option, 1<<63)
		}
	}
	if err != nil || s.queue == 0 || s.max|s.min|s.burst == 0 {
		return shape{}, err
	}
	return s, nil
}

// network is the physical network that a port's packets leave by. ovn-northd says it
// since 23.06; before, it is that of the first localnet port of the switch.
func (q *QoS) network(pb *sb.PortBinding) string {
	if n := pb.Options["qos_physical_network"]; n != "" {
		return n
	}
	if binding.KindOf(pb) == binding.Localnet {
		return pb.Options["network_name"]
	}
	for _, ln := range q.local.Localnets(pb.Datapath) {
		return ln.Options["network_name"]
	}
	return ""
}

// role is what decides whether an interface leads out of a bridge.
func role(row *vsw.Interface) (r struct {
	there, vif, marked bool
	typ                string
}) {
	if row != nil {
		r.there, r.vif, r.marked, r.typ = true, row.ExternalIDs["iface-id"] != "", row.ExternalIDs["ovn-egress-iface"] == "true", row.Type
	}
	return r
}
