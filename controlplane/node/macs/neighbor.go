package macs

import (
	"net"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/aging"
)

// neighbor is "addr is at mac behind port", of a local datapath. There are no rules of nil.
type neighbor struct {
	owner    ir.Owner
	datapath uint32
	port     uint64
	addr     netip.Addr
	mac      ir.Value
}

// neighbor is what a row says, or what is wrong with that; neither where the port is unknown or not of a local datapath.
func (m *MACs) neighbor(owner ir.Owner, lport, ip, mac string) (n *neighbor, bad string) {
	pb := m.w.SB.PortBindingByLogicalPort.One(lport)
	if pb == nil {
		return nil, ""
	}
	dp, local := m.local.Key(pb.Datapath)
	if !local {
		return nil, ""
	}
	addr, errIP := netip.ParseAddr(ip)
	hw, errMAC := net.ParseMAC(mac)
	if errIP != nil || errMAC != nil || len(hw) != 6 {
		return nil, "ignoring the " + owner.Kind.String() + " of " + lport + ": bad ip \"" + ip + "\" or mac \"" + mac + "\""
	}
	return &neighbor{owner, dp, uint64(pb.TunnelKey), addr, ir.BytesValue(hw)}, ""
}

// rules answer get_arp or get_nd, and lookup_arp or lookup_nd.
func (n *neighbor) rules(priority uint16) []ir.Rule {
	if n == nil {
		return nil
	}
	v := ir.BytesValue(n.addr.AsSlice())
	reg := ir.Term{Field: ir.Reg0, Value: v, Mask: ir.Ones(32)}
	lookup := []ir.Term{ir.Exact(ir.EthType, 0x0806)}
	if n.addr.Is6() {
		reg = ir.Term{Field: ir.XXReg0, Value: v, Mask: ir.Ones(128)}
		lookup = []ir.Term{ir.Exact(ir.EthType, 0x86dd), ir.Exact(ir.IPProto, 58), ir.Exact(ir.ICMP6Code, 0)}
	}
	found := ir.Set{Dst: ir.Bits(ir.Flags, ir.FlagLookupMAC, 1), Value: ir.V(1)}
	lookup = append(lookup, reg, ir.Exact(ir.Inport, n.port), n.sender())
	return []ir.Rule{
		ir.NewRule(ir.MACBinding, priority, n.datapath, ir.MustMatch(reg, ir.Exact(ir.Outport, n.port)), nil,
			ir.NewProgram(ir.Set{Dst: ir.All(ir.EthDst), Value: n.mac}, found), n.owner),
		ir.NewRule(ir.MACLookup, priority, n.datapath, ir.MustMatch(lookup...), nil, ir.NewProgram(found), n.owner),
	}
}

// use are the rules that count what the neighbor sends: IP packets, which answers to neighbor solicitations are, and answers
// to ARP requests.
func (n *neighbor) use() []ir.Rule {
	if n == nil {
		return nil
	}
	v := ir.BytesValue(n.addr.AsSlice())
	count := func(terms ...ir.Term) ir.Rule {
		terms = append(terms, ir.Exact(ir.Inport, n.port), n.sender())
		return ir.NewRule(aging.NeighbourStage, prioLearned, n.datapath, ir.MustMatch(terms...), nil, ir.NewProgram(), n.owner)
	}
	if n.addr.Is6() {
		return []ir.Rule{count(ir.Exact(ir.EthType, 0x86dd), ir.Term{Field: ir.IP6Src, Value: v, Mask: ir.Ones(128)})}
	}
	return []ir.Rule{
		count(ir.Exact(ir.EthType, 0x0800), ir.Term{Field: ir.IP4Src, Value: v, Mask: ir.Ones(32)}),
		count(ir.Exact(ir.EthType, 0x0806), ir.Exact(ir.ARPOp, 2), ir.Term{Field: ir.ARPSPA, Value: v, Mask: ir.Ones(32)}),
	}
}

func (n *neighbor) sender() ir.Term {
	return ir.Term{Field: ir.EthSrc, Value: n.mac, Mask: ir.Ones(48)}
}
