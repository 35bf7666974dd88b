package punt

import (
	"net/netip"

	"github.com/sluice-gw/sluice/internal/wire"
)

// Key names a logical port by tunnel keys: those of its Datapath_Binding and Port_Binding.
type Key struct{ Datapath, Port uint32 }

// NeighborKey names a neighbor: who asks, and which address.
type NeighborKey struct {
	Port Key
	IP   netip.Addr
}

// Neighbor is a MAC_Binding with tunnel keys for rows.
type Neighbor struct {
	NeighborKey
	MAC wire.MAC
}

// Station is an FDB entry: MAC was seen behind the port.
type Station struct {
	Port Key
	MAC  wire.MAC
}

// VirtualParent says that a port of type "virtual" was seen behind another port of
// this chassis.
type VirtualParent struct {
	Virtual Key
	Parent  uint32 // tunnel key of the parent port, on the same datapath
}

// EmptyBackends is a Controller_Event: a packet for a load balancer that has no backend.
type EmptyBackends struct{ VIP, Protocol, LoadBalancer string }

// Store takes the slow path's effects on the Southbound database. Its methods do not
// block and may be called from several goroutines. The writer behind it keeps the
// newest value of each key and looks rows up by tunnel key when it writes.
//
// The rules for the rows, which need the database, are the writer's:
//   - Neighbor: insert the MAC_Binding of (logical port, IP), or update MAC and
//     timestamp when the MAC differs.
//   - Station: insert the FDB of (datapath, MAC), or update it; a localnet port does
//     not take over an entry that points to a VIF.
//   - VirtualParent: claim the virtual port for this chassis when both ports exist,
//     with a backoff between chassis that see it at the same time.
//   - activated port: append the chassis to options:additional-chassis-activated.
type Store interface {
	LearnNeighbor(Neighbor)
	LearnStation(Station)
	BindVirtual(VirtualParent)
	ActivatePort(Key)
	ReportEmptyBackends(EmptyBackends)
}
