package plan

import (
	"fmt"
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// port is a port of the bridge that is one of the switch's.
type port struct {
	number ofp.Port // 0: none
	fault  string   // why frames do not pass; "" when they do
	down   bool     // it has no link
	row    *vsw.Port
	iface  *vsw.Interface
}

// uplink is a tunnel port that is there.
type uplink struct {
	number ofp.Port
	row    *vsw.Interface
}

// ownKey is the key in external_ids that tells our tunnel ports; its value is the address that the port leads to, or toAll.
const (
	ownKey = "sluice-vtep"
	toAll  = "flow"
)

// Settings of a bridge that ovs-vswitchd.conf.db(5) has for its own learning, with their defaults and limits there.
const (
	agingKey, agingDefault, agingMin, agingMax = "mac-aging-time", 300, 15, 3600 // seconds
	sizeKey, sizeDefault, sizeMin              = "mac-table-size", 8192, 10
)

// readPorts reads the bridge.
func (p *Plan) readPorts() {
	p.bridge = p.ovs.BridgeByName.One(p.cfg.Bridge)
	p.ports, p.uplinks = map[string]port{}, map[string]uplink{}
	var found []Problem
	defer func() { p.problems["bridge"] = found }()
	if p.bridge == nil {
		found = append(found, Problem{"bridge-missing", fmt.Sprintf("Open vSwitch has no bridge %s: nothing is bridged. Make it, with the ports that the switch is to have: "+
			"ovs-vsctl add-br %[1]s -- add-port %[1]s PORT", p.cfg.Bridge)})
		return
	}
	if len(p.bridge.Controller) > 0 {
		found = append(found, Problem{"bridge-controller", fmt.Sprintf("bridge %s has a controller of its own, whose flows are removed: ovs-vsctl del-controller %[1]s", p.cfg.Bridge)})
	}
	for _, id := range p.bridge.Ports {
		row := p.ovs.Port.Get(id)
		if row == nil || row.Name == p.bridge.Name || len(row.Interfaces) == 0 {
			continue
		}
		in := p.ovs.Interface.Get(row.Interfaces[0])
		if in == nil {
			continue
		}
		if to := row.ExternalIDs[ownKey]; to != "" {
			p.uplinks[to] = uplink{number(in), in}
			if in.Error.OK {
				found = append(found, Problem{"tunnel-port", fmt.Sprintf("tunnel port %s does not work: %s", in.Name, in.Error.V)})
			}
			continue
		}
		p.ports[row.Name] = readPort(row, in)
	}
	before := p.common.TableSize
	p.common = bridging.Common{
		Local:     p.cfg.TunnelIP,
		Aging:     uint16(p.setting(agingKey, agingDefault, agingMin, agingMax)),
		TableSize: uint32(p.setting(sizeKey, sizeDefault, sizeMin, 1<<20)),
	}
	p.shrunk = p.shrunk || p.common.TableSize < before
}

func readPort(row *vsw.Port, in *vsw.Interface) port {
	pt := port{number: number(in), down: in.LinkState.Or("up") == "down", row: row, iface: in}
	switch {
	case len(row.Interfaces) > 1:
		pt.number, pt.fault = 0, "it is a bond of Open vSwitch, which flows cannot send to: bond its interfaces in the kernel"
	case in.Error.OK:
		pt.fault = in.Error.V
	case pt.number == 0:
		pt.fault = "Open vSwitch has given it no number"
	}
	return pt
}

// number is the OpenFlow number of an interface, 0 for none.
func number(in *vsw.Interface) ofp.Port {
	if n := in.OFPort.Or(0); n > 0 && n < 0xff00 {
		return ofp.Port(n)
	}
	return 0
}

// setting is a number in the bridge's other_config, kept within limits as ovs-vswitchd does.
func (p *Plan) setting(key string, otherwise, least, most int) int {
	if n, err := strconv.Atoi(p.bridge.OtherConfig[key]); err == nil {
		return min(max(n, least), most)
	}
	return otherwise
}

// Common is what all segments of the bridge share.
func (p *Plan) Common() bridging.Common { return p.common }

// Aging is after how many seconds a station is forgotten that sends nothing.
func (p *Plan) Aging() uint16 { return p.common.Aging }
