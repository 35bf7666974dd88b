package ofp

import (
	"encoding/binary"
	"net/netip"
)

const (
	nxtCTFlushZone = 29
	nxtCTFlush     = 32
)

// CTFlushZone removes all connections of a conntrack zone (NXT_CT_FLUSH_ZONE).
type CTFlushZone struct{ Zone uint16 }

// Append implements Message.
func (m CTFlushZone) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginNicira(b, nxtCTFlushZone, xid)
	b = append(b, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, m.Zone)
	return endMessage(b, start, "conntrack zone flush")
}

// CTFlush removes the connections that match from all zones (NXT_CT_FLUSH, Open
// vSwitch 3.1 and later). The zero value of a field matches all.
type CTFlush struct {
	Proto uint8 // of IP; not ICMP, whose connections have no ports
	// Orig and Reply are the tuples of the packets that made the connection and of the
	// answers, as they are on the wire.
	Orig, Reply CTTuple
}

// CTTuple is addresses and ports of one direction. All addresses of a CTFlush are of
// one family.
type CTTuple struct{ Src, Dst netip.AddrPort }

// Types of the properties of NXT_CT_FLUSH, and of those inside a tuple.
const (
	ctOrigTuple  = 0
	ctReplyTuple = 1

	ctTupleSrc     = 0
	ctTupleDst     = 1
	ctTupleSrcPort = 2
	ctTupleDstPort = 3
)

// Append implements Message.
func (m CTFlush) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginNicira(b, nxtCTFlush, xid)
	b = append(b, m.Proto, 0, 0, 0, 0, 0, 0, 0)
	b = m.Orig.append(b, ctOrigTuple)
	b = m.Reply.append(b, ctReplyTuple)
	return endMessage(b, start, "conntrack flush")
}

// append appends the property of a tuple: its header is padded to 8 bytes.
func (t CTTuple) append(b []byte, typ uint16) []byte {
	if t == (CTTuple{}) {
		return b
	}
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	for _, x := range []struct {
		typ  uint16
		addr netip.Addr
	}{{ctTupleSrc, t.Src.Addr()}, {ctTupleDst, t.Dst.Addr()}} {
		if x.addr.IsValid() {
			a := x.addr.As16() // IPv4 is mapped
			b = appendProperty(b, x.typ, a[:])
		}
	}
	for _, x := range []struct{ typ, port uint16 }{{ctTupleSrcPort, t.Src.Port()}, {ctTupleDstPort, t.Dst.Port()}} {
		if x.port != 0 {
			b = appendProperty(b, x.typ, binary.BigEndian.AppendUint16(nil, x.port))
		}
	}
	binary.BigEndian.PutUint16(b[start:], typ)
	binary.BigEndian.PutUint16(b[start+2:], uint16(len(b)-start))
	return b
}

// appendProperty appends a property: type, length without padding, value, padding.
func appendProperty(b []byte, typ uint16, value []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, typ)
	b = binary.BigEndian.AppendUint16(b, uint16(4+len(value)))
	b = append(b, value...)
	return append(b, make([]byte, -(4+len(value))&7)...)
}
