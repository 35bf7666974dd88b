package vtepdb

import (
	"fmt"
	"maps"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// unknownDst is the MAC address of Mcast_Macs_Remote that stands for everything that is not known (vtep(5)).
const unknownDst = "unknown-dst"

// readGroup reads Mcast_Macs_Remote.MAC. The zero address stands for unknownDst.
func readGroup(s string) (wire.MAC, bool) {
	if s == unknownDst {
		return wire.MAC{}, true
	}
	mac, err := wire.ParseMAC(strings.ToLower(s))
	return mac, err == nil && mac.IsMulticast()
}

// groupText is its reverse.
func groupText(mac wire.MAC) string {
	if mac.IsZero() {
		return unknownDst
	}
	return mac.String()
}

func (p *Planner) onFlood(ch idl.Change[rows.McastMacsRemote]) {
	if ch.Old != nil {
		p.lessUsed(ch.Old.LogicalSwitch)
	}
	for _, row := range []*rows.McastMacsRemote{ch.Old, ch.New} {
		if row == nil {
			continue
		}
		mac, ok := readGroup(row.MAC)
		if !ok {
			continue // somebody else's
		}
		key := macKey{row.LogicalSwitch, mac}
		edit(p.floodsAt, key, row, row == ch.New, func(o *rows.McastMacsRemote) bool { return o.UUID == ch.ID })
		p.floods[key] = true
	}
}

// flood is the addresses that a row of Mcast_Macs_Remote leads to.
func (p *Planner) flood(row *rows.McastMacsRemote) map[string]bool {
	out := map[string]bool{}
	if set := p.db.PhysicalLocatorSet.Get(row.LocatorSet); set != nil {
		for _, l := range set.Locators {
			out[p.dstIP(l)] = true
		}
	}
	return out
}

func (p *Planner) fromHere(ips map[string]bool) bool {
	for ip := range ips {
		if !p.known(ip) {
			return false
		}
	}
	return true
}

// floodWanted is where frames of a logical switch go whose destination is not known: every chassis that has a port there, or the
// nodes that give them to these.
func (p *Planner) floodWanted(ls *rows.LogicalSwitch) map[string]bool {
	want := map[string]bool{}
	without := map[string]bool{}
	b := p.bound[ls.Name]
	if b != nil && b.ls == ls.UUID && b.usable && p.segments[b.dp] != nil {
		for id := range p.segments[b.dp].hosts {
			if ip, ok := p.reach(id); ok {
				want[ip] = true
			} else if c, there := p.chassis[id]; there && c.IP == "" {
				without[c.Name] = true
			}
		}
	}
	text := ""
	if len(without) > 0 {
		text = fmt.Sprintf("VTEP tunnel encap on chassis (%s) not found, VXLAN with an IPv4 address: no switch reaches the ports of logical switch %s there. Give the chassis one: "+
			"ovs-vsctl set open . external_ids:ovn-encap-type=geneve,vxlan", strings.Join(sortedKeys(without), ", "), ls.Name)
	}
	p.problems.set(noVXLAN, ls.Name, text)
	return p.replicated(ls, b, want)
}

// writeFlood keeps the row of a multicast group, or that of unknown destinations. It is false when there is nothing to do.
func (w *writer) writeFlood(k macKey) bool {
	ls := w.db.LogicalSwitch.Get(k.ls)
	if ls == nil || !w.managed(ls) {
		return false
	}
	what := "unknown destinations of logical switch " + ls.Name
	subject := ls.Name
	var want map[string]bool
	if k.mac.IsZero() {
		want = w.floodWanted(ls)
	} else {
		what = fmt.Sprintf("frames to group %v of logical switch %s", k.mac, ls.Name)
		subject += " " + k.mac.String()
		if b := w.bound[ls.Name]; b != nil && b.ls == ls.UUID && b.usable {
			want = w.audience(b, k.mac)
		}
	}
	var keep *rows.McastMacsRemote
	var old []*rows.McastMacsRemote
	fits, stays := false, false
	foreign := ""
	for _, row := range byUUID(w.floodsAt[k], func(r *rows.McastMacsRemote) ovsdb.UUID { return r.UUID }) {
		has := w.flood(row)
		switch {
		case !w.fromHere(has):
			if k.mac.IsZero() || len(want) > 0 {
				foreign = fmt.Sprintf("%s go to %s by a row of somebody else, which stays; here it would be %s. If nobody needs it: "+
					"vtep-ctl del-mcast-remote %s %s vxlan_over_ipv4 ADDRESS", what, strings.Join(sortedKeys(has), ", "), strings.Join(sortedKeys(want), ", "), ls.Name, row.MAC)
			}
			stays = true
		case keep == nil || !fits && maps.Equal(has, want):
			if keep != nil {
				old = append(old, keep)
			}
			keep, fits = row, maps.Equal(has, want)
		default:
			old = append(old, row)
		}
	}
	w.problems.set(floodForeign, subject, foreign)
	if stays {
		want = nil
	}
	if keep != nil && len(want) == 0 {
		old, keep = append(old, keep), nil
	}
	change := len(want) > 0 && (keep == nil || !fits)
	if len(old) == 0 && !change {
		return false
	}
	if !w.tx.Part(idl.Part{Kind: "flood", Table: "Mcast_Macs_Remote", Name: "where " + what + " go"}) {
		return true
	}
	w.wrote(k, "where "+what+" go")
	for _, row := range old {
		w.tx.Delete("Mcast_Macs_Remote", row.UUID)
	}
	if !change {
		return true
	}
	var members []any
	for _, ip := range sortedKeys(want) {
		members = append(members, w.locators.To(ip))
	}
	set := w.tx.Insert("Physical_Locator_Set", map[string]any{"locators": members})
	if keep != nil {
		w.tx.Update("Mcast_Macs_Remote", keep.UUID, map[string]any{"locator_set": set})
		w.inserted("Physical_Locator_Set", set)
	} else {
		w.inserted("Mcast_Macs_Remote", w.tx.Insert("Mcast_Macs_Remote", map[string]any{"MAC": groupText(k.mac), "logical_switch": k.ls, "locator_set": set}))
	}
	return true
}
