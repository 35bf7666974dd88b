// Package encap makes the tunnels to the other chassis: one port of the
// integration bridge for each remote chassis and encapsulation address, with BFD
// where an HA chassis group needs it, and tells the other nodes which port leads
// to which chassis and which chassis are alive.
package encap

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ha"
	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/iface"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Type is a tunnel protocol, in order of preference.
type Type uint8

// The tunnel protocols.
const (
	None Type = iota
	VXLAN
	STT
	Geneve
)

// TypeOf is the protocol by its name in the databases.
func TypeOf(name string) Type {
	switch name {
	case "vxlan":
		return VXLAN
	case "stt":
		return STT
	case "geneve":
		return Geneve
	}
	return None
}

// Tunnel is a port of the integration bridge that leads to another chassis.
type Tunnel struct {
	Chassis  string
	RemoteIP string
	LocalIP  string // "" when any
	Type     Type
	Ofport   uint32
}

// Overhead is the number of bytes that the tunnel puts around a packet, outer
// Ethernet header excluded.
func (t Tunnel) Overhead() int {
	ip := 20
	if strings.Contains(t.RemoteIP, ":") {
		ip = 40
	}
	switch t.Type {
	case Geneve:
		return ip + 8 + 8 + 8 + 14 // UDP, Geneve, option, inner Ethernet
	case VXLAN:
		return ip + 8 + 8 + 14
	case STT:
		return ip + 18 + 20 + 14
	}
	return 0
}

// Tunnels is the datum: the tunnels that exist, and liveness.
type Tunnels struct {
	w      *node.World
	ifaces *iface.Table
	by     map[string][]Tunnel // chassis -> tunnels, by addresses
	up     map[string]bool     // chassis with BFD up
	dirty  bool                // the bridge's tunnel ports may lag behind

	// Changed are chassis whose tunnels changed in this run; LiveChanged tells
	// whether liveness did.
	Changed     map[string]bool
	LiveChanged bool
}

// New makes the datum.
func New(w *node.World, ifaces *iface.Table) *Tunnels {
	return &Tunnels{w: w, ifaces: ifaces, by: map[string][]Tunnel{}, up: map[string]bool{}, Changed: map[string]bool{}, dirty: true}
}

// Begin starts a run.
func (t *Tunnels) Begin() {
	clear(t.Changed)
	t.LiveChanged = false
}

// Update reads the tunnels from the integration bridge's interfaces.
func (t *Tunnels) Update() bool {
	by, up := map[string][]Tunnel{}, map[string]bool{}
	for id, row := range t.ifaces.All() {
		port := t.ifaces.Port(id)
		if port == nil || row.Options["remote_ip"] == "" {
			continue
		}
		chassis, remote, local, ok := parseID(port.ExternalIDs[idKey])
		if !ok {
			continue
		}
		if row.BFD["enable"] == "true" && row.BFDStatus["state"] == "up" {
			up[chassis] = true
		}
		if n := iface.Ofport(row); n != 0 && TypeOf(row.Type) != None {
			by[chassis] = append(by[chassis], Tunnel{chassis, remote, local, TypeOf(row.Type), n})
		}
	}
	for _, l := range by {
		slices.SortFunc(l, func(a, b Tunnel) int {
			return cmp.Or(cmp.Compare(a.RemoteIP, b.RemoteIP), cmp.Compare(a.LocalIP, b.LocalIP), cmp.Compare(a.Ofport, b.Ofport))
		})
	}
	for c, l := range by {
		if !slices.Equal(l, t.by[c]) {
			t.Changed[c] = true
		}
	}
	for c := range t.by {
		if _, ok := by[c]; !ok {
			t.Changed[c] = true
		}
	}
	for c := range up {
		t.LiveChanged = t.LiveChanged || !t.up[c]
	}
	t.LiveChanged = t.LiveChanged || len(up) != len(t.up)
	t.by, t.up = by, up
	return len(t.Changed) > 0 || t.LiveChanged
}

// All are all tunnels by chassis.
func (t *Tunnels) All() map[string][]Tunnel { return t.by }

// Find is the tunnel to a chassis: to the encapsulation wanted, or else the chassis's
// default one, when there is one with its address, and from our address local, "" for any.
func (t *Tunnels) Find(chassis string, want *sb.Encap, local string) (Tunnel, bool) {
	l := t.by[chassis]
	switch len(l) {
	case 0:
		return Tunnel{}, false
	case 1:
		return l[0], true
	}
	if want == nil {
		want = t.defaultEncap(t.w.SB.ChassisByName.One(chassis))
	}
	best, points := l[0], 0
	for _, x := range l {
		n := 0
		if want != nil && x.RemoteIP == want.IP {
			n += 2
		}
		if local != "" && x.LocalIP == local {
			n++
		}
		if n > points {
			best, points = x, n
		}
	}
	return best, true
}

// Up and Any implement ha.Live.
func (t *Tunnels) Up(chassis string) bool { return t.up[chassis] }

// Any tells whether BFD is up on any tunnel.
func (t *Tunnels) Any() bool { return len(t.up) > 0 }

// Group is an HA chassis group as package ha sees it.
func (t *Tunnels) Group(id ovsdb.UUID) ha.Group {
	var g ha.Group
	row := t.w.SB.HAChassisGroup.Get(id)
	if row == nil {
		return g
	}
	for _, m := range row.HAChassis {
		if hc := t.w.SB.HAChassis.Get(m); hc != nil {
			g.Members = append(g.Members, ha.Member{Chassis: t.w.ChassisName(hc.Chassis), Priority: hc.Priority})
		}
	}
	for _, r := range row.RefChassis {
		c := t.w.SB.Chassis.Get(r)
		if c != nil && c.OtherConfig["is-remote"] != "true" {
			g.Refs = append(g.Refs, c.Name)
		}
	}
	return g
}

// GroupActive tells whether this chassis is the active member of a group.
func (t *Tunnels) GroupActive(id ovsdb.UUID) bool {
	return !id.IsZero() && t.w.Self() != nil && t.Group(id).Active(t.w.Config.Chassis, t)
}

// GroupPreferred tells whether this chassis is the one that a group prefers.
func (t *Tunnels) GroupPreferred(id ovsdb.UUID) bool {
	all := t.Group(id).Ordered()
	return len(all) > 0 && all[0].Chassis == t.w.Config.Chassis
}

// GroupMember tells whether this chassis is a member of a group.
func (t *Tunnels) GroupMember(id ovsdb.UUID) bool {
	return !id.IsZero() && t.Group(id).Contains(t.w.Config.Chassis)
}

// parseID takes apart external_ids:ovn-chassis-id: CHASSIS@REMOTE or
// CHASSIS@REMOTE%LOCAL.
func parseID(id string) (chassis, remote, local string, ok bool) {
	chassis, rest, found := strings.Cut(id, "@")
	if !found || chassis == "" || rest == "" {
		return "", "", "", false
	}
	remote, local, _ = strings.Cut(rest, "%")
	return chassis, remote, local, true
}
