package irtest

import (
	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Packet generates packets with consistent headers of every kind that fields
// describe, and random registers.
func Packet() *rapid.Generator[*ir.Packet] {
	return rapid.Custom(func(t *rapid.T) *ir.Packet {
		p, err := ir.NewPacket(headers(t)...)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 4).Draw(t, "registers") {
			f := rapid.SampledFrom([]ir.Field{ir.Reg0, ir.Reg9, ir.Inport, ir.Outport, ir.Flags, ir.PktMark, ir.InPort, ir.TunID}).Draw(t, "register")
			p.Put(f, Value(f.Width()).Draw(t, "value"))
		}
		return p
	})
}

// headers draws terms for the fields from the Ethernet header on.
func headers(t *rapid.T) []ir.Term {
	var terms []ir.Term
	exact := func(f ir.Field, v uint64) { terms = append(terms, ir.Exact(f, v)) }
	random := func(fs ...ir.Field) {
		for _, f := range fs {
			terms = append(terms, ir.Term{Field: f, Value: Value(f.Width()).Draw(t, f.String()), Mask: ir.Ones(f.Width())})
		}
	}
	random(ir.EthSrc, ir.EthDst)
	if rapid.Bool().Draw(t, "tagged") {
		exact(ir.VLANTCI, 1<<12|rapid.Uint64Range(0, 4095).Draw(t, "vid")|rapid.Uint64Range(0, 7).Draw(t, "pcp")<<13)
	}
	v6 := false
	switch rapid.SampledFrom([]string{"v4", "v6", "arp", "rarp", "other"}).Draw(t, "kind") {
	case "v4":
		exact(ir.EthType, 0x800)
		random(ir.IP4Src, ir.IP4Dst)
	case "v6":
		v6 = true
		exact(ir.EthType, 0x86dd)
		random(ir.IP6Src, ir.IP6Dst, ir.IP6Label)
	case "arp", "rarp":
		exact(ir.EthType, rapid.SampledFrom([]uint64{0x806, 0x8035}).Draw(t, "arp type"))
		random(ir.ARPOp, ir.ARPSPA, ir.ARPTPA, ir.ARPSHA, ir.ARPTHA)
		return terms
	default:
		exact(ir.EthType, 0x88cc)
		return terms
	}
	random(ir.IPDSCP, ir.IPECN, ir.IPTTL)
	proto := rapid.SampledFrom([]string{"tcp", "udp", "sctp", "icmp", "nd", "other"}).Draw(t, "proto")
	if frag := rapid.SampledFrom([]uint64{0, 0, 0, 1, 3}).Draw(t, "frag"); frag != 0 {
		exact(ir.IPFrag, frag)
		if frag == 3 {
			if v6 {
				exact(ir.IPProto, 44)
			} else {
				exact(ir.IPProto, 17)
			}
			return terms
		}
	}
	switch {
	case proto == "tcp":
		exact(ir.IPProto, 6)
		random(ir.TCPSrc, ir.TCPDst, ir.TCPFlags)
	case proto == "udp":
		exact(ir.IPProto, 17)
		random(ir.UDPSrc, ir.UDPDst)
	case proto == "sctp":
		exact(ir.IPProto, 132)
		random(ir.SCTPSrc, ir.SCTPDst)
	case proto == "nd" && v6:
		exact(ir.IPProto, 58)
		lla, typ := ir.NDSLL, uint64(135)
		if rapid.Bool().Draw(t, "advertisement") {
			lla, typ = ir.NDTLL, 136
		}
		exact(ir.ICMP6Type, typ)
		random(ir.NDTarget, lla)
	case proto == "icmp" && v6:
		exact(ir.IPProto, 58)
		exact(ir.ICMP6Type, rapid.SampledFrom([]uint64{1, 128, 129}).Draw(t, "type"))
		random(ir.ICMP6Code)
	case proto == "icmp":
		exact(ir.IPProto, 1)
		random(ir.ICMP4Type, ir.ICMP4Code)
	default:
		exact(ir.IPProto, 112)
	}
	return terms
}
