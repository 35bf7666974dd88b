package mirror

import (
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// Write adds to tx what makes the integration bridge's mirrors right. Call it only
// when the Southbound replica is complete: before that, the mirrors of ports that
// have not arrived look superfluous.
func (m *Mirrors) Write(tx *idl.Tx) {
	br := m.w.Bridge()
	if br == nil {
		return
	}
	before := tx.Len()
	wanted := m.wanted()
	for _, id := range br.Mirrors {
		row := m.w.VSW.Mirror.Get(id)
		if row == nil || row.ExternalIDs[ownedKey] != "true" {
			continue
		}
		if w := wanted[row.Name]; w != nil {
			m.correct(tx, br, row, w)
			delete(wanted, row.Name)
			continue
		}
		tx.Mutate("Bridge", br.UUID, "mirrors", "delete", []ovsdb.UUID{id})
		m.dropTunnel(tx, br, row)
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		w := wanted[name]
		out := any(w.local)
		if w.local.IsZero() {
			out = m.createTunnel(tx, br, name, w)
		}
		mirror := tx.Insert("Mirror", map[string]any{"name": name, "output_port": out, "select_src_port": w.src, "select_dst_port": w.dst,
			"external_ids": map[string]string{ownedKey: "true"}})
		tx.Mutate("Bridge", br.UUID, "mirrors", "insert", []any{mirror})
	}
	if tx.Len() == before {
		m.dirty = false
	}
}

// correct makes a mirror that is there that of w.
func (m *Mirrors) correct(tx *idl.Tx, br *vsw.Bridge, row *vsw.Mirror, w *want) {
	set := map[string]any{}
	port := m.w.VSW.Port.Get(row.OutputPort)
	switch ours := port != nil && m.owned(port, row.Name); {
	case !w.local.IsZero() && w.local != row.OutputPort:
		set["output_port"] = w.local
		m.dropTunnel(tx, br, row)
	case w.local.IsZero() && !ours:
		set["output_port"] = m.createTunnel(tx, br, row.Name, w)
	case w.local.IsZero():
		m.correctTunnel(tx, port, w)
	}
	if !same(row.SelectSrcPort, w.src) {
		set["select_src_port"] = w.src
	}
	if !same(row.SelectDstPort, w.dst) {
		set["select_dst_port"] = w.dst
	}
	if len(set) > 0 {
		tx.Update("Mirror", row.UUID, set)
	}
}

func same(have, sorted []ovsdb.UUID) bool {
	have = slices.Clone(have)
	slices.SortFunc(have, ovsdb.UUID.Compare)
	return slices.Equal(have, sorted)
}

// owned tells whether a port is the tunnel of a mirror. ovn-controllers before 24.03
// did not mark theirs.
func (m *Mirrors) owned(port *vsw.Port, mirror string) bool {
	if br := m.w.Bridge(); port.Name != tunnelName(mirror) || len(port.Interfaces) != 1 || !slices.Contains(br.Ports, port.UUID) {
		return false
	}
	in := m.w.VSW.Interface.Get(port.Interfaces[0])
	return in != nil && tunnels[in.Type]
}

func (m *Mirrors) createTunnel(tx *idl.Tx, br *vsw.Bridge, mirror string, w *want) any {
	if port := m.w.VSW.PortByName.One(tunnelName(mirror)); port != nil { // left over: free has seen that it is ours
		m.correctTunnel(tx, port, w)
		return port.UUID
	}
	in := tx.Insert("Interface", map[string]any{"name": tunnelName(mirror), "type": w.typ, "options": w.options})
	port := tx.Insert("Port", map[string]any{"name": tunnelName(mirror), "interfaces": []any{in},
		"external_ids": map[string]string{ownedKey: "true"}})
	tx.Mutate("Bridge", br.UUID, "ports", "insert", []any{port})
	return port
}

func (m *Mirrors) correctTunnel(tx *idl.Tx, port *vsw.Port, w *want) {
	in := m.w.VSW.Interface.Get(port.Interfaces[0])
	if in.Type != w.typ || !maps.Equal(in.Options, w.options) {
		tx.Update("Interface", in.UUID, map[string]any{"type": w.typ, "options": w.options})
	}
	if port.ExternalIDs[ownedKey] != "true" {
		tx.Mutate("Port", port.UUID, "external_ids", "insert", map[string]string{ownedKey: "true"})
	}
}

// dropTunnel removes the tunnel of a mirror that does not send to it any more.
func (m *Mirrors) dropTunnel(tx *idl.Tx, br *vsw.Bridge, row *vsw.Mirror) {
	if port := m.w.VSW.Port.Get(row.OutputPort); port != nil && m.owned(port, row.Name) {
		tx.Mutate("Bridge", br.UUID, "ports", "delete", []ovsdb.UUID{port.UUID})
	}
}
