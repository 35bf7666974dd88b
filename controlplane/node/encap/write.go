package encap

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// idKey is the key in a tunnel port's external_ids that says where it leads.
const idKey = "ovn-chassis-id"

// want is a tunnel port as it should be.
type want struct {
	id      string // external_ids:ovn-chassis-id
	chassis string
	local   string // this chassis's address
	typ     string
	options map[string]string
	other   map[string]string
	bfd     map[string]string
}

// Invalidate makes the next Write compare the tunnel ports with what is wanted.
func (t *Tunnels) Invalidate() { t.dirty = true }

// OnVSW follows changes of the local database that the ports' interfaces do not show.
func (t *Tunnels) OnVSW() {
	ch := t.w.VSWChanges
	for _, c := range ch.Port {
		t.dirty = t.dirty || c.Old != nil && c.Old.ExternalIDs[idKey] != "" || c.New != nil && c.New.ExternalIDs[idKey] != ""
	}
	for _, c := range ch.Bridge {
		t.dirty = t.dirty || c.Old == nil || c.New == nil
	}
	has := func(row *vsw.OpenVSwitch) bool {
		_, ok := row.OtherConfig[t.indexKey()]
		return ok
	}
	for _, c := range ch.OpenVSwitch {
		t.dirty = t.dirty || c.Old == nil || c.New != nil && has(c.Old) != has(c.New)
	}
}

// OnSB follows changes of what the tunnels are made from.
func (t *Tunnels) OnSB() {
	ch := t.w.SBChanges
	if len(ch.Chassis)+len(ch.Encap)+len(ch.HAChassisGroup)+len(ch.HAChassis) > 0 {
		t.dirty = true
	}
	for _, c := range ch.PortBinding {
		t.dirty = t.dirty || ofVTEP(c.Old) || ofVTEP(c.New)
	}
	for _, c := range ch.Chassis {
		if c.New == nil {
			t.w.Refuse(noTunnel(c.ID))
		}
	}
	for _, c := range ch.SBGlobal { // it changes with every change of the network; we look at its options
		t.dirty = t.dirty || c.Old == nil || c.New == nil || c.Old.IPsec != c.New.IPsec || !maps.Equal(c.Old.Options, c.New.Options)
	}
}

// Pending tells whether Write has something to look at.
func (t *Tunnels) Pending() bool { return t.dirty }

// Write adds to tx what makes the integration bridge's tunnel ports right. A port
// that is right already is not touched, so tunnels survive a restart of the
// controller and the change from ovn-controller to sluice.
func (t *Tunnels) Write(tx *idl.Tx) {
	br, self, root := t.w.Bridge(), t.w.Self(), t.root()
	if br == nil || self == nil || root == nil {
		return
	}
	before := tx.Len()
	index := t.index(tx, root)
	wanted := t.wanted(self)
	former := formerIDs(wanted)
	names := map[string]bool{}
	var drop []ovsdb.UUID
	for _, id := range br.Ports {
		port := t.w.VSW.Port.Get(id)
		if port == nil {
			continue
		}
		names[port.Name] = true
		tid := port.ExternalIDs[idKey]
		if tid == "" {
			continue
		}
		w, ok := wanted[tid]
		if !ok {
			w, ok = wanted[former[tid]]
		}
		if ok && len(port.Interfaces) == 1 && t.fit(tx, port, w) {
			delete(wanted, w.id)
			continue
		}
		drop = append(drop, id)
		delete(names, port.Name)
	}
	left := t.leaveOthers(tx, root, br, "ovn"+index+"-")
	var refs []any
	ids := slices.Sorted(maps.Keys(wanted))
	for _, id := range ids {
		w := wanted[id]
		name := t.name(index, w.chassis, names, append(left, drop...))
		if name == "" {
			t.w.Log.Warn("no free name for the tunnel port to chassis " + w.chassis)
			continue
		}
		names[name] = true
		row := map[string]any{"name": name, "type": w.typ, "options": w.options}
		if len(w.other) > 0 {
			row["other_config"] = w.other
		}
		if len(w.bfd) > 0 {
			row["bfd"] = w.bfd
		}
		in := tx.Insert("Interface", row)
		refs = append(refs, tx.Insert("Port", map[string]any{"name": name, "interfaces": []any{in},
			"external_ids": map[string]string{idKey: id}}))
	}
	// Mutations go together with those of others in the same transaction, such as
	// the patch ports'.
	if len(drop) > 0 {
		tx.Mutate("Bridge", br.UUID, "ports", "delete", drop)
	}
	if len(refs) > 0 {
		tx.Mutate("Bridge", br.UUID, "ports", "insert", refs)
	}
	if len(drop)+len(refs) > 0 {
		tx.Comment("ovn-controller: modifying OVS tunnels '" + self.Name + "'")
	}
	if tx.Len() == before {
		t.dirty = false
	}
}

// formerIDs maps the names that a tunnel would have in another release's way to its
// own: with and without the local address.
func formerIDs(wanted map[string]want) map[string]string {
	out := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		w := wanted[id]
		short := w.chassis + "@" + w.options["remote_ip"]
		for _, other := range []string{short, short + "%" + w.local} {
			if _, taken := out[other]; !taken && other != id {
				out[other] = id
			}
		}
	}
	return out
}

// fit tells whether an existing port can stay. What differs is corrected in place:
// the port keeps its OpenFlow number and the flows that use it stay right.
func (t *Tunnels) fit(tx *idl.Tx, port *vsw.Port, w want) bool {
	row := t.w.VSW.Interface.Get(port.Interfaces[0])
	if row == nil || row.Type != w.typ {
		return false
	}
	if port.ExternalIDs[idKey] != w.id {
		tx.Mutate("Port", port.UUID, "external_ids", "delete", []string{idKey})
		tx.Mutate("Port", port.UUID, "external_ids", "insert", map[string]string{idKey: w.id})
	}
	set := map[string]any{}
	if !maps.Equal(row.Options, w.options) {
		set["options"] = w.options
	}
	if !maps.Equal(row.BFD, w.bfd) {
		set["bfd"] = w.bfd
	}
	if len(w.other) > 0 && !maps.Equal(row.OtherConfig, w.other) {
		set["other_config"] = w.other
	}
	if len(set) > 0 {
		tx.Update("Interface", row.UUID, set)
	}
	return true
}

// name makes a new port name: "ovn", the chassis index, the start of the chassis name, a number.
// Names are unique over all bridges; those of dropped ports are free.
func (t *Tunnels) name(index, chassis string, taken map[string]bool, dropped []ovsdb.UUID) string {
	n := 6
	if index != "" {
		n = 5
	}
	if len(chassis) > n {
		chassis = chassis[:n]
	}
	for i := range 1 << 16 {
		name := fmt.Sprintf("ovn%s-%s-%x", index, chassis, i)
		if taken[name] {
			continue
		}
		if p := t.w.VSW.PortByName.One(name); p == nil || slices.Contains(dropped, p.UUID) {
			return name
		}
	}
	return ""
}

func (t *Tunnels) wanted(self *sb.Chassis) map[string]want {
	out := map[string]want{}
	peers := t.bfdPeers()
	ourTypes := map[Type]bool{}
	locals := map[Type][]string{}
	for _, id := range self.Encaps {
		if e := t.w.SB.Encap.Get(id); e != nil {
			typ := TypeOf(e.Type)
			ourTypes[typ] = true
			if !slices.Contains(locals[typ], e.IP) {
				locals[typ] = append(locals[typ], e.IP)
			}
		}
	}
	for c := range t.w.SB.Chassis.All() {
		if c.Name == self.Name || !t.zonesOverlap(c) ||
			c.OtherConfig["is-remote"] == "true" && !t.w.Config.Interconn {
			t.w.Refuse(noTunnel(c.UUID))
			continue
		}
		best := None
		for _, id := range c.Encaps {
			if e := t.w.SB.Encap.Get(id); e != nil && TypeOf(e.Type) > best && ourTypes[TypeOf(e.Type)] {
				best = TypeOf(e.Type)
			}
		}
		t.compare(c, best)
		if best == None {
			continue
		}
		var bfd map[string]string
		if peers[c.Name] {
			bfd = t.bfd()
		}
		ips := locals[best]
		slices.Sort(ips)
		for _, id := range c.Encaps {
			e := t.w.SB.Encap.Get(id)
			if e == nil || TypeOf(e.Type) != best {
				continue
			}
			for _, local := range ips {
				w := t.tunnel(c, e, local, len(ips) > 1)
				w.bfd = bfd
				out[w.id] = w
			}
		}
	}
	return out
}

func noTunnel(chassis ovsdb.UUID) node.RefusalKey {
	return node.RefusalKey{Table: "Chassis", Row: chassis, Part: "encaps"}
}

// compare says of a chassis that no tunnel leads to that it has no type of ours.
func (t *Tunnels) compare(c *sb.Chassis, best Type) {
	if best != None {
		t.w.Refuse(noTunnel(c.UUID))
		return
	}
	var theirs []string
	for _, id := range c.Encaps {
		if e := t.w.SB.Encap.Get(id); e != nil && !slices.Contains(theirs, e.Type) {
			theirs = append(theirs, e.Type)
		}
	}
	slices.Sort(theirs)
	t.w.Refuse(noTunnel(c.UUID), fmt.Sprintf("there is no tunnel to chassis %s: it has the types %v and this chassis has none of them; "+
		"set external_ids:ovn-encap-type of one of the two", c.Name, theirs))
}

// tunnel is the port from our address local, which is one of several, to e. Since
// OVN 24.09 the local address is always said; before, where it had to be.
func (t *Tunnels) tunnel(c *sb.Chassis, e *sb.Encap, local string, several bool) want {
	cfg := t.w.Config
	w := want{chassis: c.Name, typ: e.Type, id: c.Name + "@" + e.IP, local: local,
		options: map[string]string{"remote_ip": e.IP, "key": "flow"}}
	always := t.w.NorthdSince(24, 9)
	if always || several || cfg.SetLocalIP || t.ipsec() {
		w.options["local_ip"] = local
	}
	if always || several {
		w.id += "%" + local
	}
	if v := e.Options["csum"]; v == "true" || v == "false" {
		w.options["csum"] = v
	}
	if v := e.Options["dst_port"]; v != "" {
		w.options["dst_port"] = v
	}
	if cfg.EncapTOS != "" {
		w.options["tos"] = cfg.EncapTOS
	}
	if cfg.EncapDF != "" {
		w.options["df_default"] = cfg.EncapDF
	}
	if t.ipsec() {
		w.options["remote_name"] = c.Name
		t.ipsecOptions(w.options)
	}
	if c.OtherConfig["is-vtep"] == "true" {
		w.other = map[string]string{"is-vtep": "true"}
	}
	return w
}

// ipsecOptions adds what SB_Global's options say to ovs-monitor-ipsec.
func (t *Tunnels) ipsecOptions(out map[string]string) {
	for g := range t.w.SB.SBGlobal.All() {
		for k, v := range g.Options {
			switch {
			case k == "ipsec_encapsulation" || k == "ipsec_forceencaps":
				if strings.EqualFold(v, "true") || strings.EqualFold(v, "yes") {
					out[k] = "yes"
				}
			case strings.HasPrefix(k, "ipsec_"):
				out[k] = v
			}
		}
	}
}

func (t *Tunnels) ipsec() bool {
	for g := range t.w.SB.SBGlobal.All() {
		return g.IPsec
	}
	return false
}

func (t *Tunnels) zonesOverlap(c *sb.Chassis) bool {
	if len(c.TransportZones) == 0 && len(t.w.Config.TransportZones) == 0 {
		return true
	}
	return slices.ContainsFunc(c.TransportZones, func(z string) bool { return slices.Contains(t.w.Config.TransportZones, z) })
}

func ofVTEP(pb *sb.PortBinding) bool { return pb != nil && pb.Type == "vtep" }

// bfdPeers are the chassis that BFD must run with: over all HA chassis groups, and hardware VTEPs that it is configured on
// (vtepdb.BFDKey) and that share a logical switch with this chassis.
func (t *Tunnels) bfdPeers() map[string]bool {
	peers := map[string]bool{}
	for row := range t.w.SB.HAChassisGroup.All() {
		for _, c := range t.Group(row.UUID).BFDPeers(t.w.Config.Chassis) {
			peers[c] = true
		}
	}
	for _, pb := range t.w.SB.PortBindingByType.Get("vtep") {
		if c := t.w.SB.Chassis.Get(pb.Chassis); c != nil && c.OtherConfig["sluice-bfd"] == "true" {
			peers[c.Name] = true
		}
	}
	return peers
}

func (t *Tunnels) bfd() map[string]string {
	// Only messages without a tunnel key are BFD's between the chassis: others are
	// the workloads' own.
	m := map[string]string{"enable": "true", "check_tnl_key": "true"}
	for g := range t.w.SB.SBGlobal.All() {
		for _, k := range []string{"min-rx", "decay-min-rx", "min-tx", "mult"} {
			if v := g.Options["bfd-"+k]; v != "" {
				m[strings.ReplaceAll(k, "-", "_")] = v
			}
		}
	}
	return m
}

// IsIPv6 tells whether an encapsulation address is an IPv6 address.
func IsIPv6(ip string) bool {
	a, err := netip.ParseAddr(ip)
	return err == nil && a.Is6()
}
