// Package unsupported names what rows of the Southbound database ask for and this
// program does not do at all, where no logical flow would show it. A feature that comes
// takes its line out of here.
package unsupported

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Unsupported is the node. It has no datum: what it finds goes to World.Refuse.
type Unsupported struct {
	w     *node.World
	named map[ovsdb.UUID]bool // ports that are refused something
}

// New makes the node.
func New(w *node.World) *Unsupported {
	return &Unsupported{w: w, named: map[ovsdb.UUID]bool{}}
}

// Recompute looks at every row.
func (u *Unsupported) Recompute() {
	for id := range u.named {
		if u.w.SB.PortBinding.Get(id) == nil {
			u.port(id, nil)
		}
	}
	for pb := range u.w.SB.PortBinding.All() {
		u.port(pb.UUID, pb)
	}
	for dp := range u.w.SB.DatapathBinding.All() {
		u.datapath(dp.UUID, dp)
	}
	u.tables()
}

// OnRows follows changes of rows.
func (u *Unsupported) OnRows() {
	ch := u.w.SBChanges
	if len(ch.Chassis) > 0 { // the row of this chassis may be new
		u.Recompute()
		return
	}
	for _, c := range ch.PortBinding {
		u.port(c.ID, c.New)
	}
	for _, c := range ch.DatapathBinding {
		u.datapath(c.ID, c.New)
	}
	if len(ch.ACLID)+len(ch.AdvertisedRoute)+len(ch.AdvertisedMACBinding)+len(ch.ECMPNexthop)+len(ch.SBGlobal) > 0 {
		u.tables()
	}
}

// portAsks are what options of a port ask for. here says that it matters only where the
// port is requested to be.
var portAsks = []struct {
	option, off string
	here        bool
	why         string
}{
	{"vif-plug-type", "", true, "VIF plugging is not supported: no interface is made for the port; plug one and set its external_ids:iface-id"},
	{"dynamic-routing", "false", false, "dynamic routing is not supported: no routes are announced, and none are learned"},
	{"nf-linked-port", "", false, "what a network function sends back on a switch with a physical network is not led to the chassis that it came from"},
}

func (u *Unsupported) port(id ovsdb.UUID, pb *sb.PortBinding) {
	var texts []string
	if pb != nil {
		for _, a := range portAsks {
			v := pb.Options[a.option]
			if v == a.off || v == "" || a.here && (pb.RequestedChassis.IsZero() || pb.RequestedChassis != u.w.SelfID()) {
				continue
			}
			texts = append(texts, fmt.Sprintf("lport %s: options:%s=%s has no effect: %s", pb.LogicalPort, a.option, v, a.why))
		}
	}
	if len(texts) == 0 && !u.named[id] {
		return
	}
	u.named[id] = true
	if len(texts) == 0 {
		delete(u.named, id)
	}
	u.w.Refuse(node.RefusalKey{Table: "Port_Binding", Row: id, Part: "unsupported"}, texts...)
}

func (u *Unsupported) datapath(id ovsdb.UUID, dp *sb.DatapathBinding) {
	key := node.RefusalKey{Table: "Datapath_Binding", Row: id, Part: "unsupported"}
	if dp == nil || dp.ExternalIDs["dynamic-routing-vni"] == "" {
		u.w.Refuse(key)
		return
	}
	u.w.Refuse(key, fmt.Sprintf("datapath %s: external_ids:dynamic-routing-vni=%s has no effect: EVPN is not supported",
		dp.ExternalIDs["name"], dp.ExternalIDs["dynamic-routing-vni"]))
}

// tables names what is asked for by there being rows at all, and globally.
func (u *Unsupported) tables() {
	say := func(table string, rows int, why string) {
		key := node.RefusalKey{Table: table, Part: "unsupported"}
		if rows == 0 {
			u.w.Refuse(key)
			return
		}
		u.w.Refuse(key, table+": "+why)
	}
	say("ACL_ID", u.w.SB.ACLID.Len(), "connections are not ended with the ACL that let them in (options:persist-established): "+
		"they go on until they end by themselves, or \"ovs-appctl dpctl/flush-conntrack\" ends all")
	say("Advertised_Route", u.w.SB.AdvertisedRoute.Len(), "dynamic routing is not supported: no routes are announced")
	say("Advertised_MAC_Binding", u.w.SB.AdvertisedMACBinding.Len(), "EVPN is not supported: no MAC addresses are announced")
	say("ECMP_Nexthop", u.w.SB.ECMPNexthop.Len(), "next hops are not watched: connections that answer by a next hop (--ecmp-symmetric-reply) "+
		"which is gone or has another MAC address keep it until they end")
	for g := range u.w.SB.SBGlobal.All() {
		key := node.RefusalKey{Table: "SB_Global", Row: g.UUID, Part: "unsupported"}
		if v := g.Options["debug_drop_collector_set"]; v != "" && v != "0" {
			u.w.Refuse(key, "options:debug_drop_collector_set="+v+": drops of logical flows are sampled, those between ports and pipelines are not")
		} else {
			u.w.Refuse(key)
		}
	}
}
