package trace

import (
	"net/netip"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

type datapath struct {
	uuid, nb    ovsdb.UUID
	name, alias string // external_ids:name and name2
	key         uint32
	isSwitch    bool

	ports  map[uint32]*port
	groups map[uint32]*group
	macs   map[bindingKey]mac
	fdb    map[mac]uint32 // to port keys
	tables map[tableKey][]*flow
}

type port struct {
	dp          *datapath
	row         *sb.PortBinding
	key         uint32
	alias       string // external_ids:name
	peer        *port  // of patch and l3gateway ports
	distributed *port  // of chassisredirect ports
	security    []portAddresses
}

// group is a multicast group; its ports are sorted by name.
type group struct {
	name  string
	key   uint32
	ports []*port
}

type bindingKey struct {
	port uint32
	ip   netip.Addr
}

type tableKey struct {
	ingress bool
	table   int
}

func newDatapath(r *sb.DatapathBinding) *datapath {
	d := &datapath{
		uuid: r.UUID, nb: r.NBUUID, key: uint32(r.TunnelKey),
		ports: map[uint32]*port{}, groups: map[uint32]*group{}, macs: map[bindingKey]mac{},
		fdb: map[mac]uint32{}, tables: map[tableKey][]*flow{},
	}
	// Releases before 25.09 have the Northbound UUID in external_ids.
	ls, isSwitch := r.ExternalIDs["logical-switch"]
	lr := r.ExternalIDs["logical-router"]
	d.isSwitch = isSwitch || r.Type.V == "logical-switch"
	for _, text := range []string{ls, lr} {
		if id, err := ovsdb.ParseUUID(text); err == nil && d.nb.IsZero() {
			d.nb = id
		}
	}
	if d.nb.IsZero() {
		d.nb = r.UUID
	}
	d.name, d.alias = r.ExternalIDs["name"], r.ExternalIDs["name2"]
	if d.name == "" {
		d.name = d.nb.String()
	}
	return d
}

// shown is the name that output has for d.
func (d *datapath) shown(friendly bool) string {
	switch {
	case !friendly:
		return d.nb.String()
	case d.alias != "":
		return shorten(d.alias)
	}
	return shorten(d.name)
}

// shown is the name that output has for p.
func (p *port) shown(friendly bool) string {
	switch {
	case !friendly:
		return p.row.LogicalPort
	case p.alias != "":
		return shorten(p.alias)
	}
	return shorten(p.row.LogicalPort)
}

const uuidLen = 36

// shorten cuts a UUID at the end of a name down to 6 characters.
func shorten(name string) string {
	if len(name) >= uuidLen {
		if _, err := ovsdb.ParseUUID(name[len(name)-uuidLen:]); err == nil {
			return name[:len(name)-uuidLen+6]
		}
	}
	return name
}

// portName is the name for a port key, as output shows it.
func (d *datapath) portName(key uint32, friendly bool) string {
	if p := d.ports[key]; p != nil {
		return p.shown(friendly)
	}
	if key == 0 {
		return ""
	}
	return "(unnamed)"
}

// minPrefix is how many characters of a UUID name a row.
const minPrefix = 4

// abbreviates tells whether text is the beginning of a UUID.
func abbreviates(text string, id ovsdb.UUID) bool {
	return len(text) >= minPrefix && strings.HasPrefix(id.String(), strings.ToLower(text))
}

// findDatapath finds a datapath by name or by the beginning of a UUID; nil when there is none or more than one.
func (n *Network) findDatapath(name string) (d *datapath, ambiguous bool) {
	for _, d := range n.datapaths {
		if d.name == name || d.alias != "" && d.alias == name {
			return d, false
		}
	}
	for _, c := range n.datapaths {
		if abbreviates(name, c.uuid) || abbreviates(name, c.nb) {
			if d != nil {
				return nil, true
			}
			d = c
		}
	}
	return d, false
}

// findPort finds a port by name, by its other name or by the beginning of a UUID;
// nil when there is none or more than one.
func (n *Network) findPort(name string) *port {
	if p := n.ports[name]; p != nil {
		return p
	}
	var found *port
	for _, p := range n.ports {
		id, _ := ovsdb.ParseUUID(p.row.LogicalPort)
		if p.alias == name || abbreviates(name, p.row.UUID) || !id.IsZero() && abbreviates(name, id) {
			if found != nil {
				return nil
			}
			found = p
		}
	}
	return found
}

// groupNamed finds a multicast group of d.
func (d *datapath) groupNamed(name string) *group {
	for _, g := range d.groups {
		if g.name == name {
			return g
		}
	}
	return nil
}
