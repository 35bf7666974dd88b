package scenario

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/test/probe"
)

// send is one UDP datagram in a frame that is made by hand, and the frame that another host must get for it, exactly once:
//
//	send ADDRESS:PORT > ADDRESS:PORT via MAC [ttl N] [tos N] => HOST gets [src ADDRESS:PORT] [dst ADDRESS:PORT] [mac SOURCE] [ttl N] [tos N]
//	send ... => HOST gets nothing
//
// What "gets" does not name may be anything.
type send struct {
	packet datagram
	via    net.HardwareAddr
	host   string
	want   datagram // ttl and tos are -1 for any
	none   bool
}

// datagram is what of a frame can be said and compared.
type datagram struct {
	src, dst netip.AddrPort
	mac      net.HardwareAddr // the frame's source
	ttl, tos int
}

func parseSend(w, e *words) action {
	s := send{packet: datagram{ttl: 64}, want: datagram{ttl: -1, tos: -1}}
	s.packet.src = w.addrPort("source")
	w.expect(">")
	s.packet.dst = w.addrPort("destination")
	w.expect("via")
	s.via = w.mac("next hop")
	for w.more() {
		switch word := w.next("word"); word {
		case "ttl":
			s.packet.ttl = w.number("time to live", 255)
		case "tos":
			s.packet.tos = w.number("type of service", 255)
		default:
			w.fail("send: %q is not understood", word)
		}
	}
	s.host = e.next("host")
	e.expect("gets")
	if s.none = e.accept("nothing"); s.none {
		return s
	}
	if !e.more() {
		e.fail("%s gets what?", s.host)
	}
	for e.more() {
		switch word := e.next("word"); word {
		case "src":
			s.want.src = e.addrPort("source")
		case "dst":
			s.want.dst = e.addrPort("destination")
		case "mac":
			s.want.mac = e.mac("source of the frame")
		case "ttl":
			s.want.ttl = e.number("time to live", 255)
		case "tos":
			s.want.tos = e.number("type of service", 255)
		default:
			e.fail("gets: %q is not understood", word)
		}
	}
	return s
}

func (s send) watchers() []string { return []string{s.host} }

var token atomic.Uint32 // tells the datagrams of one program apart

func (s send) play(from Port, watched []Port) (Outcome, error) {
	// A copy of a frame comes right behind it, or not at all.
	const duplicates = 100 * time.Millisecond
	payload := fmt.Appendf(nil, "sluice scenario %d.%d.", os.Getpid(), token.Add(1))
	mac, err := from.Host.MAC()
	if err != nil {
		return Outcome{}, err
	}
	frame, err := s.packet.frame(mac, s.via, payload)
	if err != nil {
		return Outcome{}, err
	}
	watch, err := watched[0].Host.Watch(payload)
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", s.host, err)
	}
	defer watch.Close() //nolint:errcheck // only read
	wait := watched[0].Timeout
	if s.none {
		wait = silenceTime
	}
	sent := time.Now()
	if err := from.Host.SendFrame(frame); err != nil {
		return Outcome{}, err
	}
	got, err := watch.Await(1, wait)
	took := time.Since(sent)
	switch {
	case err != nil:
		return Outcome{}, fmt.Errorf("%s: %w", s.host, err)
	case s.none && len(got) == 0:
		return Outcome{}, nil
	case s.none:
		return Outcome{}, fmt.Errorf("%s got it: %s", s.host, describePacket(packet(got[0])))
	case len(got) == 0:
		return Outcome{}, fmt.Errorf("%s has not got it within %s", s.host, wait)
	}
	first := packet(got[0])
	if err := s.want.compare(first); err != nil {
		return Outcome{}, fmt.Errorf("%s got %s: %w", s.host, describePacket(first), err)
	}
	if got, err = watch.Await(2, duplicates); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", s.host, err)
	}
	if len(got) > 1 {
		return Outcome{}, fmt.Errorf("%s got it twice: the second is %s", s.host, describePacket(packet(got[1])))
	}
	return Outcome{Latency: took, Detail: describePacket(first)}, nil
}

// frame is the datagram in a frame from an interface.
func (d datagram) frame(from, via net.HardwareAddr, payload []byte) ([]byte, error) {
	eth := &layers.Ethernet{SrcMAC: from, DstMAC: via, EthernetType: layers.EthernetTypeIPv4}
	udp := &layers.UDP{SrcPort: layers.UDPPort(d.src.Port()), DstPort: layers.UDPPort(d.dst.Port())}
	var ip interface {
		gopacket.SerializableLayer
		gopacket.NetworkLayer
	} = &layers.IPv4{
		Version: 4, TTL: uint8(d.ttl), TOS: uint8(d.tos), Protocol: layers.IPProtocolUDP, SrcIP: d.src.Addr().AsSlice(), DstIP: d.dst.Addr().AsSlice(),
	}
	if d.dst.Addr().Is6() {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip = &layers.IPv6{
			Version: 6, HopLimit: uint8(d.ttl), TrafficClass: uint8(d.tos), NextHeader: layers.IPProtocolUDP,
			SrcIP: d.src.Addr().AsSlice(), DstIP: d.dst.Addr().AsSlice(),
		}
	}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		return nil, err
	}
	return probe.Frame(eth, ip, udp, gopacket.Payload(payload))
}

// compare returns in what a frame is not the datagram.
func (d datagram) compare(p gopacket.Packet) error {
	got := dissect(p)
	switch {
	case d.src.IsValid() && got.src != d.src:
		return differs("the source", got.src, d.src)
	case d.dst.IsValid() && got.dst != d.dst:
		return differs("the destination", got.dst, d.dst)
	case d.mac != nil && !bytes.Equal(got.mac, d.mac):
		return differs("the source of the frame", got.mac, d.mac)
	case d.ttl >= 0 && got.ttl != d.ttl:
		return differs("the time to live", got.ttl, d.ttl)
	case d.tos >= 0 && got.tos != d.tos:
		return differs("the type of service", got.tos, d.tos)
	}
	return nil
}

// dissect reads a frame with a UDP datagram.
func dissect(p gopacket.Packet) datagram {
	d := datagram{}
	d.src, d.dst, _ = endpoints(p)
	if eth, ok := p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet); ok {
		d.mac = eth.SrcMAC
	}
	switch ip := p.NetworkLayer().(type) {
	case *layers.IPv4:
		d.ttl, d.tos = int(ip.TTL), int(ip.TOS)
	case *layers.IPv6:
		d.ttl, d.tos = int(ip.HopLimit), int(ip.TrafficClass)
	}
	return d
}

func describePacket(p gopacket.Packet) string {
	d := dissect(p)
	return fmt.Sprintf("src %s dst %s mac %s ttl %d tos %d", d.src, d.dst, d.mac, d.ttl, d.tos)
}
