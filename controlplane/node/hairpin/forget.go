package hairpin

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// forgetter finds the connections that end because a load balancer with
// options:ct_flush has lost a backend (ovn-nb(5)). What was lost while this program
// did not run is not known.
type forgetter struct {
	of    map[ovsdb.UUID]map[backend.Connection]bool // local load balancers with the option
	users map[backend.Connection]int                 // load balancers in of
	gone  map[backend.Connection]bool                // since the last TakeForgotten
}

func newForgetter() forgetter {
	return forgetter{map[ovsdb.UUID]map[backend.Connection]bool{}, map[backend.Connection]int{}, map[backend.Connection]bool{}}
}

// follow takes the backends that a load balancer has now, and whether it asks for
// connections to those that go to be forgotten.
func (f *forgetter) follow(id ovsdb.UUID, now []backend.Connection, asks bool) {
	old := f.of[id]
	if old == nil && !asks {
		return // most load balancers
	}
	has := make(map[backend.Connection]bool, len(now))
	for _, c := range now {
		has[c] = true
	}
	for c := range old {
		if f.users[c]--; f.users[c] > 0 {
			continue
		}
		delete(f.users, c)
		if !has[c] {
			f.gone[c] = true
		}
	}
	delete(f.of, id)
	if !asks || len(has) == 0 {
		return
	}
	f.of[id] = has
	for c := range has {
		f.users[c]++
		delete(f.gone, c)
	}
}

// TakeForgotten gives the connections that are to be forgotten since the last call,
// when the rules that made them are gone.
func (h *Hairpin) TakeForgotten() []backend.Connection {
	if len(h.forget.gone) == 0 {
		return nil
	}
	out := slices.SortedFunc(maps.Keys(h.forget.gone), func(a, b backend.Connection) int {
		return cmp.Or(cmp.Compare(a.Proto, b.Proto), a.Dst.Compare(b.Dst), a.Backend.Compare(b.Backend))
	})
	clear(h.forget.gone)
	return out
}

// connections are those that a load balancer makes. Without a port they are of any
// protocol.
func connections(list []vip, proto uint8) []backend.Connection {
	var out []backend.Connection
	for _, v := range list {
		for _, be := range v.backends {
			c := backend.Connection{Proto: proto, Dst: netip.AddrPortFrom(v.addr, v.port), Backend: netip.AddrPortFrom(be.addr, be.port)}
			if v.port == 0 {
				c.Proto = 0
			}
			out = append(out, c)
		}
	}
	return out
}

// follow files the connections of a load balancer; lb is nil when it is gone or not
// on this chassis.
func (h *Hairpin) follow(id ovsdb.UUID, lb *sb.LoadBalancer, list []vip, proto uint8) {
	asks := lb != nil && lb.Options["ct_flush"] == "true"
	key := node.RefusalKey{Table: "Load_Balancer", Row: id, Part: "options:ct_flush"}
	if asks && !h.canForget {
		h.w.Refuse(key, "load balancer "+lb.Name+": options:ct_flush is not done: Open vSwitch here cannot flush single connections (it can from 3.1 on)")
		asks = false
	} else {
		h.w.Refuse(key)
	}
	h.forget.follow(id, connections(list, proto), asks)
}

// flushes tells whether the integration bridge's datapath can forget single
// connections (Datapath.capabilities, ovs-vswitchd.conf.db(5)).
func (h *Hairpin) flushes() bool {
	dp := h.w.Datapath()
	return dp != nil && dp.Capabilities["ct_flush"] == "true"
}
