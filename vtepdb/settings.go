package vtepdb

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Settings in Global.other_config of the switch's database, where those of ovn-controller-vtep(8) are, too. What begins with
// settingPrefix and is none of them, nor of the record, is refused by name.
const (
	settingPrefix   = "sluice-"
	replicationKey  = "sluice-replication-mode" // SourceNode or ServiceNode; not set: what the switches can do
	serviceNodesKey = "sluice-service-nodes"    // tunnel addresses, separated by commas
	// BFDKey is whether BFD runs on tunnels of the switches: true or false. In Chassis.other_config it says that it does: of a switch,
	// that it is configured so, of a hypervisor, that it does so with such switches. ovn-controller takes BFD off its tunnels to switches.
	BFDKey = "sluice-bfd"
)

// bfdParams are keys of Tunnel.bfd_params by the setting that they are from.
var bfdParams = map[string]string{BFDKey + "-min-rx": "min_rx", BFDKey + "-min-tx": "min_tx", BFDKey + "-decay-min-rx": "decay_min_rx"}

// settings are what an operator wants of all switches in the database.
type settings struct {
	mode         string            // of replication; "": what the switches can do
	serviceNodes []string          // tunnel addresses of nodes that replicate and are no chassis of OVN, sorted
	bfd          map[string]string // Tunnel.bfd_params; nil: BFD is not configured
}

// readSettings reads them.
func (p *Planner) readSettings(config map[string]string) {
	var s settings
	params := map[string]string{"enable": "true"}
	bad := map[string]bool{}
	refuse := func(key, format string, args ...any) {
		bad[key] = true
		p.problems.set(UnsupportedSetting, key, fmt.Sprintf("Global.other_config:%s is %q, ", key, config[key])+fmt.Sprintf(format, args...))
	}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		switch value := config[key]; {
		case key == replicationKey:
			if value != SourceNode && value != ServiceNode {
				refuse(key, "neither %s nor %s; what the switches can do is used", SourceNode, ServiceNode)
				continue
			}
			s.mode = value
		case key == serviceNodesKey:
			for _, ip := range strings.Split(value, ",") {
				if a, err := netip.ParseAddr(strings.TrimSpace(ip)); err == nil && a.Is4() {
					s.serviceNodes = append(s.serviceNodes, a.String())
				} else {
					refuse(key, "of which %q is no IPv4 address; it is left out", ip)
				}
			}
			slices.Sort(s.serviceNodes)
			s.serviceNodes = slices.Compact(s.serviceNodes)
		case key == BFDKey:
			if value != "true" && value != "false" {
				refuse(key, "neither true nor false; BFD is not configured")
			} else if value == "true" {
				s.bfd = params
			}
		case bfdParams[key] != "":
			if n, err := strconv.ParseUint(value, 10, 31); err != nil || n == 0 && key != BFDKey+"-decay-min-rx" {
				refuse(key, "no number of milliseconds; the switch's default is used")
			} else {
				params[bfdParams[key]] = value
			}
		case strings.HasPrefix(key, settingPrefix) && !slices.ContainsFunc(recordKeys, func(k string) bool { return strings.HasPrefix(key, k) }):
			refuse(key, "and has no effect: there is no such setting; remove it: vtep-ctl remove Global . other_config %s", key)
		}
	}
	p.problems.only(UnsupportedSetting, bad)
	if !reflect.DeepEqual(s, p.settings) {
		p.settings = s
		p.markBound()
		p.markTunnels()
	}
}
