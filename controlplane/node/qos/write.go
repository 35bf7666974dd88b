package qos

import (
	"maps"
	"slices"
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// Marks of what is ours, in external_ids.
const (
	qosKey  = "ovn_qos"  // of QoS: "true"
	portKey = "ovn_port" // of Queue: the logical port
)

const (
	htb = "linux-htb"
	// noop is what ovn-controllers before 23.06 gave a port whose qdisc they set up themselves.
	noop = "linux-noop"
	// maxRate in bit/s is the greatest that fits the kernel's 32 bits of byte/s. It is
	// the rate of an interface whose speed is not known or not true.
	maxRate = (1<<32 - 1) * 8
)

// Write adds to tx what the queues lack. Call it only when the Southbound replica is
// complete: before that the queues of ports that have not arrived look superfluous.
func (q *QoS) Write(tx *idl.Tx) {
	if q.w.Config == nil {
		return
	}
	before := tx.Len()
	told := q.refused
	q.refused = map[ovsdb.UUID][]string{}
	r := &rows{QoS: q, tx: tx, refs: map[ovsdb.UUID]int{}, used: map[ovsdb.UUID]bool{}}
	for row := range q.w.VSW.QoS.All() {
		for _, id := range row.Queues {
			r.refs[id]++
		}
	}
	for _, e := range q.wanted() {
		r.put(e)
	}
	r.collect()
	for id := range told {
		if q.refused[id] == nil {
			q.w.Refuse(notShaped(id))
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(q.refused), ovsdb.UUID.Compare) {
		q.w.Refuse(notShaped(id), q.refused[id]...)
	}
	if tx.Len() == before {
		q.dirty = false
	}
}

func notShaped(id ovsdb.UUID) node.RefusalKey {
	return node.RefusalKey{Table: "Port_Binding", Row: id, Part: "queue"}
}

func (q *QoS) refuse(s shape, why string) {
	q.refused[s.row] = append(q.refused[s.row], "lport "+s.lport+" is not shaped: "+why)
}

// rows is one comparison of the rows with what is wanted.
type rows struct {
	*QoS
	tx   *idl.Tx
	refs map[ovsdb.UUID]int  // Queue rows -> QoS rows that will refer to them
	used map[ovsdb.UUID]bool // QoS rows that are wanted
}

// put makes the queues of a port right.
func (r *rows) put(e *egress) {
	row := r.w.VSW.QoS.Get(e.port.QoS)
	switch {
	case row == nil, r.used[row.UUID], row.Type == noop && !ours(row) && len(row.Queues) == 0:
		r.create(e)
	case !ours(row):
		for _, s := range e.queues {
			r.refuse(s, "port "+e.port.Name+" has a QoS of somebody else; clear its column qos to let this chassis shape it")
		}
	default:
		r.used[row.UUID] = true
		r.correct(row, e)
	}
}

func ours(row *vsw.QoS) bool { return row.ExternalIDs[qosKey] == "true" }

func (r *rows) create(e *egress) {
	queues := map[int64]any{}
	for _, id := range slices.Sorted(maps.Keys(e.queues)) {
		queues[id] = r.tx.Insert("Queue", queueRow(e.queues[id], nil))
	}
	row := r.tx.Insert("QoS", map[string]any{"type": htb, "queues": queues, "external_ids": map[string]string{qosKey: "true"},
		"other_config": map[string]string{"max-rate": strconv.FormatInt(lineRate(e.iface), 10)}})
	r.tx.Update("Port", e.port.UUID, map[string]any{"qos": row})
}

// lineRate is the speed of an interface in bit/s; virtual ones do not tell the truth.
func lineRate(row *vsw.Interface) int64 {
	driver := row.Status["driver_name"]
	if driver == "veth" || driver == "tap" || !row.LinkSpeed.OK || row.LinkSpeed.V <= 0 {
		return maxRate
	}
	return row.LinkSpeed.V
}

// correct makes the queues of a QoS of ours those of e.
func (r *rows) correct(row *vsw.QoS, e *egress) {
	r.remove(row, r.stale(row, e.queues))
	add := map[int64]any{}
	for _, id := range slices.Sorted(maps.Keys(e.queues)) {
		s := e.queues[id]
		queue := r.w.VSW.Queue.Get(row.Queues[id])
		switch {
		case queue == nil:
			add[id] = r.tx.Insert("Queue", queueRow(s, nil))
		case queue.ExternalIDs[portKey] == "":
			r.refuse(s, "queue "+strconv.FormatInt(id, 10)+" of port "+e.port.Name+" is somebody else's")
		case queue.ExternalIDs[portKey] != s.lport || !maps.Equal(settings(queue), s.settings()):
			r.tx.Update("Queue", queue.UUID, queueRow(s, queue.ExternalIDs))
		}
	}
	if len(add) > 0 {
		r.tx.Mutate("QoS", row.UUID, "queues", "insert", add)
	}
}

// stale are the queues of ours in row whose number is not in wanted, by number.
func (r *rows) stale(row *vsw.QoS, wanted map[int64]shape) []int64 {
	var ids []int64
	for id, ref := range row.Queues {
		queue := r.w.VSW.Queue.Get(ref)
		if _, ok := wanted[id]; !ok && queue != nil && queue.ExternalIDs[portKey] != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (r *rows) remove(row *vsw.QoS, ids []int64) {
	if len(ids) == 0 {
		return
	}
	for _, id := range ids {
		r.refs[row.Queues[id]]--
	}
	r.tx.Mutate("QoS", row.UUID, "queues", "delete", ids)
}

// collect removes what of ours is not wanted. The database collects neither kind of
// row by itself.
func (r *rows) collect() {
	for row := range r.w.VSW.QoS.All() {
		if r.used[row.UUID] {
			continue
		}
		stale := r.stale(row, nil)
		if !ours(row) || len(stale) < len(row.Queues) {
			r.remove(row, stale)
			continue
		}
		for port := range r.w.VSW.Port.All() {
			if port.QoS == row.UUID {
				r.tx.Update("Port", port.UUID, map[string]any{"qos": []ovsdb.UUID{}})
			}
		}
		for _, id := range row.Queues {
			r.refs[id]--
		}
		r.tx.Delete("QoS", row.UUID)
	}
	for queue := range r.w.VSW.Queue.All() {
		if queue.ExternalIDs[portKey] != "" && r.refs[queue.UUID] == 0 {
			r.tx.Delete("Queue", queue.UUID)
		}
	}
}

// queueRow are the columns of a queue. ids are its external_ids so far.
func queueRow(s shape, ids map[string]string) map[string]any {
	now := map[string]string{}
	maps.Copy(now, ids)
	now[portKey] = s.lport
	return map[string]any{"other_config": s.settings(), "external_ids": now}
}

// settings is other_config of a queue (ovs-vswitchd.conf.db(5)).
func (s shape) settings() map[string]string {
	m := map[string]string{}
	for k, v := range map[string]uint64{"max-rate": s.max, "min-rate": s.min, "burst": s.burst} {
		if v > 0 {
			m[k] = strconv.FormatUint(v, 10)
		}
	}
	return m
}

// settings is other_config of a queue without what means nothing: ovn-controller
// writes 0 for what is not set.
func settings(row *vsw.Queue) map[string]string {
	m := maps.Clone(row.OtherConfig)
	maps.DeleteFunc(m, func(_, v string) bool { return v == "0" })
	return m
}
