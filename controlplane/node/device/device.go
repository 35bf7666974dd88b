// Package device knows the network devices behind the ports of the integration
// bridge, as the targets of the offload need them: what a rule of tc hangs at, and
// what it puts packets out by.
package device

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/controlplane/node/iface"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/offload"
)

// Setting is what of the configuration a target of the offload has to know.
type Setting struct {
	Mode  offload.Mode
	Why   string // why nothing is offloaded though it was asked for
	Ports []offload.Port
	// Chassis is this chassis' name: what a target has of others is none of ours.
	Chassis string
	// Off are the logical datapaths through which nothing is offloaded, by tunnel key, with
	// what they are called in the configuration.
	Off map[uint32]string

	providers []string // bridges behind patch ports
}

// Devices is the datum.
type Devices struct {
	w      *node.World
	ifaces *iface.Table
	now    Setting
	known  bool // now was read
	states map[string]BridgeState

	refused []string // settings of interfaces
	unknown []string // names of datapaths
}

// New knows nothing yet.
func New(w *node.World, ifaces *iface.Table) *Devices { return &Devices{w: w, ifaces: ifaces} }

// Setting is the present one. It must only be read.
func (d *Devices) Setting() Setting { return d.now }

// Update looks again; it tells whether something changed, which it did the first time.
func (d *Devices) Update() bool {
	d.refused, d.unknown = nil, nil
	next := d.read()
	slices.Sort(d.refused)
	d.w.Refuse(node.RefusalKey{Table: "Interface", Part: Key}, d.refused...)
	d.w.Refuse(node.RefusalKey{Table: "Open_vSwitch", Part: offKey}, d.unknown...)
	if d.known && reflect.DeepEqual(next, d.now) {
		return false
	}
	d.now, d.known = next, true
	return true
}

// Key is of external_ids, of the Open_vSwitch row for all interfaces and of an
// Interface for itself.
const Key = "sluice-offload"

func (d *Devices) read() Setting {
	s := Setting{Mode: d.w.Config.Offload, Chassis: d.w.Config.Chassis}
	if s.Mode == offload.Off {
		return s
	}
	if s.Why = d.obstacle(); s.Why != "" {
		s.Mode = offload.Off
		return s
	}
	others := d.layout()
	for _, row := range d.ifaces.All() {
		if p, ok := d.port(row, s.Mode, others); ok {
			if p.Barred = d.barred(row); p.Barred.Why != "" {
				p.Mode = offload.Off
			}
			s.Ports = append(s.Ports, p)
		}
		if at, there := others[row.Options["peer"]]; there && row.Type == "patch" && !slices.Contains(s.providers, at.bridge.Name) {
			s.providers = append(s.providers, at.bridge.Name)
		}
	}
	slices.Sort(s.providers)
	single(s.Ports)
	s.Off = d.off()
	slices.SortFunc(s.Ports, func(a, b offload.Port) int { return cmp.Compare(a.Ofport, b.Ofport) })
	return s
}

// obstacle is why nothing can be offloaded on this chassis.
func (d *Devices) obstacle() string {
	br := d.w.Bridge()
	if br == nil {
		return "there is no integration bridge"
	}
	return Obstacle(d.w.VSW, br, "external_ids:ovn-bridge-datapath-type=system")
}

// Obstacle is why nothing of a bridge can be offloaded; "" for nothing. datapathType is the setting by
// which it gets the kernel's datapath.
func Obstacle(db *vsw.DB, br *vsw.Bridge, datapathType string) string {
	for row := range db.OpenVSwitch.All() {
		if strings.EqualFold(row.OtherConfig["hw-offload"], "true") { // as smap_get_bool reads it
			return "Open vSwitch offloads by itself, and two would undo each other's rules: set Open_vSwitch other_config:hw-offload=false and restart ovs-vswitchd"
		}
	}
	if column := watched(br); column != "" {
		return fmt.Sprintf("bridge %s has %s, which watches the packets in Open vSwitch and would not see those that are offloaded: \"ovs-vsctl clear Bridge %s %s\" ends it",
			br.Name, column, br.Name, column)
	}
	if t := br.DatapathType; t != "" && t != "system" {
		return fmt.Sprintf("bridge %s has datapath type %s: tc sees packets, and connections are shared, only where Open vSwitch uses the kernel's datapath (%s)", br.Name, t, datapathType)
	}
	return ""
}

func (d *Devices) port(row *vsw.Interface, mode offload.Mode, others map[string]place) (offload.Port, bool) {
	ofport := iface.Ofport(row)
	if ofport == 0 {
		return offload.Port{}, false
	}
	p := offload.Port{Ofport: ofport, Name: row.Name, Mode: mode}
	d.override(&p, row)
	switch row.Type {
	case "", "system":
		p.Device, p.Ifindex = row.Name, int32(row.Ifindex.Or(0))
		return p, true
	case "geneve", "vxlan":
		return tunnel(p, row, d.encap)
	case "patch":
		return d.patch(p, row, others), true
	}
	return offload.Port{}, false
}

// override takes over what the interface itself says of its mode.
func (d *Devices) override(p *offload.Port, row *vsw.Interface) {
	if why := Override(p, row); why != "" {
		d.refused = append(d.refused, why)
	}
}

// Override takes over what an interface itself says of its mode. refused is what is wrong with that, "" for nothing.
func Override(p *offload.Port, row *vsw.Interface) (refused string) {
	text, has := row.ExternalIDs[Key]
	if !has {
		return ""
	}
	own, err := offload.ParseMode(text)
	if err != nil {
		own = offload.Off
		refused = fmt.Sprintf("interface %s: external_ids:%s: %v: it is not offloaded", row.Name, Key, err)
	}
	p.Mode = own
	return refused
}

// encap is the address by which the other chassis know this one, of the family of
// remote: the source of packets of a tunnel that names none.
func (d *Devices) encap(remote netip.Addr) netip.Addr {
	for _, text := range append([]string{d.w.Config.EncapIPDefault}, d.w.Config.EncapIPs...) {
		if ip, err := netip.ParseAddr(text); err == nil && ip.Is4() == remote.Is4() {
			return ip
		}
	}
	return netip.Addr{}
}

// shared are the devices with which the kernel's datapath carries the tunnels of a
// type and port, and the standard ports (RFC 8926, RFC 7348).
var shared = map[string]struct {
	device string
	port   uint16
}{"geneve": {"genev_sys_", 6081}, "vxlan": {"vxlan_sys_", 4789}}

// tunnel completes the port of a tunnel to one other end.
func tunnel(p offload.Port, row *vsw.Interface, encap func(remote netip.Addr) netip.Addr) (offload.Port, bool) {
	remote, err := netip.ParseAddr(row.Options["remote_ip"])
	if err != nil || row.Options["key"] != "flow" {
		return offload.Port{}, false
	}
	t := &offload.Tunnel{Type: row.Type, Remote: remote, DstPort: shared[row.Type].port, Csum: row.Options["csum"] == "true", DF: row.Options["df_default"] != "false"}
	if t.Local, err = netip.ParseAddr(row.Options["local_ip"]); err != nil {
		t.Local = encap(remote)
	}
	if n, err := strconv.ParseUint(row.Options["dst_port"], 10, 16); err == nil {
		t.DstPort = uint16(n)
	}
	for option, to := range map[string]*uint8{"tos": &t.TOS, "ttl": &t.TTL} {
		text := row.Options[option]
		n, err := strconv.ParseUint(text, 0, 8)
		if text != "" && err != nil {
			return offload.Port{}, false // "inherit": each packet has its own
		}
		*to = uint8(n)
	}
	p.Device, p.Tunnel = shared[row.Type].device+strconv.Itoa(int(t.DstPort)), t
	return p, true
}
