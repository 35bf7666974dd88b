package qos

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/vsw"
)

// egress is a port of a bridge that leads to a physical network, with the queues
// that it should have.
type egress struct {
	port   *vsw.Port
	iface  *vsw.Interface
	queues map[int64]shape
}

// wanted are the ports that should have queues, by name. Which logical ports cannot
// be served is noted in refused.
func (q *QoS) wanted() []*egress {
	shapes := make([]shape, 0, len(q.shapes))
	for _, s := range q.shapes {
		shapes = append(shapes, s)
	}
	slices.SortFunc(shapes, func(a, b shape) int { return cmp.Compare(a.lport, b.lport) })
	byNetwork := map[string][]*egress{}
	all := map[string]*egress{} // two networks may be mapped to one bridge
	for _, s := range shapes {
		out, known := byNetwork[s.network]
		if !known {
			for _, e := range q.egressOf(s.network) {
				if same := all[e.port.Name]; same != nil {
					e = same
				}
				all[e.port.Name] = e
				out = append(out, e)
			}
			byNetwork[s.network] = out
		}
		switch {
		case s.network == "":
			q.refuse(s, "its switch has no localnet port")
		case len(out) == 0:
			q.refuse(s, "no bridge with a physical interface is mapped to network "+s.network+
				"; set ovn-bridge-mappings, or external_ids:ovn-egress-iface=true of the interface that leads out")
		}
		for _, e := range out {
			if other, taken := e.queues[s.queue]; taken {
				q.refuse(s, "queue "+strconv.FormatInt(s.queue, 10)+" of "+e.port.Name+" is that of lport "+other.lport)
				continue
			}
			e.queues[s.queue] = s
		}
	}
	list := slices.DeleteFunc(slices.Collect(maps.Values(all)), func(e *egress) bool { return len(e.queues) == 0 })
	slices.SortFunc(list, func(a, b *egress) int { return cmp.Compare(a.port.Name, b.port.Name) })
	return list
}

// egressOf are the ports of the bridge that a network is mapped to which lead out:
// those with external_ids:ovn-egress-iface, or when there is none the first, by
// name, that is a network device of the host.
func (q *QoS) egressOf(network string) []*egress {
	name, ok := q.w.Config.BridgeOf(network)
	br := q.w.VSW.BridgeByName.One(name)
	if !ok || br == nil {
		return nil
	}
	var marked, physical []*egress
	for _, id := range br.Ports {
		port := q.w.VSW.Port.Get(id)
		if port == nil {
			continue
		}
		for _, iid := range port.Interfaces {
			row := q.w.VSW.Interface.Get(iid)
			r := role(row)
			if !r.there || r.vif {
				continue
			}
			e := &egress{port: port, iface: row, queues: map[int64]shape{}}
			if r.marked {
				marked = append(marked, e)
				break
			}
			if r.typ == "" || r.typ == "system" {
				physical = append(physical, e)
				break
			}
		}
	}
	if len(marked) > 0 || len(physical) == 0 {
		return marked
	}
	return []*egress{slices.MinFunc(physical, func(a, b *egress) int { return cmp.Compare(a.port.Name, b.port.Name) })}
}
