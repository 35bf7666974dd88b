package punt

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

// packet makes the advertisement to all nodes.
func (r RouterAdvert) packet() []byte {
	all := netip.IPv6LinkLocalAllNodes()
	p := wire.AppendEthernet(nil, wire.MulticastMAC(all), r.MAC, wire.TypeIPv6)
	p = wire.AppendIPv6(p, r.Source, all, wire.ProtoICMPv6, 255, len(r.Body))
	at := len(p)
	p = append(p, r.Body...)
	wire.SealICMP6(p[at:], r.Source, all)
	return p
}

// packetOut: every chassis advertises to its own ports only, so the packet stays off
// the tunnels; the gateway's also leaves by the localnet port.
func (r RouterAdvert) packetOut() PacketOut {
	flags := uint64(1) << ir.FlagLocalOnly
	if r.Gateway {
		flags |= 1 << ir.FlagOverrideLocalOnly
	}
	return inject(r.packet(), ir.Ingress(0), ir.Exact(ir.Datapath, uint64(r.Port.Datapath)),
		ir.Exact(ir.Inport, uint64(r.Port.Port)), ir.Exact(ir.Flags, flags))
}

// interval is a random time between Min and Max (RFC 4861, 6.2.4).
func (r RouterAdvert) interval() time.Duration {
	if r.Max <= r.Min {
		return r.Min
	}
	return r.Min + rand.N(r.Max-r.Min)
}

// radvd sends periodic router advertisements. One goroutine owns it.
type radvd struct{ ports map[Key]advertiser }

type advertiser struct {
	RouterAdvert
	next time.Time
}

func newRadvd() *radvd { return &radvd{ports: map[Key]advertiser{}} }

// update makes list what is advertised. A port keeps its turn unless its interval changes.
func (d *radvd) update(list []RouterAdvert, now time.Time) {
	old := d.ports
	d.ports = make(map[Key]advertiser, len(list))
	for _, r := range list {
		a, known := old[r.Port]
		if !known || a.Min != r.Min || a.Max != r.Max {
			a.next = now.Add(r.interval())
		}
		a.RouterAdvert = r
		d.ports[r.Port] = a
	}
}

// run sends what is due and tells when to call again; zero for never.
func (d *radvd) run(now time.Time, send func(PacketOut)) (next time.Time) {
	for k, a := range d.ports {
		if !a.next.After(now) {
			send(a.packetOut())
			a.next = now.Add(a.interval())
			d.ports[k] = a
		}
		next = earlier(next, a.next)
	}
	return next
}
