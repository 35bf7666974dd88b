package punt

import (
	"testing"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

func TestPutARPAndND(t *testing.T) {
	unicast := wire.AppendARP(wire.AppendEthernet(nil, rtMAC, gwMAC, wire.TypeARP), 2, gwMAC, hop4, rtMAC, vm4)
	broadcast := wire.AppendARP(wire.AppendEthernet(nil, wire.Broadcast, gwMAC, wire.TypeARP), 1, gwMAC, hop4, wire.MAC{}, hop4)
	if l := only[LearnNeighbor](t, Respond(punted(ir.OpPutARP, unicast))); l.Neighbor != (Neighbor{NeighborKey{lsPort, hop4}, gwMAC}) || !l.Hurry {
		t.Errorf("learns %+v", l)
	}
	if l := only[LearnNeighbor](t, Respond(punted(ir.OpPutARP, broadcast))); l.Hurry {
		t.Error("what everybody hears is learned in a hurry")
	}
	if l := only[LearnNeighbor](t, Respond(punted(ir.OpPutND, unicast))); l.Neighbor != (Neighbor{NeighborKey{lsPort, hop6}, gwMAC}) {
		t.Errorf("learns %+v", l)
	}
	if l := only[LearnStation](t, Respond(punted(ir.OpPutFDB, unicast))); l.Station != (Station{lsPort, gwMAC}) {
		t.Errorf("learns %+v", l)
	}
	for _, bad := range []wire.MAC{wire.Broadcast, {}} {
		p := wire.AppendEthernet(nil, rtMAC, bad, wire.TypeARP)
		for _, op := range []ir.Opcode{ir.OpPutARP, ir.OpPutND, ir.OpPutFDB} {
			want := ReasonUnexpected
			if op == ir.OpPutND && bad.IsZero() {
				want = ReasonNoReply // a solicitation need not say who asks
			}
			if d := only[Drop](t, Respond(punted(op, p))); d.Reason != want {
				t.Errorf("%s of %s: %+v", op, bad, d)
			}
		}
	}
}

func TestStoreActions(t *testing.T) {
	p := udpPacket(t, 0)
	if b := only[BindVirtual](t, Respond(punted(ir.OpBindVport, p, action.BindVportArgs{Vport: 11}.Encode()...))); b.VirtualParent != (VirtualParent{Key{5, 11}, 3}) {
		t.Errorf("binds %+v", b)
	}
	if a := only[ActivatePort](t, Respond(punted(ir.OpActivationStrategy, p))); a.Key != lsPort {
		t.Errorf("activates %+v", a)
	}
	event := action.EventArgs{VIP: "10.0.0.1:80", Protocol: "tcp", LoadBalancer: "uuid"}
	if e := only[ReportEmptyBackends](t, Respond(punted(ir.OpEvent, p, event.Encode()...))); e.EmptyBackends != (EmptyBackends{"10.0.0.1:80", "tcp", "uuid"}) {
		t.Errorf("reports %+v", e)
	}
	event.VIP = ""
	if d := only[Drop](t, Respond(punted(ir.OpEvent, p, event.Encode()...))); d.Reason != ReasonArguments {
		t.Errorf("event without vip: %+v", d)
	}
}
