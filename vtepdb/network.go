package vtepdb

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/wire"
)

// Chassis is a chassis of the Southbound database.
type Chassis struct {
	Name     string
	IP       string // of its VXLAN encapsulation, "" if it has none: no switch reaches it then
	VTEP     bool   // other_config:is-vtep
	Identity string // other_config:sluice-identity
	BFD      bool   // it runs BFD with switches (BFDKey)
	// ServiceNode: it gives frames of a switch that cannot do so itself to all others (ReplicationKey).
	ServiceNode bool
	// Members are what databases of switches have of it, by identity. Where the row has no records (ReadMembers) it is the one that Identity names.
	Members []Member
}

// PortKind says what a Port_Binding is to a switch.
type PortKind int

const (
	Station   PortKind = iota // its addresses are reached through its chassis
	VTEP                      // a logical switch of a physical switch
	Elsewhere                 // external: its chassis is not where it is
)

// Port is a Port_Binding.
type Port struct {
	Name     string
	Kind     PortKind
	Datapath ovsdb.UUID // the logical switch whose frames reach it: for chassisredirect that of the router port's peer
	Key      int64      // its tunnel key
	Chassis  ovsdb.UUID
	// Additional are chassis that it is on, too, while it moves between them (additional_chassis): they get what is for many stations.
	Additional []ovsdb.UUID
	Up         bool
	Gateway    bool // chassisredirect: its chassis answers for a router
	// EveryGroup: it gets frames to all multicast groups (options:mcast_flood).
	EveryGroup bool
	MACs       []Address
	// Of a VTEP: options:vtep-physical-switch and vtep-logical-switch.
	Switch, LogicalSwitch string
	Bindings              string // options:sluice-vtep-bindings, see BindingsOption
}

func (p *Port) equal(q *Port) bool {
	return p.Name == q.Name && p.Kind == q.Kind && p.Datapath == q.Datapath && p.Key == q.Key && p.Chassis == q.Chassis &&
		p.Up == q.Up && p.Gateway == q.Gateway && p.EveryGroup == q.EveryGroup && p.Switch == q.Switch && p.LogicalSwitch == q.LogicalSwitch && p.Bindings == q.Bindings && slices.Equal(p.Additional, q.Additional) && slices.Equal(p.MACs, q.MACs)
}

// ipaddr is the IPv4 address that goes with a MAC address of the port.
func (p *Port) ipaddr(mac wire.MAC) string {
	for _, a := range p.MACs {
		if a.MAC == mac {
			return a.IP
		}
	}
	return ""
}

// Address is a MAC address with the IPv4 address that goes with it, "" if there is none.
type Address struct {
	MAC wire.MAC
	IP  string
}

// ParseAddress reads an element of Port_Binding.mac: a MAC address and IP addresses or networks behind it (ovn-sb(5)). It is false
// for the others: "unknown", "dynamic", "router", and what is malformed.
func ParseAddress(s string) (Address, bool) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return Address{}, false
	}
	mac, err := wire.ParseMAC(words[0])
	if err != nil || mac.IsMulticast() || mac.IsZero() {
		return Address{}, false
	}
	a := Address{MAC: mac}
	for _, w := range words[1:] {
		w, _, _ = strings.Cut(w, "/")
		if ip, err := netip.ParseAddr(w); err == nil && ip.Is4() {
			a.IP = ip.String()
			break
		}
	}
	return a, true
}

// Learned is an FDB row: where a MAC address was seen that no port has by configuration.
type Learned struct {
	Place
	Port int64 // tunnel key
}

// Place is a MAC address in a logical switch of OVN, named by its tunnel key.
type Place struct {
	Datapath int64
	MAC      wire.MAC
}
