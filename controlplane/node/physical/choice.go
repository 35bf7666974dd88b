package physical

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// A chassis with several encapsulation addresses sends what comes from an interface
// by the address that the interface asks for (external_ids:encap-ip), and all else by
// the default one. The address's place in Physical.locals travels with the packet, in
// the upper half of the register of the conntrack zone; it is 0 where nothing is asked
// for. A chassis with one address has no rules for all this.
const (
	encapOffset = 16
	encapBits   = 16
)

// encapNumber is the place of the address that what comes from a port leaves by.
func (p *Physical) encapNumber(pb *sb.PortBinding) int {
	if len(p.locals) == 1 {
		return 0
	}
	for _, id := range append([]ovsdb.UUID{pb.Encap}, pb.AdditionalEncap...) {
		if e := p.World.SB.Encap.Get(id); e != nil && e.ChassisName == p.World.Config.Chassis {
			return max(0, slices.Index(p.locals, e.IP))
		}
	}
	return 0
}

// loadZone sets the conntrack zone and leaves the encapsulation's number.
func (p *Physical) loadZone(zone uint16) ir.Op {
	if len(p.locals) == 1 {
		return load(ir.CTZone, uint64(zone))
	}
	return loadBits(ir.CTZone, 0, encapOffset, uint64(zone))
}

// leaving matches packets that are to leave by the address at place n.
func (p *Physical) leaving(n int, terms ...ir.Term) ir.Match {
	if len(p.locals) > 1 {
		terms = append(terms, ir.Masked(ir.CTZone, uint64(n)<<encapOffset, (1<<encapBits-1)<<encapOffset))
	}
	return match(terms...)
}
