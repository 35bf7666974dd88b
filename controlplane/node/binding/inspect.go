package binding

import "github.com/sluice-gw/sluice/internal/ovsdb"

// Each calls f for every port that is something to this chassis.
func (p *Ports) Each(f func(ovsdb.UUID, Port)) {
	for id, port := range p.ports {
		f(id, port)
	}
}

// String is the kind as ovn-controller's debug commands write it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Unknown]
}

var kindNames = [...]string{"UNKNOWN", "VIF", "CONTAINER", "VIRTUAL", "PATCH", "LOCALNET", "LOCALPORT", "L2GATEWAY",
	"L3GATEWAY", "CHASSISREDIRECT", "EXTERNAL", "REMOTE", "VTEP", "MIRROR"}
