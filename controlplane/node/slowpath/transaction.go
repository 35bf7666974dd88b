package slowpath

import (
	"fmt"
	"time"

	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// transaction is one call of Writer.Write.
type transaction struct {
	*Writer
	*idl.Tx
	sb   *sb.DB
	rows finder
	self *sb.Chassis
	now  time.Time
}

// port finds a port of a local datapath, and warns when there is none: it went while
// the packet was on its way here. Of other datapaths it is not known what the
// database has.
func (t *transaction) port(k punt.Key) *sb.PortBinding {
	if pb := t.rows.port(k); pb != nil {
		if _, local := t.local.Key(pb.Datapath); local {
			return pb
		}
	}
	t.warnings.Warn(fmt.Sprintf("unknown logical port with datapath %d and port %d", k.Datapath, k.Port))
	return nil
}

// finder finds rows by tunnel keys. It reads a datapath once, so that many look-ups
// cost no more than its size; it must not outlive the run.
type finder struct {
	sb       *sb.DB
	ports    map[uint32]map[uint32]*sb.PortBinding
	stations map[uint32]map[string]*sb.FDB
}

// port is the port with these keys, nil for none.
func (f *finder) port(k punt.Key) *sb.PortBinding {
	ports, ok := f.ports[k.Datapath]
	if !ok {
		ports = map[uint32]*sb.PortBinding{}
		if dp := f.sb.DatapathBindingByTunnelKey.One(int64(k.Datapath)); dp != nil {
			for _, pb := range f.sb.PortBindingByDatapath.Get(dp.UUID) {
				ports[uint32(pb.TunnelKey)] = pb
			}
		}
		if f.ports == nil {
			f.ports = map[uint32]map[uint32]*sb.PortBinding{}
		}
		f.ports[k.Datapath] = ports
	}
	return ports[k.Port]
}

// station is the FDB row of a MAC address on a datapath, nil for none.
func (f *finder) station(k stationKey) *sb.FDB {
	stations, ok := f.stations[k.datapath]
	if !ok {
		stations = map[string]*sb.FDB{}
		for _, row := range f.sb.FDBByDPKey.Get(int64(k.datapath)) {
			stations[row.MAC] = row
		}
		if f.stations == nil {
			f.stations = map[uint32]map[string]*sb.FDB{}
		}
		f.stations[k.datapath] = stations
	}
	return stations[k.mac.String()]
}
