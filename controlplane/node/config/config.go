// Package config reads the chassis's configuration: the external_ids of the
// local Open_vSwitch row, as ovn-controller(8) defines them. It is the first node
// of the engine; every other node takes its settings from here.
package config

import (
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/offload"
)

// Config is the configuration of one chassis. Slices are sorted where the order
// has no meaning, so that equal configurations compare equal.
type Config struct {
	Chassis  string // system-id
	Hostname string
	Remote   string // ovn-remote
	// RemoteProbe is the inactivity probe towards the Southbound database in milliseconds; 0 is off.
	// By default there is none on unix sockets.
	RemoteProbe int

	Bridge       string // ovn-bridge
	DatapathType string // ovn-bridge-datapath-type
	// BridgeRemote is where the integration bridge is managed, "unix:PATH" or "tcp:HOST:PORT" (ovn-bridge-remote);
	// "": at its management socket.
	BridgeRemote string
	// BridgeProbe is the inactivity probe towards the integration bridge in seconds; 0 is off.
	BridgeProbe int

	// ZoneMin and ZoneMax are the conntrack zones that may be given to ports and datapaths (ct-zone-range).
	ZoneMin, ZoneMax uint16

	EncapTypes     []string
	EncapIPs       []string
	EncapIPDefault string
	EncapCsum      string // "true" or "false"
	EncapTOS       string
	EncapDF        string // ovn-encap-df_default; "" for none
	SetLocalIP     bool
	TransportZones []string

	BridgeMappings []Mapping
	// BridgeMappingsText is ovn-bridge-mappings as written, for Chassis.other_config.
	BridgeMappingsText string
	// ChassisMACs are the MAC addresses of ovn-chassis-mac-mappings by physical network.
	ChassisMACs     map[string]string
	ChassisMACsText string

	CMSOptions string
	MonitorAll bool
	Interconn  bool
	// GARPMaxTimeout limits the back-off of announcements, in seconds; 0: they end.
	GARPMaxTimeout int
	IfaceTypes     string
	// EVPN: this chassis is set up to reach EVPN VTEPs (ovn-evpn-vxlan-ports).
	EVPN bool
	// Offload is where rules for packets may be put beside software Open vSwitch
	// (sluice-offload; off by default). An interface may have its own.
	Offload offload.Mode
	// OffloadOff are names or UUIDs of logical switches and routers through which nothing is
	// offloaded (sluice-offload-off-datapaths).
	OffloadOff []string
	// ServiceNode: this chassis gives frames of hardware VTEP switches that cannot do so themselves to all
	// other chassis (sluice-service-node, vtep(5) "Replication Mode").
	ServiceNode bool
	// Metrics is where metrics are served, "ADDRESS:PORT" or "unix:PATH" (sluice-metrics); "" for nowhere.
	Metrics string
	// CleanupOnExit: an exit that is no restart withdraws the chassis.
	CleanupOnExit bool

	// Problems are settings that were refused, or that have no effect here: the
	// setting, what is wrong and the fix.
	Problems []Problem
}

// Mapping connects a physical network with a bridge.
type Mapping struct{ Network, Bridge string }

// Source is what is read: the external_ids and iface_types of the Open_vSwitch
// row, the name given by -n on the command line and the host's own name.
type Source struct {
	ExternalIDs map[string]string
	IfaceTypes  []string
	NameFlag    string
	Hostname    string
}

// Read makes a Config. It never fails: what it refuses is named in Problems and
// left at its default. Without a system-id Chassis is "".
func Read(src Source) Config {
	c := Config{Chassis: src.NameFlag}
	if c.Chassis == "" {
		c.Chassis = src.ExternalIDs["system-id"]
	}
	get := func(key, def string) string {
		if v, ok := src.ExternalIDs[key+"-"+c.Chassis]; ok && c.Chassis != "" {
			return v
		}
		if v, ok := src.ExternalIDs[key]; ok {
			return v
		}
		return def
	}
	flag := func(key string) bool { return strings.EqualFold(get(key, "false"), "true") }
	number := func(key string, def int) int {
		s := get(key, "")
		if s == "" {
			return def
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			c.refuse("%s=%q is not a number of 0 or more: set external_ids:%s to one; using %d", key, s, key, def)
			return def
		}
		return n
	}
	c.Hostname = get("hostname", src.Hostname)
	if c.Chassis == "" {
		c.refuse("external_ids:system-id is missing: this chassis is not registered before it has one")
	}
	c.Remote = get("ovn-remote", "")
	if c.Remote != "" {
		if _, err := ovsdb.ParseRemote(c.Remote); err != nil {
			c.refuse("external_ids:ovn-remote: %v", err)
		}
	}
	c.RemoteProbe = number("ovn-remote-probe-interval", defaultProbe(c.Remote))
	if c.RemoteProbe > 0 {
		c.RemoteProbe = max(c.RemoteProbe, minProbe)
	}
	c.Bridge = get("ovn-bridge", "br-int")
	c.readSwitch(get, number)
	c.readZones(get("ct-zone-range", ""))
	if mode, err := offload.ParseMode(get("sluice-offload", offload.Off.String())); err != nil {
		c.refuse("external_ids:sluice-offload: %v: nothing is offloaded", err)
	} else {
		c.Offload = mode
	}
	c.OffloadOff = list(get("sluice-offload-off-datapaths", ""))
	slices.Sort(c.OffloadOff)
	c.OffloadOff = slices.Compact(c.OffloadOff)
	c.ServiceNode = flag("sluice-service-node")
	c.readMetrics(get("sluice-metrics", ""))
	c.CleanupOnExit = !strings.EqualFold(get("ovn-cleanup-on-exit", "true"), "false")
	c.DatapathType = get("ovn-bridge-datapath-type", "")
	c.EncapIPs = list(get("ovn-encap-ip", ""))
	c.readEncaps(get)
	c.TransportZones = list(get("ovn-transport-zones", ""))
	slices.Sort(c.TransportZones)
	c.readMappings(get)
	c.CMSOptions = get("ovn-cms-options", "")
	c.MonitorAll = flag("ovn-monitor-all")
	c.Interconn = flag("ovn-is-interconn")
	c.SetLocalIP = flag("ovn-set-local-ip")
	c.GARPMaxTimeout = number("garp-max-timeout-sec", 0)
	c.EVPN = get("ovn-evpn-vxlan-ports", "") != ""
	types := slices.Clone(src.IfaceTypes)
	slices.Sort(types)
	c.IfaceTypes = strings.Join(types, ",")
	c.nameIdle(get)
	return c
}

// Milliseconds of the probe towards the Southbound database, as ovn-controller has
// them: what it sends by default over a network, and the least that it takes.
const (
	networkProbe = 5000
	minProbe     = 1000
)

func defaultProbe(remote string) int {
	for _, r := range list(remote) {
		if !strings.HasPrefix(r, "unix:") {
			return networkProbe
		}
	}
	return 0
}

// minBridgeProbe is the least probe interval towards the switch that ovn-controller
// takes, in seconds.
const minBridgeProbe = 5

// readSwitch reads how the integration bridge is reached. Its probe has two names:
// that of OVN up to 24.03, in seconds, and the newer one, in milliseconds, which wins.
func (c *Config) readSwitch(get func(key, def string) string, number func(key string, def int) int) {
	c.BridgeProbe = number("ovn-openflow-probe-interval", 0)
	if get("ovn-bridge-remote-probe-interval", "") != "" {
		c.BridgeProbe = (number("ovn-bridge-remote-probe-interval", 0) + 999) / 1000
	}
	if c.BridgeProbe > 0 {
		c.BridgeProbe = max(c.BridgeProbe, minBridgeProbe)
	}
	remote := get("ovn-bridge-remote", "")
	if kind, rest, _ := strings.Cut(remote, ":"); remote != "" && (kind != "unix" && kind != "tcp" || rest == "") {
		c.refuse("ovn-bridge-remote=%q is neither unix:PATH nor tcp:HOST:PORT: using the integration bridge's management socket", remote)
		remote = ""
	}
	c.BridgeRemote = remote
}

// readZones reads "MIN-MAX" or "MIN".
func (c *Config) readZones(text string) {
	c.ZoneMin, c.ZoneMax = 1, math.MaxUint16
	if text == "" {
		return
	}
	low, high, closed := strings.Cut(text, "-")
	from, err := strconv.ParseUint(strings.TrimSpace(low), 10, 16)
	to := uint64(math.MaxUint16)
	if closed && err == nil {
		to, err = strconv.ParseUint(strings.TrimSpace(high), 10, 16)
	}
	if err != nil || from == 0 || to < from {
		c.refuse("ct-zone-range=%q is not MIN-MAX within 1-65535: set external_ids:ct-zone-range to such a range; using all zones", text)
		return
	}
	c.ZoneMin, c.ZoneMax = uint16(from), uint16(to)
}

func (c *Config) readEncaps(get func(key, def string) string) {
	for _, t := range list(get("ovn-encap-type", "")) {
		switch t {
		case "geneve", "vxlan", "stt":
			if !slices.Contains(c.EncapTypes, t) {
				c.EncapTypes = append(c.EncapTypes, t)
			}
		default:
			c.refuse("ovn-encap-type: %q is not a tunnel type: use geneve or vxlan", t)
		}
	}
	valid := c.EncapIPs[:0]
	for _, s := range c.EncapIPs {
		if _, err := netip.ParseAddr(s); err != nil {
			c.refuse("ovn-encap-ip: %q is not an IP address", s)
			continue
		}
		if !slices.Contains(valid, s) {
			valid = append(valid, s)
		}
	}
	c.EncapIPs = valid
	c.EncapIPDefault = get("ovn-encap-ip-default", "")
	if d := c.EncapIPDefault; d != "" && !slices.Contains(c.EncapIPs, d) {
		c.refuse("ovn-encap-ip-default=%q is none of ovn-encap-ip: set it to one of them", d)
		c.EncapIPDefault = ""
	}
	c.EncapCsum = get("ovn-encap-csum", "true")
	if v := c.EncapCsum; v != "true" && v != "false" {
		c.refuse("ovn-encap-csum=%q is neither true nor false: using true", v)
		c.EncapCsum = "true"
	}
	c.EncapTOS = get("ovn-encap-tos", "")
	if c.EncapTOS == "none" {
		c.EncapTOS = ""
	}
	c.EncapDF = get("ovn-encap-df_default", "")
}

func (c *Config) readMappings(get func(key, def string) string) {
	c.BridgeMappingsText = get("ovn-bridge-mappings", "")
	for _, item := range list(c.BridgeMappingsText) {
		network, bridge, ok := strings.Cut(item, ":")
		if !ok || network == "" || bridge == "" {
			c.refuse("ovn-bridge-mappings: %q is not NETWORK:BRIDGE", item)
			continue
		}
		c.BridgeMappings = append(c.BridgeMappings, Mapping{network, bridge})
	}
	c.ChassisMACsText = get("ovn-chassis-mac-mappings", "")
	c.ChassisMACs = map[string]string{}
	for _, item := range list(c.ChassisMACsText) {
		network, mac, _ := strings.Cut(item, ":")
		if _, err := net.ParseMAC(mac); err != nil || network == "" {
			c.refuse("ovn-chassis-mac-mappings: %q is not NETWORK:MAC, as in physnet1:aa:bb:cc:dd:ee:ff", item)
			continue
		}
		c.ChassisMACs[network] = mac
	}
}

// ChassisMACs parses the ovn-chassis-mac-mappings of another chassis,
// "network1:aa:bb:cc:dd:ee:ff,network2:..."; items of another form are left out.
func ChassisMACs(s string) map[string]string {
	m := map[string]string{}
	for _, item := range list(s) {
		if network, mac, ok := strings.Cut(item, ":"); ok && network != "" && mac != "" {
			m[network] = mac
		}
	}
	return m
}

func list(s string) []string {
	var out []string
	for _, item := range strings.Split(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// BridgeOf is the bridge that a physical network is mapped to; the last mapping of a network wins.
func (c *Config) BridgeOf(network string) (string, bool) {
	for i := len(c.BridgeMappings) - 1; i >= 0; i-- {
		if c.BridgeMappings[i].Network == network {
			return c.BridgeMappings[i].Bridge, true
		}
	}
	return "", false
}
