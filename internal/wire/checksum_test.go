package wire

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// plain is RFC 1071 word by word.
func plain(b []byte) uint16 {
	var s uint32
	for i := 0; i < len(b); i += 2 {
		w := uint32(b[i]) << 8
		if i+1 < len(b) {
			w |= uint32(b[i+1])
		}
		s += w
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}

func TestChecksumAgreesWithWordByWord(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
			if n%3 == 0 {
				b[i] = 0xff
			}
		}
		if got, want := Checksum(b), plain(b); got != want {
			t.Fatalf("%d bytes: %04x, want %04x", n, got, want)
		}
		split := n / 2 &^ 1
		if got, want := Sum(0).Add(b[:split]).Add(b[split:]).Finish(), plain(b); got != want {
			t.Fatalf("%d bytes in two pieces: %04x, want %04x", n, got, want)
		}
	}
}

func TestUpdateChecksum(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		b := make([]byte, 20)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		before := Checksum(b)
		old, new := binary.BigEndian.Uint32(b[8:]), r.Uint32()
		binary.BigEndian.PutUint32(b[8:], new)
		if got, want := UpdateChecksum32(before, old, new), Checksum(b); got != want {
			t.Fatalf("%08x to %08x: %04x, want %04x", old, new, got, want)
		}
	}
}

func TestTransportChecksumOfReceived(t *testing.T) {
	for _, p := range [][]byte{
		craft(t, eth(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolUDP), &layers.UDP{SrcPort: 5, DstPort: 6}, gopacket.Payload("odd")),
		craft(t, eth(layers.EthernetTypeIPv6), ipv6(layers.IPProtocolTCP), &layers.TCP{SrcPort: 5, DstPort: 6, SYN: true}, gopacket.Payload("odd")),
		craft(t, eth(layers.EthernetTypeIPv6), ipv6(layers.IPProtocolICMPv6), &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(128, 0)}, gopacket.Payload{0, 1, 0, 2, 9}),
	} {
		f, err := ParseFrame(p)
		if err != nil {
			t.Fatal(err)
		}
		if c := TransportChecksum(f.Src, f.Dst, f.Proto, f.Transport); c != 0 {
			t.Errorf("protocol %d: checksum over a right packet is %04x", f.Proto, c)
		}
		if f.EtherType == TypeIPv4 && Checksum(f.Network[:IPv4Len]) != 0 {
			t.Error("header checksum is not verified")
		}
	}
}
