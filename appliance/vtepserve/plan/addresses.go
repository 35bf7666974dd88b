package plan

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/vtepdb/switchrows"
)

// AddressChange is an IP address of a segment that is otherwise as it was: who has it, for whom ARP is answered.
type AddressChange struct {
	Segment bridging.Segment // without its stations
	IP      netip.Addr
	MAC     wire.MAC // zero: nobody
}

// addressChanges are the addresses that others have than before, if they are clear by themselves; see stationChanges.
func (p *Plan) addressChanges() (list []AddressChange) {
	for key := range p.addressed {
		if p.touched[key.LogicalSwitch] || len(p.attached[key.LogicalSwitch]) == 0 {
			continue
		}
		r := reader{Plan: p, ls: p.db.LogicalSwitch.Get(key.LogicalSwitch)}
		c := AddressChange{Segment: r.base()}
		rows := p.db.UcastMacsRemoteByIPAddr.Get(key)
		if len(rows) > 0 {
			c.IP = r.address(rows[0])
			mac, err := wire.ParseMAC(rows[0].MAC)
			same := p.db.UcastMacsRemoteByMAC.Get(switchrows.UcastMacsRemoteByMACKey{LogicalSwitch: key.LogicalSwitch, MAC: rows[0].MAC})
			if _, ok := r.remote(rows[0].Locator); !ok || err != nil || len(rows)+len(same) > 2 {
				p.touched[key.LogicalSwitch] = true
				continue
			}
			c.MAC = mac
		} else {
			c.IP = ipv4(key.IPAddr)
		}
		if len(r.found) > 0 || c.Segment.Tunnel == 0 || p.odd[key.LogicalSwitch] || len(p.unclear[key.LogicalSwitch]) > 0 {
			p.touched[key.LogicalSwitch] = true
		} else if c.IP.IsValid() {
			list = append(list, c)
		}
	}
	clear(p.addressed)
	return slices.DeleteFunc(list, func(c AddressChange) bool { return p.touched[p.segments[c.Segment.ID]] })
}

// ipv4 reads an address that a station can have; zero for any other.
func ipv4(text string) netip.Addr {
	ip, err := netip.ParseAddr(text)
	if err != nil || !ip.Is4() || ip.IsUnspecified() || ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return netip.Addr{}
	}
	return ip
}

// address is the address for which ARP is answered in a station's stead; zero for none: it is not known, or is one of IPv6, for which nothing is answered.
func (r *reader) address(row *switchrows.UcastMacsRemote) netip.Addr {
	ip := ipv4(row.IPAddr)
	if !ip.IsValid() && row.IPAddr != "" {
		if six, err := netip.ParseAddr(row.IPAddr); err != nil || !six.Is6() {
			r.report("ipaddr-malformed", fmt.Sprintf("Ucast_Macs_Remote of logical switch %s has %s with the address %q, which is no station's IP address", r.ls.Name, row.MAC, row.IPAddr))
		}
	}
	return ip
}

// unshare takes addresses away from all stations but the first that has it. The list is sorted, so that the choice is the same in each run.
func (r *reader) unshare(list []bridging.Station) {
	has := map[netip.Addr]wire.MAC{}
	for i, st := range list {
		if !st.IP.IsValid() {
			continue
		}
		if other, taken := has[st.IP]; taken {
			r.report("ipaddr-duplicate", fmt.Sprintf("Ucast_Macs_Remote of logical switch %s has %s at %s and at %s: ARP is answered with the first", r.ls.Name, st.IP, other, st.MAC))
			list[i].IP = netip.Addr{}
			continue
		}
		has[st.IP] = st.MAC
	}
}
