package punt

import (
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// learnNeighbor is put_arp and put_nd: the address in reg0 or xxreg0 has the MAC
// address eth.src behind inport. What came as a broadcast is seen by every chassis of
// the network; what came to one station is not.
func learnNeighbor(r *request) []Effect {
	if r.frame.Ethernet == nil {
		return dropErr(ReasonMalformed, r.broken)
	}
	var ip netip.Addr
	if r.Opcode == ir.OpPutARP {
		ip = r.nextHop4()
	} else {
		ip = r.nextHop6()
	}
	mac := r.frame.Ethernet.Src()
	if r.Opcode == ir.OpPutND && mac.IsZero() { // ovn-northd of 22.03 asks it of every solicitation
		return drop(ReasonNoReply, "a solicitation without link-layer address teaches nothing")
	}
	if mac.IsMulticast() || mac.IsZero() {
		return drop(ReasonUnexpected, "source "+mac.String()+" cannot be the address of a neighbor")
	}
	return []Effect{LearnNeighbor{
		Neighbor: Neighbor{NeighborKey{r.inport(), ip}, mac},
		Hurry:    !r.frame.Ethernet.Dst().IsMulticast(),
	}}
}

// learnStation is put_fdb: eth.src is behind inport.
func learnStation(r *request) []Effect {
	if r.frame.Ethernet == nil {
		return dropErr(ReasonMalformed, r.broken)
	}
	mac := r.frame.Ethernet.Src()
	if mac.IsMulticast() || mac.IsZero() {
		return drop(ReasonUnexpected, "source "+mac.String()+" cannot be the address of a station")
	}
	return []Effect{LearnStation{Station{r.inport(), mac}}}
}

// bindVirtual is bind_vport: a virtual port was seen behind inport.
func bindVirtual(r *request) []Effect {
	a, err := action.DecodeBindVportArgs(r.Args)
	if err != nil {
		return dropErr(ReasonArguments, err)
	}
	in := r.inport()
	return []Effect{BindVirtual{VirtualParent{Key{in.Datapath, a.Vport}, in.Port}}}
}

// reportEvent is trigger_event.
func reportEvent(r *request) []Effect {
	a, err := action.DecodeEventArgs(r.Args)
	if err != nil {
		return dropErr(ReasonArguments, err)
	}
	if a.VIP == "" || a.Protocol == "" || a.LoadBalancer == "" {
		return drop(ReasonArguments, "event empty_lb_backends lacks vip, protocol or load_balancer")
	}
	return []Effect{ReportEmptyBackends{EmptyBackends(a)}}
}

// activatePort is the RARP of a migrated virtual machine: from now on the port of
// inport is live on this chassis (options:activation-strategy).
func activatePort(r *request) []Effect { return []Effect{ActivatePort{r.inport()}} }
