package mirror

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// want is a mirror as it should be.
type want struct {
	src, dst []ovsdb.UUID // Port rows whose packets from and to the switch are copied, sorted
	local    ovsdb.UUID   // Port row that gets the copies; zero: a tunnel
	typ      string       // of the tunnel
	options  map[string]string
}

// tunnelName is the name of the port of a mirror's tunnel.
func tunnelName(mirror string) string { return "ovn-" + mirror }

// wanted are the mirrors that ports of this chassis have, by name. What cannot be
// done is named.
func (m *Mirrors) wanted() map[string]*want {
	used := map[ovsdb.UUID]*want{}
	m.ports.Local(func(id ovsdb.UUID, p binding.Port) {
		pb := m.w.SB.PortBinding.Get(id)
		port := m.ifaces.Port(p.Iface)
		if pb == nil || port == nil || p.Kind != binding.VIF {
			return
		}
		for _, rule := range pb.MirrorRules {
			row := m.w.SB.Mirror.Get(rule)
			if row == nil || row.Type == "lport" {
				continue
			}
			w := used[rule]
			if w == nil {
				w = &want{}
				used[rule] = w
			}
			if row.Filter != "to-lport" {
				w.src = append(w.src, port.UUID)
			}
			if row.Filter != "from-lport" {
				w.dst = append(w.dst, port.UUID)
			}
		}
	})
	out := map[string]*want{}
	for row := range m.w.SB.Mirror.All() {
		w := used[row.UUID]
		if w == nil {
			m.refuse(row.UUID, nil)
			continue
		}
		slices.SortFunc(w.src, ovsdb.UUID.Compare)
		slices.SortFunc(w.dst, ovsdb.UUID.Compare)
		err := m.sink(row, w)
		if err == nil {
			out[row.Name] = w
		}
		m.refuse(row.UUID, err)
	}
	for id := range m.refused {
		if m.w.SB.Mirror.Get(id) == nil {
			m.refuse(id, nil)
		}
	}
	return out
}

// sink reads where the copies go.
func (m *Mirrors) sink(row *sb.Mirror, w *want) error {
	switch row.Filter {
	case "from-lport", "to-lport", "both":
	default:
		return fmt.Errorf("mirror %s: filter %q is none of from-lport, to-lport and both", row.Name, row.Filter)
	}
	switch row.Type {
	case "gre", "erspan":
		ip, err := netip.ParseAddr(row.Sink)
		if err != nil {
			return fmt.Errorf("mirror %s: sink %q is not an IP address", row.Name, row.Sink)
		}
		key := strconv.FormatInt(row.Index, 10)
		w.typ, w.options = row.Type, map[string]string{"remote_ip": row.Sink, "key": key}
		if ip.Is6() {
			w.typ = "ip6" + row.Type
		}
		if row.Type == "erspan" {
			w.options["erspan_idx"], w.options["erspan_ver"] = key, "1"
		}
		return m.free(row.Name)
	case "local":
		for id, in := range m.ifaces.All() { // of several the first by name
			if port := m.ifaces.Port(id); port != nil && in.ExternalIDs[sinkKey] == row.Sink {
				if old := m.w.VSW.Port.Get(w.local); old == nil || port.Name < old.Name {
					w.local = port.UUID
				}
			}
		}
		if w.local.IsZero() {
			return fmt.Errorf("mirror %s: no interface of bridge %s has external_ids:%s=%q", row.Name, m.w.Config.Bridge, sinkKey, row.Sink)
		}
		return nil
	}
	return fmt.Errorf("mirror %s: type %q is not supported; gre, erspan, local and lport are", row.Name, row.Type)
}

// free tells whether the name of a mirror's tunnel is ours or nobody's.
func (m *Mirrors) free(mirror string) error {
	name := tunnelName(mirror)
	port := m.w.VSW.PortByName.One(name)
	if port == nil && m.w.VSW.InterfaceByName.One(name) == nil || port != nil && m.owned(port, mirror) {
		return nil
	}
	return fmt.Errorf("mirror %s: the name %s of its tunnel's interface is taken: rename the mirror or the interface", mirror, name)
}

// refuse names a row that cannot be done; nil: it can, or nobody here wants it.
func (m *Mirrors) refuse(id ovsdb.UUID, err error) {
	key := node.RefusalKey{Table: "Mirror", Row: id}
	switch {
	case err != nil:
		m.refused[id] = true
		m.w.Refuse(key, err.Error())
	case m.refused[id]:
		delete(m.refused, id)
		m.w.Refuse(key)
	}
}
