package scenario

import (
	"fmt"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/test/probe"
)

// spread is a number of datagrams with different source ports, all answered, of which each of several hosts gets some.
type spread struct {
	to    netip.AddrPort
	flows int
	hosts []string
}

func parseSpread(to netip.AddrPort, w, e *words) action {
	s := spread{to: to}
	w.expect("flows")
	s.flows = w.number("flows", 1000)
	e.expect("spread")
	e.expect("over")
	for e.more() {
		s.hosts = append(s.hosts, e.next("host"))
	}
	if len(s.hosts) < 2 {
		e.fail("packets are spread over two hosts or more")
	}
	return s
}

func (s spread) watchers() []string { return s.hosts }

func (s spread) play(from Port, watched []Port) (Outcome, error) {
	var wires []*probe.Wire
	defer func() {
		for _, w := range wires {
			_ = w.Close() // nothing was sent
		}
	}()
	for _, p := range watched {
		w, err := probe.OpenWire(p.Netns, p.Interface)
		if err != nil {
			return Outcome{}, err
		}
		wires = append(wires, w)
	}
	for i := range s.flows {
		if _, err := probe.AskUDP(from.Netns, s.to, from.Timeout); err != nil {
			return Outcome{}, fmt.Errorf("flow %d of %d: %w", i+1, s.flows, err)
		}
	}
	for i, w := range wires {
		_, err := w.Await(silenceTime, "datagram to "+s.to.String(), func(p gopacket.Packet) bool {
			_, dst, ok := endpoints(p)
			return ok && dst == s.to
		})
		if err != nil {
			return Outcome{}, fmt.Errorf("%s got none of %d flows: %w", s.hosts[i], s.flows, err)
		}
	}
	return Outcome{}, nil
}

// endpoints are the source and destination of a UDP datagram.
func endpoints(p gopacket.Packet) (src, dst netip.AddrPort, ok bool) {
	udp, isUDP := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	network := p.NetworkLayer()
	if !isUDP || network == nil {
		return src, dst, false
	}
	flow := network.NetworkFlow()
	from, ok1 := netip.AddrFromSlice(flow.Src().Raw())
	to, ok2 := netip.AddrFromSlice(flow.Dst().Raw())
	return netip.AddrPortFrom(from, uint16(udp.SrcPort)), netip.AddrPortFrom(to, uint16(udp.DstPort)), ok1 && ok2
}
