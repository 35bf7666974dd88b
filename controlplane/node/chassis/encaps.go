package chassis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// encap is a tunnel end of this chassis.
type encap struct{ typ, ip string }

// choose reads from the configuration what to register, without what another
// chassis has: packets for one of the two would reach the other.
func (c *Chassis) choose() {
	before := c.taken
	c.encaps, c.taken = nil, nil
	for _, t := range c.w.Config.EncapTypes {
		if t == "stt" && !c.stt() {
			continue
		}
		for _, ip := range c.w.Config.EncapIPs {
			e := encap{t, ip}
			why := c.conflict(e)
			if why == "" {
				c.encaps = append(c.encaps, e)
				continue
			}
			c.taken = append(c.taken, why)
			if !slices.Contains(before, why) {
				c.w.Log.Warn(why)
			}
		}
	}
}

// conflict says who has an encapsulation already; "" when nobody has, or this host
// under a name that it had before, which Write takes over.
func (c *Chassis) conflict(e encap) string {
	name := c.w.Config.Chassis
	for _, other := range c.w.SB.EncapByTypeIP.Get(sb.EncapByTypeIPKey{Type: e.typ, IP: e.ip}) {
		if other.ChassisName == name {
			continue
		}
		owner := c.w.SB.ChassisByName.One(other.ChassisName)
		if owner != nil && c.ours(owner) && c.w.Self() == nil {
			continue
		}
		host := ""
		if owner != nil && owner.Hostname != "" {
			host = ": it is on host " + owner.Hostname
		}
		return fmt.Sprintf("'%s' already has encap ip '%s' and type '%s', cannot duplicate on '%s'%s. Set external_ids:ovn-encap-ip "+
			"to an address of this host, or remove the stale row with \"ovn-sbctl chassis-del %s\"",
			other.ChassisName, e.ip, e.typ, name, host, other.ChassisName)
	}
	return ""
}

// stt tells whether STT tunnels can be used: Open vSwitch must have them, and the
// Southbound schema, which lost them in OVN 25.09 (21.5.0), must know them.
func (c *Chassis) stt() bool {
	why := ""
	var major, minor int
	if n, _ := fmt.Sscanf(c.Schema(), "%d.%d", &major, &minor); n == 2 && (major > 21 || major == 21 && minor >= 5) {
		why = "the Southbound database's schema " + c.Schema() + " does not know it any more"
	}
	if !slices.Contains(strings.Split(c.w.Config.IfaceTypes, ","), "stt") {
		why = "Open vSwitch here has no such tunnels"
	}
	if why != "" && why != c.noSTT {
		c.w.Log.Warn("external_ids:ovn-encap-type: stt is left out: " + why + "; use geneve or vxlan")
	}
	c.noSTT = why
	return why == ""
}

func (c *Chassis) encapOptions(e encap) map[string]string {
	o := map[string]string{"csum": c.w.Config.EncapCsum}
	if d := c.w.Config.EncapIPDefault; d != "" && d == e.ip {
		o["is_default"] = "true"
	}
	return o
}

func (c *Chassis) keep(row *sb.Chassis, want encap) (ovsdb.UUID, bool) {
	for _, id := range row.Encaps {
		e := c.w.SB.Encap.Get(id)
		if e != nil && e.Type == want.typ && e.IP == want.ip && e.ChassisName == c.w.Config.Chassis &&
			maps.Equal(e.Options, c.encapOptions(want)) {
			return id, true
		}
	}
	return ovsdb.UUID{}, false
}

func (c *Chassis) encapsRight(row *sb.Chassis) bool {
	want := c.encaps
	if len(row.Encaps) != len(want) {
		return false
	}
	for _, e := range want {
		if _, ok := c.keep(row, e); !ok {
			return false
		}
	}
	return true
}
