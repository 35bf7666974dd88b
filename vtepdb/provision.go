package vtepdb

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// A port of kind VTEP can say which VLANs of the switch's ports are its logical switch (Port.Bindings). These and the Logical_Switch
// are then made, and removed with it. What was made from here is marked; all else is an operator's, and stays.
const (
	// createdKey in Logical_Switch.other_config: the row was made for the Southbound database with this identity.
	createdKey = "sluice-created"
	// vlanKey, that identity, ":" and a VLAN in Physical_Port.other_config: the VLAN was bound for it to the Logical_Switch with this UUID.
	vlanKey = "sluice-vlan:"
)

// BindingsOption in Port_Binding.options is Port.Bindings.
const BindingsOption = "sluice-vtep-bindings"

// attachment is a VLAN of a port of a switch.
type attachment struct {
	port string
	vlan int64 // 0: untagged
}

func (a attachment) String() string { return fmt.Sprintf("%s:%d", a.port, a.vlan) }

// parseBindings reads Port.Bindings, "PORT:VLAN,PORT:VLAN...", and says what of it is malformed.
func parseBindings(text string) (list []attachment, malformed []string) {
	for _, word := range strings.Split(text, ",") {
		word = strings.TrimSpace(word)
		colon := strings.LastIndexByte(word, ':')
		if colon < 1 {
			malformed = append(malformed, fmt.Sprintf("%q is not PORT:VLAN", word))
			continue
		}
		vlan, err := strconv.ParseUint(word[colon+1:], 10, 16)
		if err != nil || vlan > 4095 {
			malformed = append(malformed, fmt.Sprintf("%q has no VLAN from 0 to 4095", word))
			continue
		}
		list = append(list, attachment{word[:colon], int64(vlan)})
	}
	return list, malformed
}

// provisions tells whether a port has VLANs and its Logical_Switch made.
func (p *Planner) provisions(port *Port) bool {
	sw := p.switches[port.Switch]
	return port.Bindings != "" && port.LogicalSwitch != "" && sw != nil && !sw.peer && p.keys[port.Datapath] != 0 && p.owner != "" && !p.withdrawn
}

// provisioned tells whether a Logical_Switch is to be there.
func (p *Planner) provisioned(name string) bool {
	for _, port := range p.vteps[name] {
		if p.provisions(port) {
			return true
		}
	}
	return false
}

// wishes are the ports that VLANs of a switch are to be bound for, of several the first by name, and what is wrong with the options of ports.
func (p *Planner) wishes(sw string) (wishes map[attachment]*Port, faults map[string][]string) {
	wishes, faults = map[attachment]*Port{}, map[string][]string{}
	ports := slices.SortedFunc(maps.Values(p.provisioning[sw]), func(a, b *Port) int { return cmp.Compare(a.Name, b.Name) })
	for _, port := range ports {
		if !p.provisions(port) {
			continue
		}
		list, malformed := parseBindings(port.Bindings)
		faults[port.Name] = malformed
		for _, a := range list {
			if first := wishes[a]; first == nil {
				wishes[a] = port
			} else if first.LogicalSwitch != port.LogicalSwitch {
				faults[port.Name] = append(faults[port.Name], fmt.Sprintf("%v is asked for by logical port %s, too, which comes first", a, first.Name))
			}
		}
	}
	return wishes, faults
}

// provision makes what the ports of a switch ask for, and removes what was made and is not asked for any more. It is false when there
// is nothing to do.
func (w *writer) provision(sw string) (more bool) {
	row := w.db.PhysicalSwitchByName.One(sw)
	if row == nil {
		for _, port := range w.provisioning[sw] {
			w.problems.set(lportVLAN, port.Name, "")
		}
		return false
	}
	wishes, faults := w.wishes(sw)
	for _, port := range w.provisioning[sw] {
		if w.provisions(port) && w.db.LogicalSwitchByName.One(port.LogicalSwitch) == nil {
			w.create(port.LogicalSwitch)
			more = true // its VLANs follow when it is there
		}
	}
	for _, id := range row.Ports {
		if port := w.db.PhysicalPort.Get(id); port != nil {
			more = w.attach(port, wishes, faults) || more
		}
	}
	for a, port := range wishes {
		faults[port.Name] = append(faults[port.Name], fmt.Sprintf("switch %s has no port %s", sw, a.port))
	}
	for _, port := range w.provisioning[sw] {
		text := ""
		if list := faults[port.Name]; len(list) > 0 {
			slices.Sort(list)
			text = fmt.Sprintf("logical port %s asks for VLANs that are not made: %s; change its options:%s", port.Name, strings.Join(list, "; "), BindingsOption)
		}
		w.problems.set(lportVLAN, port.Name, text)
	}
	return more
}

// create makes a Logical_Switch, once in a transaction.
func (w *writer) create(name string) {
	if w.created[name] || !w.tx.Part(idl.Part{Kind: "created logical switch", Table: "Logical_Switch", Name: "the new logical switch " + name}) {
		return
	}
	w.created[name] = true
	w.wrote(name, "the new logical switch "+name)
	w.inserted("Logical_Switch", w.tx.Insert("Logical_Switch", map[string]any{"name": name, "other_config": map[string]string{createdKey: w.owner}}))
}

// attach compares the VLANs of a port with the wishes, and takes from these what is there or was decided about.
func (w *writer) attach(row *rows.PhysicalPort, wishes map[attachment]*Port, faults map[string][]string) bool {
	var gone []int64
	var stale []string
	for key, id := range row.OtherConfig {
		vlan, ours := w.markedVLAN(key)
		if !ours {
			continue
		}
		switch wish := wishes[attachment{row.Name, vlan}]; {
		case vlan < 0 || row.VLANBindings[vlan].String() != id: // somebody has bound it to another one, or to none
			stale = append(stale, key)
		case wish != nil && w.named(id, wish.LogicalSwitch):
		default:
			stale, gone = append(stale, key), append(gone, vlan)
		}
	}
	bind, mark := map[int64]ovsdb.UUID{}, map[string]string{}
	for a, port := range wishes {
		if a.port != row.Name {
			continue
		}
		delete(wishes, a)
		ls := w.db.LogicalSwitchByName.One(port.LogicalSwitch)
		now, taken := row.VLANBindings[a.vlan]
		switch {
		case ls == nil || taken && now == ls.UUID: // it is not there yet; it is bound already
		case taken && !slices.Contains(gone, a.vlan):
			faults[port.Name] = append(faults[port.Name], fmt.Sprintf("%v is bound to another logical switch by an operator, who can free it: vtep-ctl unbind-ls %s %s %d",
				a, port.Switch, a.port, a.vlan))
		default:
			bind[a.vlan], mark[fmt.Sprint(vlanKey, w.owner, ":", a.vlan)] = ls.UUID, ls.UUID.String()
		}
	}
	if len(bind) == 0 { // that somebody has bound a VLAN to something else is his right
		delete(w.drift.touched, row.UUID)
	}
	if len(stale)+len(bind) == 0 {
		return false
	}
	if !w.tx.Part(idl.Part{Kind: "VLANs", Table: "Physical_Port", Row: row.UUID, Name: "the VLANs of port " + row.Name}) {
		return true
	}
	w.wrote(row.UUID, "the VLANs of port "+row.Name)
	w.tx.Mutate("Physical_Port", row.UUID, "vlan_bindings", "delete", gone)
	w.tx.Mutate("Physical_Port", row.UUID, "other_config", "delete", stale)
	w.tx.Mutate("Physical_Port", row.UUID, "vlan_bindings", "insert", bind)
	w.tx.Mutate("Physical_Port", row.UUID, "other_config", "insert", mark)
	return true
}

// markedVLAN is the VLAN of a key in Physical_Port.other_config that marks one that was bound from here; -1 for one that is malformed.
func (p *Planner) markedVLAN(key string) (vlan int64, ours bool) {
	text, ours := strings.CutPrefix(key, vlanKey+p.owner+":")
	if !ours || p.owner == "" {
		return 0, false
	}
	vlan, err := strconv.ParseInt(text, 10, 64)
	if err != nil || vlan < 0 {
		return -1, true
	}
	return vlan, true
}

// named tells whether a Logical_Switch row, by its UUID as text, has a name.
func (p *Planner) named(id, name string) bool {
	ls := p.db.LogicalSwitchByName.One(name)
	return ls != nil && ls.UUID.String() == id
}

// used tells whether something refers to a Logical_Switch row.
func (p *Planner) used(row *rows.LogicalSwitch) bool {
	for _, sw := range p.switches {
		if sw.here[row.Name] {
			return true
		}
	}
	return len(p.db.UcastMacsLocalByLogicalSwitch.Get(row.UUID))+len(p.db.McastMacsLocalByLogicalSwitch.Get(row.UUID))+
		len(p.db.UcastMacsRemoteByLogicalSwitch.Get(row.UUID))+len(p.db.McastMacsRemoteByLogicalSwitch.Get(row.UUID)) > 0
}

// remove deletes a Logical_Switch row that was made from here, once nothing needs it. It is false when it is to stay.
func (w *writer) remove(row *rows.LogicalSwitch) bool {
	if w.owner == "" || row.OtherConfig[createdKey] != w.owner || w.provisioned(row.Name) || w.used(row) {
		return false
	}
	if w.tx.Part(idl.Part{Kind: "created logical switch", Table: "Logical_Switch", Row: row.UUID, Name: "the removal of logical switch " + row.Name}) {
		w.wrote(row.UUID, "the removal of logical switch "+row.Name)
		w.tx.Delete("Logical_Switch", row.UUID)
	}
	return true
}

// lessUsed looks at a Logical_Switch row that a reference has gone from.
func (p *Planner) lessUsed(id ovsdb.UUID) {
	if row := p.db.LogicalSwitch.Get(id); row != nil && row.OtherConfig[createdKey] != "" {
		p.ls[id] = true
	}
}
