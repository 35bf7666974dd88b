package controller

import (
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// TestFloodRemote sends answers of a transit router's neighbour from the chassis of one availability zone to that of another,
// through the rules of both: they are learned from there, once, and go nowhere else.
func TestFloodRemote(t *testing.T) {
	t.Parallel()
	zone := func(ip, other string) (*network, *ir.Pipeline) {
		n := newNetwork(t, "system-id=hv1 ovn-encap-type=geneve ovn-is-interconn=true ovn-encap-ip="+ip)
		n.writtenBy("25.03.0-20.41.0-78.5")
		n.chassis("other", "geneve", other, map[string]string{"is-remote": "true"})
		n.datapath("tr", "logical-router", 7)
		n.port("tr", "tr-sw", 3, "patch", "peer:sw-tr mac=00:00:00:00:00:07")
		n.datapath("sw", "logical-switch", 8)
		n.port("sw", "sw-tr", 1, "patch", "peer:tr-sw mac=router")
		n.port("sw", "vm", 2, "", "")
		n.plug("vm", nil)
		n.flow("tr", "lookup", 100, "arp.op == 2 || nd_na", "flood_remote; next(pipeline=ingress, table=1);")
		n.row("learn", "Logical_Flow", map[string]any{"logical_datapath": n.id["tr"], "pipeline": "ingress", "table_id": 1,
			"priority": 1, "match": "arp", "actions": "put_arp(inport, arp.spa, arp.sha);"})
		if got := n.degraded(); len(got) != 0 {
			t.Errorf("degraded: %q", got)
		}
		p := ir.NewPipeline()
		for _, r := range n.rules {
			p.Add(r)
		}
		return n, p
	}
	here, rules := zone("192.0.2.1", "192.0.2.2")
	there, others := zone("192.0.2.2", "192.0.2.1")
	// A controller learns where a neighbour answers: that is what put_arp stands for.
	learned := func(r ir.Result) (ports []uint64) {
		for _, x := range r.Punts {
			if x.Punt.Opcode == ir.OpPutARP {
				ports = append(ports, x.Packet.Get(ir.Inport).Lo)
			}
		}
		return ports
	}
	p, err := ir.NewPacket(ir.Exact(ir.EthType, 0x0806), ir.Exact(ir.ARPOp, 2), ir.Exact(ir.ARPSPA, 0x0a000001), ir.Exact(ir.EthSrc, 9))
	if err != nil {
		t.Fatal(err)
	}
	p.Put(ir.Datapath, ir.V(7))
	p.Put(ir.Inport, ir.V(3))
	sent, err := rules.Evaluate(p, ir.Ingress(0), ir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tunnel, _ := here.tunnels.Find("other", nil, "")
	if len(sent.Outputs) != 1 || sent.Outputs[0].Port != tunnel.Ofport || len(learned(sent)) != 1 {
		t.Fatalf("the zone of the neighbour puts out %+v and learns behind ports %v", sent.Outputs, learned(sent))
	}
	back, _ := there.tunnels.Find("other", nil, "")
	arrived := sent.Outputs[0].Packet.Copy()
	for f := ir.Datapath; f <= ir.Outport; f++ { // only the tunnel's key crosses
		arrived.Put(f, ir.Value{})
	}
	arrived.Put(ir.InPort, ir.V(uint64(back.Ofport)))
	got, err := others.Evaluate(arrived, ir.PhyToLog, ir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if ports := learned(got); len(ports) != 1 || ports[0] != 3 || len(got.Outputs) != 0 {
		t.Errorf("the other zone learns behind ports %v, want 3, and puts out %+v", ports, got.Outputs)
	}
}
