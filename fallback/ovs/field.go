package ovs

import (
	"errors"
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

var fieldOf = [ir.NumFields]ofp.Field{
	ir.Datapath: ofp.Metadata,
	ir.Reg0:     ofp.Reg(0), ir.Reg1: ofp.Reg(1), ir.Reg2: ofp.Reg(2), ir.Reg3: ofp.Reg(3), ir.Reg4: ofp.Reg(4),
	ir.Reg5: ofp.Reg(5), ir.Reg6: ofp.Reg(6), ir.Reg7: ofp.Reg(7), ir.Reg8: ofp.Reg(8), ir.Reg9: ofp.Reg(9),
	ir.Flags: ofp.Reg(10), ir.DNATZone: ofp.Reg(11), ir.SNATZone: ofp.Reg(12), ir.CTZone: ofp.Reg(13),
	ir.Inport: ofp.Reg(14), ir.Outport: ofp.Reg(15),
	ir.XReg0: ofp.XReg(0), ir.XReg1: ofp.XReg(1), ir.XReg2: ofp.XReg(2), ir.XReg3: ofp.XReg(3), ir.XReg4: ofp.XReg(4),
	ir.XXReg0: ofp.XXReg(0), ir.XXReg1: ofp.XXReg(1),
	ir.PktMark: ofp.PktMark, ir.InPort: ofp.InPort,
	ir.TunID: ofp.TunID, ir.TunSrc: ofp.TunSrc, ir.TunDst: ofp.TunDst, ir.TunSrc6: ofp.TunIPv6Src, ir.TunDst6: ofp.TunIPv6Dst,
	ir.CTState: ofp.CTState, ir.CTMark: ofp.CTMark, ir.CTLabel: ofp.CTLabel, ir.CTProto: ofp.CTNWProto,
	ir.CTIP4Src: ofp.CTNWSrc, ir.CTIP4Dst: ofp.CTNWDst, ir.CTIP6Src: ofp.CTIPv6Src, ir.CTIP6Dst: ofp.CTIPv6Dst,
	ir.CTTPSrc: ofp.CTTPSrc, ir.CTTPDst: ofp.CTTPDst,
	ir.EthSrc: ofp.EthSrc, ir.EthDst: ofp.EthDst, ir.EthType: ofp.EthType, ir.VLANTCI: ofp.VLANTCI,
	ir.IPProto: ofp.IPProto, ir.IPDSCP: ofp.IPDSCP, ir.IPECN: ofp.IPECN, ir.IPTTL: ofp.IPTTL, ir.IPFrag: ofp.IPFrag,
	ir.IP4Src: ofp.IPv4Src, ir.IP4Dst: ofp.IPv4Dst, ir.IP6Src: ofp.IPv6Src, ir.IP6Dst: ofp.IPv6Dst, ir.IP6Label: ofp.IPv6Label,
	ir.ARPOp: ofp.ARPOp, ir.ARPSPA: ofp.ARPSPA, ir.ARPTPA: ofp.ARPTPA, ir.ARPSHA: ofp.ARPSHA, ir.ARPTHA: ofp.ARPTHA,
	ir.ICMP4Type: ofp.ICMPv4Type, ir.ICMP4Code: ofp.ICMPv4Code, ir.ICMP6Type: ofp.ICMPv6Type, ir.ICMP6Code: ofp.ICMPv6Code,
	ir.NDTarget: ofp.NDTarget, ir.NDSLL: ofp.NDSLL, ir.NDTLL: ofp.NDTLL,
	ir.TCPSrc: ofp.TCPSrc, ir.TCPDst: ofp.TCPDst, ir.TCPFlags: ofp.TCPFlags,
	ir.UDPSrc: ofp.UDPSrc, ir.UDPDst: ofp.UDPDst, ir.SCTPSrc: ofp.SCTPSrc, ir.SCTPDst: ofp.SCTPDst,
}

// errNoTunOpt: the switch has no room for Geneve's option.
var errNoTunOpt = errors.New("the switch has no tunnel metadata field for Geneve option class 0x102 type 0x80: " +
	"its TLV table is full or refused the mapping (see \"ovs-ofctl dump-tlv-map br-int\")")

func value(v ir.Value) ofp.Value { return ofp.Value{Hi: v.Hi, Lo: v.Lo} }

// field is the OpenFlow field of f in matches.
func (l *lowerer) field(f ir.Field) (ofp.Field, error) {
	if f == ir.TunOpt {
		if l.tunOpt == ofp.FieldNone {
			return ofp.FieldNone, errNoTunOpt
		}
		return l.tunOpt, nil
	}
	if f >= ir.NumFields || fieldOf[f] == ofp.FieldNone {
		return ofp.FieldNone, fmt.Errorf("field %s cannot be matched in OpenFlow", f)
	}
	return fieldOf[f], nil
}

// sub is s as actions see it: in_port has its 16-bit form there.
func (l *lowerer) sub(s ir.Sub) (ofp.Sub, error) {
	if s.Field == ir.InPort {
		s.N = min(s.N, 16-s.Ofs)
		return ofp.Bits(ofp.InPortNXM, int(s.Ofs), int(s.N)), nil
	}
	f, err := l.field(s.Field)
	return ofp.Bits(f, int(s.Ofs), int(s.N)), err
}

// irField is the inverse of field.
func irField(f ofp.Field) (ir.Field, bool) {
	for i, x := range fieldOf {
		if x == f && x != ofp.FieldNone {
			return ir.Field(i), true
		}
	}
	return ir.FieldNone, false
}
