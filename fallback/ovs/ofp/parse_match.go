package ofp

import (
	"fmt"
	"strings"
)

// protocolWords are the shorthands for an Ethernet type and an IP protocol
// (ovs-fields(7)); proto 0 is none.
var protocolWords = map[string]struct{ ethType, proto uint64 }{
	"ip": {ethIP, 0}, "icmp": {ethIP, protoICMP}, "tcp": {ethIP, protoTCP}, "udp": {ethIP, protoUDP}, "sctp": {ethIP, protoSCTP},
	"ipv6": {ethIPv6, 0}, "ip6": {ethIPv6, 0}, "icmp6": {ethIPv6, protoICMPv6}, "tcp6": {ethIPv6, protoTCP},
	"udp6": {ethIPv6, protoUDP}, "sctp6": {ethIPv6, protoSCTP},
	"arp": {ethARP, 0}, "rarp": {ethRARP, 0}, "mpls": {ethMPLS, 0}, "mplsm": {ethMPLSMcast, 0},
}

// matchParser collects the terms of a match. Names that depend on the protocol
// (tp_src, icmp_type, nw_src in ARP) are resolved at the end.
type matchParser struct {
	terms          []Term
	ethType, proto uint64
}

// ParseMatch reads a match as ovs-ofctl writes it. The result is canonical.
func ParseMatch(s string) (Match, error) {
	var p matchParser
	for item, err := range pairs(s) {
		var ok bool
		if err == nil {
			ok, err = p.item(item)
		}
		if err == nil && !ok {
			err = fmt.Errorf("%q is no field", item.key)
		}
		if err != nil {
			return nil, fmt.Errorf("ofp: match: %w", err)
		}
	}
	return p.match()
}

// item reads one item; ok is false when its key is no field.
func (p *matchParser) item(i pair) (ok bool, err error) {
	if w, ok := protocolWords[i.key]; ok {
		p.set(EthType, w.ethType)
		if w.proto != 0 {
			p.set(IPProto, w.proto)
		}
		return true, nil
	}
	switch i.key {
	case "eth":
		return true, nil
	case "in_port":
		return true, p.field(InPort, i)
	case "dl_vlan":
		return true, p.vlanID(i.value)
	case "dl_vlan_pcp":
		n, err := parseUint(i.value, 3)
		p.terms = append(p.terms, Term{VLANTCI, V(0x1000 | n<<13), V(0xf000)})
		return true, err
	}
	if strings.Contains(i.key, "[") {
		sub, err := parseSub(i.key)
		if err != nil {
			return true, err
		}
		v, err := parseNumber(i.value)
		if err == nil && v.Len() > int(sub.N) {
			err = fmt.Errorf("%s: %s does not fit", i.key, i.value)
		}
		p.terms = append(p.terms, Term{sub.Field, v.Shl(int(sub.Ofs)), Ones(int(sub.N)).Shl(int(sub.Ofs))})
		return true, err
	}
	f, ok := FieldByName(i.key)
	if !ok {
		return false, nil
	}
	return true, p.field(f, i)
}

func (p *matchParser) field(f Field, i pair) error {
	if i.value == "" && f.isTunMetadata() {
		p.terms = append(p.terms, Term{Field: tunMetadataFor(f, Value{})})
		return nil
	}
	v, mask, err := parseFieldValue(f, i.value)
	if err != nil {
		return fmt.Errorf("%s: %w", i.key, err)
	}
	if f.isTunMetadata() {
		whole := mask == f.full()
		f = tunMetadataFor(f, v.Or(maskUnless(whole, mask)))
		if whole {
			mask = f.full()
		}
	}
	p.terms = append(p.terms, Term{f, v, mask})
	switch f {
	case EthType:
		p.ethType = v.Lo
	case IPProto:
		p.proto = v.Lo
	}
	return nil
}

func maskUnless(whole bool, mask Value) Value {
	if whole {
		return Value{}
	}
	return mask
}

func (p *matchParser) set(f Field, v uint64) {
	p.terms = append(p.terms, Term{f, V(v), f.full()})
	switch f {
	case EthType:
		p.ethType = v
	case IPProto:
		p.proto = v
	}
}

// vlanID reads dl_vlan: 0xffff means that there is no VLAN header.
func (p *matchParser) vlanID(s string) error {
	n, err := parseUint(s, 16)
	switch {
	case err != nil:
		return fmt.Errorf("dl_vlan: %w", err)
	case n == 0xffff:
		p.terms = append(p.terms, Term{VLANVID, Value{}, VLANVID.full()})
	case n > 0xfff:
		return fmt.Errorf("dl_vlan: %d: the highest is 4095", n)
	default:
		p.set(VLANVID, 0x1000|n)
	}
	return nil
}

// synonyms are fields whose older names mean another field with another protocol.
func (p *matchParser) synonym(f Field) Field {
	type with struct {
		f       Field
		ethType uint64
		proto   uint64
	}
	switch (with{f, p.ethType, p.proto}) {
	case with{ICMPv4Type, ethIPv6, protoICMPv6}:
		return ICMPv6Type
	case with{ICMPv4Code, ethIPv6, protoICMPv6}:
		return ICMPv6Code
	}
	switch (with{f, 0, p.proto}) {
	case with{TCPSrc, 0, protoUDP}:
		return UDPSrc
	case with{TCPSrc, 0, protoSCTP}:
		return SCTPSrc
	case with{TCPDst, 0, protoUDP}:
		return UDPDst
	case with{TCPDst, 0, protoSCTP}:
		return SCTPDst
	}
	if p.ethType == ethARP || p.ethType == ethRARP {
		switch f {
		case IPv4Src:
			return ARPSPA
		case IPv4Dst:
			return ARPTPA
		case IPProto:
			return ARPOp
		}
	}
	return f
}

func (p *matchParser) match() (Match, error) {
	var b MatchBuilder
	for _, t := range p.terms {
		f := p.synonym(t.Field)
		if f != t.Field && t.Mask == t.Field.full() {
			t.Mask = f.full()
		}
		b.SetMasked(f, t.Value, t.Mask)
	}
	return b.Append(nil)
}
