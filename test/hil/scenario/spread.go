package scenario

import (
	"fmt"
	"net/netip"
	"strings"

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
	watches := make([]probe.RunningWatch, len(watched))
	defer func() {
		for _, w := range watches {
			if w != nil {
				_, _ = w.Close() // after another error
			}
		}
	}()
	for i, p := range watched {
		w, err := p.Host.Watch([]byte(probe.Question))
		if err != nil {
			return Outcome{}, fmt.Errorf("%s: %w", s.hosts[i], err)
		}
		watches[i] = w
	}
	for i := range s.flows {
		if _, err := from.Host.AskUDP(s.to, from.Timeout); err != nil {
			return Outcome{}, fmt.Errorf("flow %d of %d: %w", i+1, s.flows, err)
		}
	}
	got := make([]string, len(watches))
	for i, w := range watches {
		watches[i] = nil
		frames, err := w.Close() // all have been answered, so all have come
		if err != nil {
			return Outcome{}, fmt.Errorf("%s: %w", s.hosts[i], err)
		}
		n := 0
		for _, frame := range frames {
			if _, dst, ok := endpoints(packet(frame)); ok && dst == s.to {
				n++
			}
		}
		if n == 0 {
			return Outcome{}, fmt.Errorf("%s got none of %d flows", s.hosts[i], s.flows)
		}
		got[i] = fmt.Sprintf("%s got %d", s.hosts[i], n)
	}
	return Outcome{Detail: strings.Join(got, ", ")}, nil
}

// packet understands a frame.
func packet(frame []byte) gopacket.Packet {
	return gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.NoCopy)
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
