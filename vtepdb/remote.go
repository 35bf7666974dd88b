package vtepdb

import (
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// target is where a MAC address of the logical network is reached.
type target struct{ ip, ipaddr string }

// target says where frames to a MAC address in a logical switch go. Ports that have it by configuration come before what another
// switch has learned; of several, the first by name.
func (p *Planner) target(ls *rows.LogicalSwitch, k macKey) (target, bool) {
	b := p.bound[ls.Name]
	if b == nil || b.ls != k.ls || !b.usable {
		p.problems.set(macDuplicate, ls.Name+" "+k.mac.String(), "")
		return target{}, false
	}
	var stations []*Port
	if s := p.segments[b.dp]; s != nil {
		stations = s.stations[k.mac]
	}
	duplicate := ""
	if len(stations) > 1 {
		duplicate = fmt.Sprintf("MAC address (%v) has already been known to be on logical port (%s) in the same logical datapath, "+
			"so just ignore this logical port (%s)", k.mac, stations[0].Name, stations[1].Name)
	}
	p.problems.set(macDuplicate, ls.Name+" "+k.mac.String(), duplicate)
	if len(stations) > 0 {
		ip, ok := p.reach(stations[0].Chassis)
		return target{ip, stations[0].ipaddr(k.mac)}, ok
	}
	pl := Place{p.keys[b.dp], k.mac}
	id, ok := p.places_[pl]
	if !ok {
		return target{}, false
	}
	port := p.ports[p.portAt[portPlace{pl.Datapath, p.learned[id].Port}]]
	if port == nil || port.Chassis.IsZero() {
		return target{}, false
	}
	ip, ok := p.reach(port.Chassis)
	return target{ip, ""}, ok
}

// reach is the tunnel address of a chassis; false for switches here, and for a chassis without one.
func (p *Planner) reach(id ovsdb.UUID) (string, bool) {
	c, ok := p.chassis[id]
	return c.IP, ok && c.IP != "" && !p.ours(id)
}

// known tells whether rows that lead to an address are from here.
func (p *Planner) known(ip string) bool { return ip != "" && (p.addresses[ip] > 0 || p.recorded[ip]) }

func (p *Planner) dstIP(locator ovsdb.UUID) string {
	if row := p.db.PhysicalLocator.Get(locator); row != nil && !row.TunnelKey.OK {
		return row.DstIP
	}
	return ""
}

// managed tells whether rows of a logical switch may be changed.
func (p *Planner) managed(ls *rows.LogicalSwitch) bool {
	b := p.bound[ls.Name]
	return p.mine(ls) || b != nil && b.ls == ls.UUID && b.usable
}

// writeMAC adds what is to be different for a MAC address. A new place is a new row in the same transaction as the end of the old
// one: switches know insertion and deletion best. It is false when there is nothing to do.
func (w *writer) writeMAC(k macKey) bool {
	p := w.Planner
	ls := p.db.LogicalSwitch.Get(k.ls)
	if ls == nil || !p.managed(ls) {
		return false
	}
	subject := ls.Name + " " + k.mac.String()
	want, wanted := p.target(ls, k)
	var keep *rows.UcastMacsRemote
	var old []*rows.UcastMacsRemote
	foreign, stays := "", false
	for _, row := range byUUID(p.remotes[k], func(r *rows.UcastMacsRemote) ovsdb.UUID { return r.UUID }) {
		switch ip := p.dstIP(row.Locator); {
		case !p.known(ip):
			if stays = true; wanted {
				foreign = fmt.Sprintf("MAC address %v of logical switch %s leads to %s by a row of somebody else, which stays; here it would be %s", k.mac, ls.Name, ip, want.ip)
			}
		case wanted && ip == want.ip && keep == nil:
			keep = row
		default:
			old = append(old, row)
		}
	}
	if wanted = wanted && !stays; stays && keep != nil {
		old, keep = append(old, keep), nil
	}
	p.problems.set(macForeign, subject, foreign)
	if len(old) > 0 && keep == nil {
		if until, held := p.moves.held(k, p.cfg.Now()); held {
			p.wakeAt(until)
			p.problems.set(macMoving, subject, fmt.Sprintf("MAC address %v of logical switch %s moves too often and is left at %s until it has stayed "+
				"somewhere for %v; look for a loop, or for two hosts with this address", k.mac, ls.Name, p.dstIP(old[0].Locator), moveHold))
			return true
		}
	}
	p.problems.set(macMoving, subject, "")
	rewrite := keep != nil && keep.IPAddr != want.ipaddr
	if !rewrite && len(old) == 0 && (keep != nil || !wanted) {
		return false
	}
	name := "MAC address " + k.mac.String() + " of logical switch " + ls.Name
	if !w.tx.Part(idl.Part{Kind: "remote MAC", Table: "Ucast_Macs_Remote", Name: name}) {
		return true
	}
	w.wrote(k, name)
	for _, row := range old {
		w.tx.Delete("Ucast_Macs_Remote", row.UUID)
	}
	switch {
	case rewrite:
		w.tx.Update("Ucast_Macs_Remote", keep.UUID, map[string]any{"ipaddr": want.ipaddr})
	case wanted && keep == nil:
		w.inserted("Ucast_Macs_Remote", w.tx.Insert("Ucast_Macs_Remote", map[string]any{
			"MAC": k.mac.String(), "logical_switch": k.ls, "locator": w.locators.To(want.ip), "ipaddr": want.ipaddr}))
	}
	return true
}

// byUUID is the order in which rows are kept where one is enough, so that two processes that work on one database by mistake come to
// an end.
func byUUID[R any](list []*R, id func(*R) ovsdb.UUID) []*R {
	if len(list) < 2 {
		return list
	}
	return slices.SortedFunc(slices.Values(list), func(a, b *R) int { return id(a).Compare(id(b)) })
}
