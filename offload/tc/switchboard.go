package tc

import (
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// The switchboard is chain 0 of a device. It sends the packets of each ingress to its chain, by the remote end of the tunnel where
// several tunnels end in the device and by the VLAN where it is the uplink of a bridge, and lets only those kinds of packets in that the ingress's table does something with: no fragments,
// whose ports flower does not see while Open vSwitch sees those of the first, and not more than one VLAN header. What is not sent
// anywhere goes to the fallback.
const (
	guardLevel = level(1)
	entryLevel = level(2)
)

// lay makes the filters of the switchboard.
func (d *device) lay(tables map[flatten.SegmentID]*table) {
	d.board.want = map[filterKey]*want{}
	guarded := [2]bool{}
	for _, p := range d.ports {
		id := flatten.IngressID(p.Ofport)
		c := d.chains[id]
		if c == nil {
			continue
		}
		kinds := c.kinds()
		for _, g := range p.programs() {
			if c.broken(g) != nil {
				continue
			}
			if kinds&(plainIPv6|taggedIPv6) != 0 && !guarded[g] {
				d.guard(g)
				guarded[g] = true
			}
			d.entries(p, c, kinds, g)
		}
	}
	for k := range d.board.barred {
		delete(d.board.want, k)
	}
}

// kinds are those of packets that paths do something with.
func (c *chain) kinds() (k kinds) {
	for _, r := range c.rules {
		if !r.trap {
			k |= r.asked.kinds
		}
	}
	return k
}

// guard keeps IPv6 packets with an authentication header out: flower takes that header for the packet's protocol, Open vSwitch looks
// behind it.
func (d *device) guard(g program) {
	for part, m := range []flower.Match{
		{EthType: flower.EtherIPv6, IPProto: flower.Some[uint8](protoAH)},
		{EthType: flower.EtherIPv6, IPProto: flower.Some[uint8](protoAH), VLAN: flower.Tag{TPID: flower.EtherVLAN}},
	} {
		if part == 1 && d.kinds&allTagged == 0 {
			continue
		}
		is := mark{roleGuard, uint8(part), 0}
		d.board.want[filterKey{"guard", uint8(part), g}] = &want{filter: filterOf(d.site, 0, guardLevel, g, whole(m), g.trap(), is), mark: is}
	}
}

// entries are the filters of one ingress, one for each kind of packets.
func (d *device) entries(p *outlet, c *chain, k kinds, g program) {
	role, actions := roleEntry, []flower.Action{flower.GotoChain(c.number)}
	if d.paused[c.segment] {
		role, actions = rolePause, g.trap()
	}
	for i, typ := range etherTypes {
		for j, kind := range []kinds{plainIPv4 << i, taggedIPv4 << i} {
			if k&kind == 0 || p.Bridge != nil && (j == 1) != (p.Bridge.VLAN != 0) {
				continue
			}
			m := flower.Match{EthType: typ}
			if typ != flower.EtherARP {
				m.IPFlags = flower.NotFragment
			}
			if j == 1 {
				m.VLAN.TPID = flower.EtherVLAN
				if p.Bridge != nil {
					m.VLAN.ID = flower.Some(p.Bridge.VLAN)
				}
			}
			if p.Tunnel != nil {
				m.Tunnel.Src, m.Tunnel.Dst = exactAddr(p.Tunnel.Remote), exactAddr(p.Tunnel.Local)
			}
			is := mark{role, uint8(2*i + j), uint64(c.segment)}
			f := filterOf(d.site, 0, entryLevel, g, whole(m), actions, is)
			d.board.want[filterKey{p.key(), is.part, g}] = &want{filter: f, mark: is, wide: ir.MustMatch(ir.Exact(ir.InPort, uint64(p.Ofport)))}
		}
	}
}

// key tells the entries of ports apart by what they match, as far as it is not the kind of packets.
func (o *outlet) key() string {
	switch {
	case o.Bridge != nil:
		return fmt.Sprintf("vlan %d", o.Bridge.VLAN)
	case o.Tunnel == nil:
		return "all"
	}
	return fmt.Sprintf("%s %s %d", o.Tunnel.Remote, o.Tunnel.Local, o.Tunnel.DstPort)
}

func exactAddr(a netip.Addr) flower.Masked[netip.Addr] {
	if !a.IsValid() {
		return flower.Masked[netip.Addr]{}
	}
	return flower.ExactAddr(a)
}
