package ir_test

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

func TestSetPayload(t *testing.T) {
	data := []byte("what users say")
	v4, v6 := ir.Exact(ir.EthType, 0x800), ir.Exact(ir.EthType, 0x86dd)
	proto := func(n uint64) ir.Term { return ir.Exact(ir.IPProto, n) }
	for name, c := range map[string]struct {
		terms   []ir.Term
		carries bool
	}{
		"udp":        {[]ir.Term{v4, proto(17), ir.Exact(ir.UDPDst, 40001)}, true},
		"udp6":       {[]ir.Term{v6, proto(17)}, true},
		"tcp":        {[]ir.Term{v4, proto(6), ir.Exact(ir.TCPFlags, 0x10)}, true},
		"tcp syn":    {[]ir.Term{v4, proto(6), ir.Exact(ir.TCPFlags, 2)}, false},
		"echo":       {[]ir.Term{v4, proto(1), ir.Exact(ir.ICMP4Type, 8)}, true},
		"icmp error": {[]ir.Term{v4, proto(1), ir.Exact(ir.ICMP4Type, 3)}, false},
		"echo6":      {[]ir.Term{v6, proto(58), ir.Exact(ir.ICMP6Type, 128)}, true},
		"nd":         {[]ir.Term{v6, proto(58), ir.Exact(ir.ICMP6Type, 135)}, false},
		"sctp":       {[]ir.Term{v4, proto(132)}, false},
		"arp":        {[]ir.Term{ir.Exact(ir.EthType, 0x806)}, false},
	} {
		p, err := ir.NewPacket(c.terms...)
		if err != nil {
			t.Fatal(err)
		}
		p.Len = 0
		short := len(p.Frame())
		if got := p.SetPayload(data); got != c.carries {
			t.Errorf("%s: SetPayload %v, want %v", name, got, c.carries)
		}
		b := p.Frame()
		if !c.carries {
			if len(b) != short {
				t.Errorf("%s: grew from %d to %d bytes", name, short, len(b))
			}
			continue
		}
		parsed := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
		if e := parsed.ErrorLayer(); e != nil {
			t.Errorf("%s: %v", name, e.Error())
		}
		if !bytes.HasSuffix(b, data) || len(b) != short+len(data) {
			t.Errorf("%s: frame % x does not end with the payload", name, b)
		}
		for _, l := range parsed.Layers() {
			if l, ok := l.(interface {
				SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
			}); ok {
				if err := l.SetNetworkLayerForChecksum(parsed.NetworkLayer()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err, bad := parsed.VerifyChecksums(); err != nil || len(bad) > 0 {
			t.Errorf("%s: checksums: %v %v", name, err, bad)
		}
		q, err := ir.ParseFrame(b)
		if err != nil || q.SetPayload(data) {
			t.Errorf("%s: a packet off the wire took a payload (%v)", name, err)
		}
	}
}
