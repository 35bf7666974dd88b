package flattentest

import "github.com/sluice-gw/sluice/controlplane/ir"

// network makes the rules of one logical switch: of ports on tunnels or on devices,
// in the form that the pipeline of OVN has.
type network struct{ rules []ir.Rule }

func (n *network) add(s ir.Stage, priority uint16, terms []ir.Term, ops ...ir.Op) {
	n.rules = append(n.rules, ir.NewRule(s, priority, 0, ir.MustMatch(terms...), nil, ir.NewProgram(ops...), ir.Owner{}))
}

func mac(port int) uint64 { return 0x0a0000000000 | uint64(port) }

// local makes ports with devices, each with port security.
func (n *network) local(count int) {
	for i := 1; i <= count; i++ {
		n.add(ir.PhyToLog, 100, []ir.Term{ir.Exact(ir.InPort, uint64(i))},
			ir.Set{Dst: ir.All(ir.Datapath), Value: ir.V(1)}, ir.Set{Dst: ir.All(ir.Inport), Value: ir.V(uint64(i))}, ir.Call{Stage: ir.Ingress(0)})
		n.add(ir.Ingress(0), 50, []ir.Term{ir.Exact(ir.Inport, uint64(i)), ir.Exact(ir.EthSrc, mac(i))}, ir.Call{Stage: ir.Ingress(1)})
		to := ir.Exact(ir.Outport, uint64(i))
		n.add(ir.LocalOutput, 100, []ir.Term{to}, ir.Call{Stage: ir.Egress(0)})
		n.add(ir.Egress(0), 50, []ir.Term{to}, ir.Call{Stage: ir.LogToPhy})
		n.add(ir.LogToPhy, 100, []ir.Term{to}, ir.ToPort{Port: uint32(i)})
		n.destination(i)
	}
}

// remote makes ports behind tunnels to so many chassis.
func (n *network) remote(first, count, chassis int) {
	for i := first; i < first+count; i++ {
		n.add(ir.RemoteOutput, 100, []ir.Term{ir.Exact(ir.Outport, uint64(i))},
			ir.Set{Dst: ir.All(ir.TunID), Value: ir.V(1)}, ir.Copy{Dst: ir.Bits(ir.TunOpt, 0, 16), Src: ir.Bits(ir.Outport, 0, 16)},
			ir.Copy{Dst: ir.Bits(ir.TunOpt, 16, 15), Src: ir.Bits(ir.Inport, 0, 15)}, ir.ToPort{Port: uint32(FirstTunnel + i%chassis)})
		n.destination(i)
	}
	for i := range chassis {
		n.add(ir.PhyToLog, 100, []ir.Term{ir.Exact(ir.InPort, uint64(FirstTunnel+i))},
			ir.Copy{Dst: ir.Bits(ir.Datapath, 0, 24), Src: ir.Bits(ir.TunID, 0, 24)}, ir.Copy{Dst: ir.Bits(ir.Inport, 0, 15), Src: ir.Bits(ir.TunOpt, 16, 15)},
			ir.Copy{Dst: ir.Bits(ir.Outport, 0, 16), Src: ir.Bits(ir.TunOpt, 0, 16)}, ir.Call{Stage: ir.LocalOutput})
	}
}

// destination makes what leads to a port.
func (n *network) destination(port int) {
	to := ir.Exact(ir.Outport, uint64(port))
	n.add(ir.Ingress(2), 50, []ir.Term{ir.Exact(ir.EthDst, mac(port))}, ir.Set{Dst: ir.All(ir.Outport), Value: ir.V(uint64(port))}, ir.Call{Stage: ir.CheckLoopback})
	n.add(ir.CheckLoopback, 100, []ir.Term{to, ir.Exact(ir.Inport, uint64(port))})
}

// policy makes rules that let packets pass.
func (n *network) policy(count int) {
	n.add(ir.CheckLoopback, 0, nil, ir.Call{Stage: ir.RemoteOutput})
	n.add(ir.RemoteOutput, 0, nil, ir.Call{Stage: ir.LocalOutput})
	n.add(ir.Ingress(1), 0, nil, ir.Call{Stage: ir.Ingress(2)})
	for i := range count {
		n.add(ir.Ingress(1), uint16(1000+i%1000), []ir.Term{ir.Exact(ir.EthType, 0x800), ir.Exact(ir.IPProto, 6),
			ir.Masked(ir.IP4Src, 0x0a000000|uint64(i)<<8, 0xffffff00), ir.Exact(ir.TCPDst, uint64(80+i))}, ir.Call{Stage: ir.Ingress(2)})
	}
}

// Devices are the rules of a switch with so many ports with devices, from number 1 on,
// and ACLs.
func Devices(ports, acls int) []ir.Rule {
	n := &network{}
	n.policy(acls)
	n.local(ports)
	return n.rules
}

// Gateway are the rules of a switch with a device, port 1, and so many ports behind
// tunnels to so many chassis, from port FirstTunnel on, and ACLs.
func Gateway(ports, chassis, acls int) []ir.Rule {
	n := &network{}
	n.policy(acls)
	n.local(1)
	n.remote(2, ports, chassis)
	return n.rules
}

// FirstTunnel is the port of the first tunnel of a Gateway.
const FirstTunnel = 50000
