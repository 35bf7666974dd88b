package device

import (
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/offload"
)

// barred is Barred for an interface of the integration bridge.
func (d *Devices) barred(row *vsw.Interface) offload.Lack {
	return Barred(d.w.VSW, d.w.Bridge(), d.ifaces.Port(row.UUID), row)
}

// Barred is why the packets of an interface must stay in Open vSwitch: it does something
// with them there that it does not do with those that are offloaded. Zero: they need not.
// Bridge and port are those that the interface belongs to; nil: they are not there.
func Barred(db *vsw.DB, br *vsw.Bridge, port *vsw.Port, row *vsw.Interface) offload.Lack {
	if row.IngressPolicingRate > 0 || row.IngressPolicingKpktsRate > 0 {
		return offload.Lack{Why: "Open vSwitch limits the rate of its packets (ingress_policing_rate, ingress_policing_kpkts_rate), with a qdisc in the place of ours",
			Fix: "a limit elsewhere, such as QoS of OVN; \"ovs-vsctl set Interface " + row.Name + " ingress_policing_rate=0 ingress_policing_kpkts_rate=0\" removes this one"}
	}
	if port == nil || br == nil {
		return offload.Lack{}
	}
	for _, id := range br.Mirrors {
		m := db.Mirror.Get(id)
		if m == nil || !concerns(m, port.UUID) {
			continue
		}
		return offload.Lack{Why: fmt.Sprintf("mirror %s of bridge %s copies its packets, or sends copies by it, and does not see what is offloaded", m.Name, br.Name),
			Fix: "end the mirror, or take the port out of it: \"ovn-nbctl lsp-detach-mirror\" for those of OVN, \"ovs-vsctl remove Bridge " + br.Name + " mirrors " + m.UUID.String() +
				"\" for others"}
	}
	return offload.Lack{}
}

// concerns tells whether a mirror selects packets of a port, or keeps it for the copies
// (ovs-vswitchd.conf.db(5), table Mirror).
func concerns(m *vsw.Mirror, port ovsdb.UUID) bool {
	return m.SelectAll || m.OutputPort == port ||
		slices.Contains(m.SelectSrcPort, port) || slices.Contains(m.SelectDstPort, port)
}

// watched is the way in which all packets of a bridge are watched by Open vSwitch, as
// the bridge's column is called; "" for none.
func watched(br *vsw.Bridge) string {
	switch {
	case !br.SFlow.IsZero():
		return "sflow"
	case !br.NetFlow.IsZero():
		return "netflow"
	case !br.IPFIX.IsZero():
		return "ipfix"
	}
	return ""
}
