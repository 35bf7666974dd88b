package punt

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

func TestICMPErrors(t *testing.T) {
	long := bytes.Repeat([]byte{'x'}, 2000)
	udp4 := packet(t, vm4, peer4, layers.IPProtocolUDP, &layers.UDP{SrcPort: 1, DstPort: 2}, gopacket.Payload(long))
	tcp4 := packet(t, vm4, peer4, layers.IPProtocolTCP, &layers.TCP{SrcPort: 1, DstPort: 2})
	udp6 := packet(t, vm6, peer6, layers.IPProtocolUDP, &layers.UDP{SrcPort: 1, DstPort: 2}, gopacket.Payload(long))
	gre6 := packet(t, vm6, peer6, layers.IPProtocolGRE, gopacket.Payload("gre"))
	mtu := action.ICMPArgs{MTU: 1400}.Encode()
	for _, tt := range []struct {
		name      string
		op        ir.Opcode
		in        []byte
		args      []byte
		typ, code uint8
		rest      uint32
		back      bool
		length    int // of the frame
	}{
		{"icmp4 for udp", ir.OpICMP, udp4, nil, 3, 3, 0, false, 576},
		{"icmp4 for tcp", ir.OpICMP, tcp4, nil, 3, 1, 0, false, 14 + 20 + 8 + 40},
		{"icmp4_error", ir.OpICMP4Error, udp4, nil, 3, 1, 0, false, 576},
		{"icmp4_error with mtu", ir.OpICMP4Error, udp4, mtu, 3, 4, 1400, false, 576},
		{"icmp6 for udp", ir.OpICMP, udp6, nil, 1, 4, 0, false, 1280},
		{"icmp6_error with mtu", ir.OpICMP6Error, udp6, mtu, 2, 0, 1400, false, 1280},
		{"reject udp", ir.OpReject, udp4, nil, 3, 3, 0, true, 576},
		{"reject udp6", ir.OpReject, udp6, nil, 1, 4, 0, true, 1280},
		{"reject gre6", ir.OpReject, gre6, nil, 1, 1, 0, true, 14 + 40 + 8 + 43},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := sentBack(t, Respond(punted(tt.op, tt.in, tt.args...)))
			decode(t, out)
			f, err := wire.ParseFrame(out)
			if err != nil {
				t.Fatal(err)
			}
			m, err := wire.ParseICMP(f.Transport)
			if err != nil || m.Type() != tt.typ || m.Code() != tt.code || m.Rest() != tt.rest || f.TTL != 255 {
				t.Errorf("type %d code %d rest %d ttl %d, %v", m.Type(), m.Code(), m.Rest(), f.TTL, err)
			}
			if !bytes.HasPrefix(tt.in[14:], m.Payload()) || len(out) != tt.length {
				t.Errorf("quotes %d bytes in a frame of %d, want one of %d", len(m.Payload()), len(out), tt.length)
			}
			in, _ := wire.ParseFrame(tt.in)
			if back := f.Src == in.Dst && f.Dst == in.Src && f.Ethernet.Src() == rtMAC; back != tt.back {
				t.Errorf("goes from %s to %s, back %v", f.Src, f.Dst, back)
			}
		})
	}
}

func TestICMPErrorChangesQuotedSource(t *testing.T) {
	in := udpPacket(t, 0)
	before := bytes.Clone(in)
	out := sentBack(t, Respond(punted(ir.OpICMP4Error, in, action.ICMPArgs{MTU: 1400, InnerSrc: hop4}.Encode()...)))
	q := decode(t, out).Layer(layers.LayerTypeICMPv4).LayerPayload()
	if quoted, err := wire.ParseIPv4(q); err != nil || quoted.Src() != hop4 || wire.Checksum(quoted[:20]) != 0 {
		t.Errorf("quotes % x, %v", q, err)
	}
	if !bytes.Equal(in, before) {
		t.Error("the packet-in was written to")
	}
}

func TestInnerSourceOfErrorInTransit(t *testing.T) {
	quoted := udpPacket(t, 0)[14:]
	in := packet(t, peer4, vm4, layers.IPProtocolICMPv4, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 3)}, gopacket.Payload(quoted))
	for _, tt := range []struct {
		name string
		in   []byte
		ok   bool
	}{
		{"unreachable", in, true},
		{"echo", packet(t, peer4, vm4, layers.IPProtocolICMPv4, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)}, gopacket.Payload(quoted)), false},
		{"cut", packet(t, peer4, vm4, layers.IPProtocolICMPv4, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 3)}, gopacket.Payload(quoted[:19])), false},
		{"udp", udpPacket(t, 0), false},
	} {
		p := paused(ir.OpPutICMP4InnerSrc, tt.in, action.InnerSrcArgs{Src: hop4}.Encode()...)
		v := only[Resume](t, Respond(p))
		if !tt.ok {
			if !bytes.Equal(v.Packet, tt.in) {
				t.Errorf("%s: packet was changed", tt.name)
			}
			continue
		}
		q := decode(t, v.Packet).Layer(layers.LayerTypeICMPv4).LayerPayload()
		if ip := wire.IPv4(q); ip.Src() != hop4 || wire.Checksum(ip[:20]) != 0 {
			t.Errorf("quotes % x", q)
		}
	}
}

func TestTCPReset(t *testing.T) {
	for _, tt := range []struct {
		op       ir.Opcode
		src, dst netip.Addr
		back     bool
	}{{ir.OpTCPReset, vm4, peer4, false}, {ir.OpReject, vm4, peer4, true}, {ir.OpTCPReset, vm6, peer6, false}, {ir.OpReject, vm6, peer6, true}} {
		in := packet(t, tt.src, tt.dst, layers.IPProtocolTCP, &layers.TCP{SrcPort: 1000, DstPort: 80, Seq: 0xffffffff, SYN: true})
		d := decode(t, sentBack(t, Respond(punted(tt.op, in))))
		h := d.Layer(layers.LayerTypeTCP).(*layers.TCP)
		if h.SrcPort != 80 || h.DstPort != 1000 || h.Seq != 0 || h.Ack != 0 || !h.RST || !h.ACK || h.SYN {
			t.Errorf("resets with %v", d)
		}
		src, _ := netip.AddrFromSlice(d.NetworkLayer().NetworkFlow().Src().Raw())
		if back := src == tt.dst; back != tt.back {
			t.Errorf("%s: comes from %s", tt.op, src)
		}
	}
}

func sctp(t *testing.T, chunk gopacket.SerializableLayer, tag uint32) []byte {
	return packet(t, vm4, peer4, layers.IPProtocolSCTP, &layers.SCTP{SrcPort: 1000, DstPort: 80, VerificationTag: tag}, chunk)
}

func TestSCTPAbort(t *testing.T) {
	init := &layers.SCTPInit{SCTPChunk: layers.SCTPChunk{Type: 1}, InitiateTag: 42, AdvertisedReceiverWindowCredit: 1500, OutboundStreams: 1, InboundStreams: 1}
	d := decode(t, sentBack(t, Respond(punted(ir.OpReject, sctp(t, init, 0)))))
	h := d.Layer(layers.LayerTypeSCTP).(*layers.SCTP)
	raw := d.NetworkLayer().LayerPayload()
	if h.SrcPort != 80 || h.DstPort != 1000 || h.VerificationTag != 42 || wire.SCTP(raw).Checksum() != wire.SCTPChecksum(raw) {
		t.Errorf("aborts with %v", d)
	}
	abort := &layers.SCTPError{SCTPChunk: layers.SCTPChunk{Type: layers.SCTPChunkTypeAbort}}
	if dr := only[Drop](t, Respond(punted(ir.OpSCTPAbort, sctp(t, abort, 7)))); dr.Reason != ReasonNoReply {
		t.Errorf("an ABORT: %+v", dr)
	}
}

func TestRefusalsAreNotRefused(t *testing.T) {
	quote := gopacket.Payload(udpPacket(t, 0)[14:])
	for name, in := range map[string][]byte{
		"RST": packet(t, vm4, peer4, layers.IPProtocolTCP, &layers.TCP{SrcPort: 1, DstPort: 2, RST: true}),
		"icmp unreachable": packet(t, vm4, peer4, layers.IPProtocolICMPv4,
			&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 1)}, quote),
		"icmp6 unreachable": packet(t, vm6, peer6, layers.IPProtocolICMPv6,
			&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(1, 1)}, gopacket.Payload("12345678")),
	} {
		effects := Respond(punted(ir.OpReject, in))
		none[Send](t, effects)
		if d := only[Drop](t, effects); d.Reason != ReasonNoReply {
			t.Errorf("%s: %+v", name, d)
		}
	}
	echo := packet(t, vm4, peer4, layers.IPProtocolICMPv4, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)})
	only[Send](t, Respond(punted(ir.OpReject, echo)))
}
