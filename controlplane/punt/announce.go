package punt

import (
	"net/netip"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

// Announcement tells a physical network that MAC, and IP with it, is here: a
// gratuitous ARP or, without IP, a RARP. It enters the logical switch as if it came
// from Port.
type Announcement struct {
	Port Key
	MAC  wire.MAC
	IP   netip.Addr // IPv4; the zero Addr for RARP
}

// OVN's times: the first announcement after announceStart, then the interval starts
// with it and doubles.
const (
	announceStart = time.Second
	announceMax   = 16 * time.Second
)

// packet makes the announcement.
func (a Announcement) packet() []byte {
	if a.IP.Is4() {
		p := wire.AppendEthernet(nil, wire.Broadcast, a.MAC, wire.TypeARP)
		return wire.AppendARP(p, wire.ARPRequest, a.MAC, a.IP, wire.MAC{}, a.IP)
	}
	p := wire.AppendEthernet(nil, wire.Broadcast, a.MAC, wire.TypeRARP)
	return wire.AppendARP(p, wire.RARPRequest, a.MAC, netip.Addr{}, a.MAC, netip.Addr{})
}

func (a Announcement) packetOut() PacketOut {
	return inject(a.packet(), ir.Ingress(0),
		ir.Exact(ir.Datapath, uint64(a.Port.Datapath)), ir.Exact(ir.Inport, uint64(a.Port.Port)))
}

// announcer sends announcements when they are due. One goroutine owns it.
type announcer struct {
	max     time.Duration // View.AnnounceMax
	pending map[Announcement]backoff
}

// backoff is when the next announcement is made, zero for never, and the interval behind it.
type backoff struct {
	next     time.Time
	interval time.Duration
}

func newAnnouncer() *announcer { return &announcer{pending: map[Announcement]backoff{}} }

// update makes list what is announced. What was announced before goes on in its time.
func (a *announcer) update(list []Announcement, max time.Duration, now time.Time) {
	restart := max != a.max
	a.max = max
	old := a.pending
	a.pending = make(map[Announcement]backoff, len(list))
	for _, x := range list {
		b, known := old[x]
		if !known || restart {
			b = backoff{now.Add(announceStart), announceStart}
		}
		a.pending[x] = b
	}
}

// run sends what is due and tells when to call again; zero for never.
func (a *announcer) run(now time.Time, send func(PacketOut)) (next time.Time) {
	limit, forever := a.max, true
	if limit == 0 {
		limit, forever = announceMax, false
	}
	for x, b := range a.pending {
		if b.next.IsZero() {
			continue
		}
		if !b.next.After(now) {
			send(x.packetOut())
			if forever || b.interval < limit {
				b.next = now.Add(min(b.interval, limit))
			} else {
				b.next = time.Time{}
			}
			b.interval = min(limit, 2*b.interval)
			a.pending[x] = b
		}
		next = earlier(next, b.next)
	}
	return next
}
