// Package chassis keeps this chassis's own rows in the Southbound database right:
// Chassis, its Encaps and Chassis_Private. They are created, repaired when
// somebody changes or deletes them, and removed on a graceful exit.
package chassis

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/config"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// features are the Chassis.other_config keys by which ovn-northd learns what this
// controller can do; it uses a feature only when every chassis has it. Only what
// is really implemented is listed.
var features = []string{"port-up-notif", "ct-no-masked-label", "ovn-ct-lb-related", "mac-binding-timestamp",
	"ls-dpg-column", "fdb-timestamp", "ct-commit-nat-v2", "ct-commit-to-zone",
	"ct-next-zone", "ct-state-save"}

// flapWindow is how soon after being written the row must have been changed by
// somebody else to count as a fight over it, and flapLimit how many such changes
// are one too many.
const (
	flapWindow = 30 * time.Second
	flapLimit  = 3
)

// Chassis is the writer of this chassis's rows.
type Chassis struct {
	w       *node.World
	written time.Time
	flaps   int
	refused string   // why nothing is registered
	foreign string   // why the row of our name is another host's
	reasons string   // what made it refuse, to try again when that changes
	noSTT   string   // why STT is left out
	encaps  []encap  // to be registered
	taken   []string // why the others of the configuration are not, in words
	// Schema is the version of the Southbound database's schema, "" while unknown.
	Schema func() string
}

// New makes the writer.
func New(w *node.World) *Chassis {
	return &Chassis{w: w, Schema: func() string { return "" }}
}

// Refused says why this chassis does not register; "" when it does.
func (c *Chassis) Refused() string { return cmp.Or(c.foreign, c.refused) }

// Taken says which of the configured encapsulations are not registered, as another
// chassis has them.
func (c *Chassis) Taken() []string { return c.taken }

// identityKey in Chassis.other_config is the UUID of the host's Open_vSwitch row,
// which lives as long as its database: it tells this host, renamed or given other
// addresses, from another host with the same name.
const identityKey = "sluice-identity"

// serviceNodeKey there says that this chassis is a service node, for the controllers of hardware VTEP switches (vtepdb.ServiceNodeKey).
const serviceNodeKey = "sluice-service-node"

// vtepBFDKey there says that BFD runs on tunnels to hardware VTEP switches that have it, too (vtepdb.BFDKey).
const vtepBFDKey = "sluice-bfd"

func (c *Chassis) identity() string {
	for row := range c.w.VSW.OpenVSwitch.All() {
		return row.UUID.String()
	}
	return ""
}

// another tells whether a row is certainly another host's: it has another identity
// and none of this host's addresses. A row without identity is ovn-controller's,
// which this program may be about to replace.
func (c *Chassis) another(row *sb.Chassis) bool {
	id := row.OtherConfig[identityKey]
	return id != "" && id != c.identity() && !slices.ContainsFunc(c.addresses(row),
		func(ip string) bool { return slices.Contains(c.w.Config.EncapIPs, ip) })
}

// ours tells whether a row under another name is this host's.
func (c *Chassis) ours(row *sb.Chassis) bool {
	if id := row.OtherConfig[identityKey]; id != "" {
		return id == c.identity()
	}
	return row.Hostname == c.w.Config.Hostname
}

// Features are the feature flags that this controller announces.
func Features() []string { return features }

func (c *Chassis) otherConfig(row *sb.Chassis) map[string]string {
	cfg := c.w.Config
	dpType := ""
	if br := c.w.Bridge(); br != nil {
		dpType = br.DatapathType
	}
	o := map[string]string{
		"ovn-bridge-mappings":      cfg.BridgeMappingsText,
		"datapath-type":            dpType,
		"iface-types":              cfg.IfaceTypes,
		"ovn-cms-options":          cfg.CMSOptions,
		"ovn-monitor-all":          fmt.Sprint(cfg.MonitorAll),
		"ovn-chassis-mac-mappings": cfg.ChassisMACsText,
		"is-interconn":             fmt.Sprint(cfg.Interconn),
		"ovn-enable-lflow-cache":   "true",
		identityKey:                c.identity(),
		vtepBFDKey:                 "true",
	}
	for _, f := range features {
		o[f] = "true"
	}
	if cfg.ServiceNode {
		o[serviceNodeKey] = "true"
	}
	if row == nil {
		return o
	}
	for _, k := range othersKeys {
		if v, ok := row.OtherConfig[k]; ok {
			o[k] = v
		}
	}
	return o
}

// othersKeys of other_config are not the controller's to write. All else that it
// does not write itself goes: what another controller announced for this chassis
// before, ovn-northd would rely on.
var othersKeys = []string{"is-remote", "is-vtep"}

// check says whose the row of our name is when it is another host's.
func (c *Chassis) check() string {
	cfg := c.w.Config
	if row := c.w.Named(); row != nil && (c.flaps >= flapLimit || c.another(row)) {
		return fmt.Sprintf("chassis %s is also registered by another host: %s with encap addresses %v. "+
			"Two hosts have the same external_ids:system-id: give one of them another, or, if that host is no more, remove its "+
			"row with \"ovn-sbctl chassis-del %s\"", cfg.Chassis, row.Hostname, c.addresses(row), row.Name)
	}
	return ""
}

func (c *Chassis) addresses(row *sb.Chassis) []string {
	var ips []string
	for _, id := range row.Encaps {
		if e := c.w.SB.Encap.Get(id); e != nil && !slices.Contains(ips, e.IP) {
			ips = append(ips, e.IP)
		}
	}
	slices.Sort(ips)
	return ips
}

// judge refuses another host's identity, before anything is made from its row. It tells
// whether that changed.
func (c *Chassis) judge() bool {
	cfg := c.w.Config
	if reasons := fmt.Sprint(cfg.Chassis, cfg.EncapTypes, cfg.EncapIPs); reasons != c.reasons {
		c.flaps, c.reasons = 0, reasons
	}
	if c.w.Named() == nil { // the other one has gone
		c.flaps = 0
	}
	why := c.check()
	if why != "" && why != c.foreign {
		c.w.Log.Warn(why)
	}
	c.foreign = why
	changed := c.w.Foreign != (why != "")
	c.w.Foreign = why != ""
	return changed
}

// Update looks whether somebody else writes our row, or has it already.
func (c *Chassis) Update() bool {
	changed := c.look()
	return c.judge() || changed
}

func (c *Chassis) look() bool {
	changed := false
	for _, ch := range c.w.SBChanges.Chassis {
		row := ch.New
		if row == nil || ch.Old == nil || row.Name != c.w.Config.Chassis {
			changed = changed || ch.Old != nil && ch.Old.Name == c.w.Config.Chassis || row != nil && row.Name == c.w.Config.Chassis
			continue
		}
		changed = true
		ours := map[string]bool{}
		for _, ip := range c.w.Config.EncapIPs {
			ours[ip] = true
		}
		ips := c.addresses(row)
		foreign := len(ips) > 0 && !slices.ContainsFunc(ips, func(ip string) bool { return ours[ip] })
		if foreign && c.w.Now().Sub(c.written) < flapWindow {
			c.flaps++
		}
	}
	return changed
}

// Write adds what the rows lack to tx.
func (c *Chassis) Write(tx *idl.Tx) {
	cfg := c.w.Config
	if cfg.Chassis == "" || c.foreign != "" {
		return
	}
	before := c.refused
	if c.refused = noEncap(cfg); c.refused != "" {
		if c.refused != before {
			c.w.Log.Warn(c.refused)
		}
		return
	}
	if c.choose(); len(c.encaps) == 0 {
		c.refused = cmp.Or(strings.Join(c.taken, "\n"), "external_ids:ovn-encap-type has no tunnel type that can be used here")
		c.withdraw(tx)
		return
	}
	row := c.w.Self()
	if row == nil {
		row = c.former()
	}
	if !c.right(row) && tx.Part(c.part()) {
		c.writeChassis(tx, row)
	}
	if row != nil && row.Name == cfg.Chassis && row.Hostname != cfg.Hostname && tx.Part(c.hostnamePart()) {
		tx.Update("Chassis", row.UUID, map[string]any{"hostname": cfg.Hostname})
	}
	c.writePrivate(tx, row)
}

// part is what is written of the Chassis row and its Encaps, privatePart of Chassis_Private.
func (c *Chassis) part() idl.Part {
	return idl.Part{Kind: "chassis", Table: "Chassis", Row: c.w.SelfID(), Name: "the row of chassis " + c.w.Config.Chassis}
}

// hostnamePart is a new host name in a row that is there. ovn-northd lets the role ovn-controller change all else of the row but that.
func (c *Chassis) hostnamePart() idl.Part {
	return idl.Part{Kind: "chassis_hostname", Table: "Chassis", Row: c.w.SelfID(),
		Name: fmt.Sprintf("the new host name %s of chassis %s", c.w.Config.Hostname, c.w.Config.Chassis)}
}

func (c *Chassis) privatePart() idl.Part {
	return idl.Part{Kind: "chassis_private", Table: "Chassis_Private", Name: "the private row of chassis " + c.w.Config.Chassis}
}

// noEncap says what of the tunnels' ends the configuration lacks; "" for nothing.
func noEncap(cfg *config.Config) string {
	key, like := "ovn-encap-type", "geneve"
	switch {
	case len(cfg.EncapTypes) > 0 && len(cfg.EncapIPs) > 0:
		return ""
	case len(cfg.EncapTypes) > 0:
		key, like = "ovn-encap-ip", "an address of this host that the other chassis reach"
	}
	return fmt.Sprintf("external_ids:%s names nothing that can be used: set it, to %s; this chassis does nothing in the Southbound database before", key, like)
}

// former is the row of this host under a name that it had before.
func (c *Chassis) former() *sb.Chassis {
	for _, e := range c.encaps {
		for _, other := range c.w.SB.EncapByTypeIP.Get(sb.EncapByTypeIPKey{Type: e.typ, IP: e.ip}) {
			if row := c.w.SB.ChassisByName.One(other.ChassisName); row != nil && c.ours(row) {
				return row
			}
		}
	}
	return nil
}

// right tells whether the Chassis row is as it should be, its host name apart.
func (c *Chassis) right(row *sb.Chassis) bool {
	return row != nil && row.Name == c.w.Config.Chassis && maps.Equal(row.OtherConfig, c.otherConfig(row)) &&
		slices.Equal(sorted(row.TransportZones), c.w.Config.TransportZones) && c.encapsRight(row)
}

// writeChassis writes what is not right.
func (c *Chassis) writeChassis(tx *idl.Tx, row *sb.Chassis) {
	cfg := c.w.Config
	set := map[string]any{}
	other := c.otherConfig(row)
	if row == nil || row.Name != cfg.Chassis {
		set["name"], set["hostname"] = cfg.Chassis, cfg.Hostname
	}
	if row == nil || !maps.Equal(row.OtherConfig, other) {
		set["other_config"] = other
		if row != nil {
			for _, k := range slices.Sorted(maps.Keys(row.OtherConfig)) {
				if _, keep := other[k]; !keep {
					c.w.Log.Info(fmt.Sprintf("Removing unsupported key %q from chassis record.", k))
				}
			}
		}
	}
	if row == nil || !slices.Equal(sorted(row.TransportZones), cfg.TransportZones) {
		set["transport_zones"] = slices.Clone(cfg.TransportZones)
	}
	if row == nil || row.Name != cfg.Chassis || !c.encapsRight(row) {
		var refs []any
		for _, e := range c.encaps {
			if row != nil && row.Name == cfg.Chassis {
				if id, ok := c.keep(row, e); ok {
					refs = append(refs, id)
					continue
				}
			}
			refs = append(refs, tx.Insert("Encap", map[string]any{"type": e.typ, "ip": e.ip,
				"options": c.encapOptions(e), "chassis_name": cfg.Chassis}))
		}
		set["encaps"] = refs
	}
	c.written = c.w.Now()
	if row == nil {
		tx.Comment("ovn-controller: registering chassis '" + cfg.Chassis + "'")
		tx.Insert("Chassis", set)
		return
	}
	tx.Comment("ovn-controller: updating chassis '" + cfg.Chassis + "'")
	tx.Update("Chassis", row.UUID, set)
}

func (c *Chassis) writePrivate(tx *idl.Tx, row *sb.Chassis) {
	private := c.w.SB.ChassisPrivateByName.One(c.w.Config.Chassis)
	switch {
	case row == nil: // its UUID is not known yet: next time
	case private != nil && private.Chassis == row.UUID || !tx.Part(c.privatePart()):
	case private == nil:
		tx.Insert("Chassis_Private", map[string]any{"name": c.w.Config.Chassis, "chassis": row.UUID})
	default:
		tx.Update("Chassis_Private", private.UUID, map[string]any{"chassis": row.UUID})
	}
}

// Remove adds the removal of the rows to tx, for a graceful exit.
func (c *Chassis) Remove(tx *idl.Tx) {
	if c.foreign != "" {
		return // they are another chassis's
	}
	c.withdraw(tx)
}

// withdraw adds the removal of what is registered by our name to tx.
func (c *Chassis) withdraw(tx *idl.Tx) {
	if row := c.w.Self(); row != nil && tx.Part(c.part()) {
		tx.Comment("ovn-controller: unregistering chassis '" + row.Name + "'")
		tx.Delete("Chassis", row.UUID)
	}
	if private := c.w.SB.ChassisPrivateByName.One(c.w.Config.Chassis); private != nil && tx.Part(c.privatePart()) {
		tx.Delete("Chassis_Private", private.UUID)
	}
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}
