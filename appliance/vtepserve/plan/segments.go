package plan

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/vtepdb/switchrows"
)

// unknownDst is the MAC address of Mcast_Macs_Remote and Mcast_Macs_Local that stands for everything that is not known (vtep(5)).
const unknownDst = "unknown-dst"

// Changes are the segments that may have changed since the last call, by number, and the stations and IP addresses of others that may have. A segment without
// attachments is gone.
func (p *Plan) Changes() (map[uint64]bridging.Segment, []StationChange, []AddressChange) {
	stations := p.stationChanges()
	addresses := p.addressChanges()
	stations = slices.DeleteFunc(stations, func(c StationChange) bool { return p.touched[p.segments[c.Segment.ID]] })
	out := map[uint64]bridging.Segment{}
	for ls := range p.touched {
		if len(p.attached[ls]) > 0 {
			out[segmentID(ls)] = p.segment(ls)
		}
	}
	clear(p.touched)
	for id := range p.had {
		if _, there := p.segments[id]; !there {
			out[id] = bridging.Segment{ID: id}
			delete(p.had, id)
		}
	}
	for id := range p.segments {
		p.had[id] = true
	}
	return out, stations, addresses
}

// StationChange is one station of a segment that is otherwise as it was.
type StationChange struct {
	Segment bridging.Segment // without its stations
	MAC     wire.MAC
	At      *bridging.Remote // nil: nowhere
}

// stationChanges are the stations that have changed, if they are clear by themselves: a logical switch with anything unusual is looked at as a whole, so that its
// problems are told.
func (p *Plan) stationChanges() (list []StationChange) {
	for st, ls := range p.moved {
		if p.touched[ls] || len(p.attached[ls]) == 0 {
			continue
		}
		r := reader{Plan: p, ls: p.db.LogicalSwitch.Get(ls)}
		c := StationChange{Segment: r.base(), MAC: st.mac}
		rows := p.db.UcastMacsRemoteByMAC.Get(switchrows.UcastMacsRemoteByMACKey{LogicalSwitch: ls, MAC: st.mac.String()})
		if len(rows) == 1 {
			if at, ok := r.remote(rows[0].Locator); ok {
				c.At = &at
			}
		}
		if p.odd[ls] || st.mac.IsMulticast() || st.mac.IsZero() || len(p.unclear[ls])+len(r.found) > 0 || len(rows) > 1 || c.Segment.Tunnel == 0 {
			p.touched[ls] = true
			continue
		}
		list = append(list, c)
	}
	clear(p.moved)
	return list
}

// segment is what a logical switch is in the data path.
func (p *Plan) segment(id ovsdb.UUID) bridging.Segment {
	r := reader{Plan: p, ls: p.db.LogicalSwitch.Get(id)}
	s := r.base()
	s.Filters = p.filtersOf(s.Attachments)
	if s.VNI != 0 {
		s.Stations = r.stations()
		r.groups(&s)
	}
	p.unclear[id], p.unknown[id] = r.found, s.Unknown
	return s
}

// base is a segment without what its controller says of stations and groups. A VNI of 0 is all that is wrong with one that has no tunnels.
func (r *reader) base() bridging.Segment {
	s := bridging.Segment{ID: segmentID(r.ls.UUID), Attachments: r.attached[r.ls.UUID]}
	if r.conflicting[r.ls.UUID] != "" {
		return s
	}
	if s.VNI = tunnelKey(r.ls.TunnelKey); s.VNI == 0 {
		r.report("tunnel-key-missing", fmt.Sprintf("logical switch %s has no tunnel key: its VLANs are bridged with each other only. The controller gives it one when it knows of it", r.ls.Name))
		return s
	}
	s.Tunnel = r.uplinks[toAll].number
	return s
}

// reader reads the rows about one logical switch.
type reader struct {
	*Plan
	ls    *switchrows.LogicalSwitch
	found []Problem
}

func (r *reader) report(code, text string) { r.found = append(r.found, Problem{code, text}) }

// stations are the rows of Ucast_Macs_Remote. Of two with one address the one that leads to the lower address counts, so that the choice is the same in
// each run.
func (r *reader) stations() []bridging.Station {
	best := map[wire.MAC]bridging.Station{}
	for _, row := range r.db.UcastMacsRemoteByLogicalSwitch.Get(r.ls.UUID) {
		mac, err := wire.ParseMAC(row.MAC)
		if err != nil || mac.IsMulticast() || mac.IsZero() {
			r.report("mac-malformed", fmt.Sprintf("Ucast_Macs_Remote of logical switch %s has the address %q, which is no station's", r.ls.Name, row.MAC))
			continue
		}
		at, ok := r.remote(row.Locator)
		if !ok {
			continue
		}
		if other, there := best[mac]; there {
			r.report("mac-duplicate", fmt.Sprintf("Ucast_Macs_Remote of logical switch %s has %s twice", r.ls.Name, mac))
			if other.At.IP.Less(at.IP) {
				continue
			}
		}
		best[mac] = bridging.Station{MAC: mac, At: at, IP: r.address(row)}
	}
	list := slices.SortedFunc(maps.Values(best), func(a, b bridging.Station) int { return cmp.Compare(a.MAC.Uint64(), b.MAC.Uint64()) })
	r.unshare(list)
	return list
}

// remote is the end that a locator stands for; false for none: it is our own, or no IPv4 address.
func (r *reader) remote(id ovsdb.UUID) (bridging.Remote, bool) {
	row := r.db.PhysicalLocator.Get(id)
	if row == nil {
		return bridging.Remote{}, false // comes or goes with the next change
	}
	ip, err := netip.ParseAddr(row.DstIP)
	if err != nil || !ip.Is4() {
		r.report("locator-malformed", fmt.Sprintf("logical switch %s leads to the tunnel address %q, which is no IPv4 address", r.ls.Name, row.DstIP))
		return bridging.Remote{}, false
	}
	if ip == r.cfg.TunnelIP {
		r.report("locator-own", fmt.Sprintf("logical switch %s leads to %s, which is this switch's own tunnel address", r.ls.Name, ip))
		return bridging.Remote{}, false
	}
	return bridging.Remote{IP: ip, VNI: tunnelKey(row.TunnelKey)}, true
}

// groups reads Mcast_Macs_Remote. Rows for one address add up.
func (r *reader) groups(s *bridging.Segment) {
	sets := map[wire.MAC]map[bridging.Remote]bool{}
	unknown := map[bridging.Remote]bool{}
	for _, row := range r.db.McastMacsRemoteByLogicalSwitch.Get(r.ls.UUID) {
		into := unknown
		if row.MAC != unknownDst {
			mac, err := wire.ParseMAC(row.MAC)
			if err != nil || !mac.IsMulticast() {
				r.report("mac-malformed", fmt.Sprintf("Mcast_Macs_Remote of logical switch %s has the address %q, which is no group's", r.ls.Name, row.MAC))
				continue
			}
			if sets[mac] == nil {
				sets[mac] = map[bridging.Remote]bool{}
			}
			into = sets[mac]
		}
		if set := r.db.PhysicalLocatorSet.Get(row.LocatorSet); set != nil {
			for _, l := range set.Locators {
				if at, ok := r.remote(l); ok {
					into[at] = true
				}
			}
		}
	}
	for mac, set := range sets {
		s.Groups = append(s.Groups, bridging.Group{MAC: mac, At: r.replicate(set)})
	}
	slices.SortFunc(s.Groups, func(a, b bridging.Group) int { return strings.Compare(a.MAC.String(), b.MAC.String()) })
	s.Unknown = r.replicate(unknown)
}

// replicate is to whom copies go: to all of a set (source_node), or to one of it, which replicates (service_node, the default). That is the first by address
// of those that BFD does not report as gone.
func (r *reader) replicate(set map[bridging.Remote]bool) []bridging.Remote {
	all := slices.SortedFunc(maps.Keys(set), func(a, b bridging.Remote) int { return a.IP.Compare(b.IP) })
	if len(all) == 0 || r.ls.ReplicationMode.Or(serviceNode) == sourceNode {
		return all
	}
	if i := slices.IndexFunc(all, func(at bridging.Remote) bool { return !r.down[at.IP.String()] }); i >= 0 {
		return all[i : i+1]
	}
	return all[:1]
}

// Values of Logical_Switch.replication_mode.
const (
	serviceNode = "service_node"
	sourceNode  = "source_node"
)
