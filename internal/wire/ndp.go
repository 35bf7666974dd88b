package wire

import (
	"encoding/binary"
	"iter"
	"net/netip"
)

// Neighbor discovery options (RFC 4861, RFC 4191, RFC 8106).
const (
	NDSourceLinkAddr = 1
	NDTargetLinkAddr = 2
	NDPrefix         = 3
	NDMTU            = 5
	NDRouteInfo      = 24
	NDRDNSS          = 25
	NDDNSSL          = 31
)

// Flags of a neighbor advertisement.
const (
	NARouter    = 1 << 31
	NASolicited = 1 << 30
	NAOverride  = 1 << 29
)

// Flags of a router advertisement, and of its prefix option.
const (
	RAManaged        = 0x80
	RAOther          = 0x40
	RAPreferenceHigh = 0x08
	RAPreferenceLow  = 0x18
	PrefixOnLink     = 0x80
	PrefixAutonomous = 0x40
)

const (
	neighLen = 24 // neighbor solicitation and advertisement without options
	raLen    = 16 // router advertisement without options
	rsLen    = 8  // router solicitation without options
)

// Neigh is a neighbor solicitation or advertisement.
type Neigh []byte

// ParseNeigh checks the type and length of such a message, code 0.
func ParseNeigh(b []byte) (Neigh, error) {
	if len(b) < neighLen {
		return nil, short("neighbor discovery", len(b), neighLen)
	}
	if t := b[0]; t != ICMP6NeighSolicit && t != ICMP6NeighAdvert || b[1] != 0 {
		return nil, malformed("neighbor discovery", "ICMPv6 type %d code %d is neither solicitation nor advertisement", t, b[1])
	}
	return b, nil
}

// Target is the address that is asked for or advertised.
func (n Neigh) Target() netip.Addr { return netip.AddrFrom16([16]byte(n[8:24])) }

// Flags are the flags of an advertisement.
func (n Neigh) Flags() uint32 { return binary.BigEndian.Uint32(n[4:]) }

// Options yields the options: type and the whole option. It stops before one whose
// length is wrong.
func (n Neigh) Options() iter.Seq2[uint8, []byte] { return ndOptions(n[neighLen:]) }

// RouterAdvert is a router advertisement.
type RouterAdvert []byte

// ParseRouterAdvert checks the type and length of such a message.
func ParseRouterAdvert(b []byte) (RouterAdvert, error) {
	if len(b) < raLen {
		return nil, short("router advertisement", len(b), raLen)
	}
	if b[0] != ICMP6RouterAdvert || b[1] != 0 {
		return nil, malformed("router advertisement", "ICMPv6 type %d code %d is something else", b[0], b[1])
	}
	return b, nil
}

// HopLimit is the hop limit that hosts shall use.
func (r RouterAdvert) HopLimit() uint8 { return r[4] }

// Flags are the RA flags.
func (r RouterAdvert) Flags() uint8 { return r[5] }

// Lifetime is the lifetime as default router in seconds.
func (r RouterAdvert) Lifetime() uint16 { return binary.BigEndian.Uint16(r[6:]) }

// Options yields the options as Neigh.Options does.
func (r RouterAdvert) Options() iter.Seq2[uint8, []byte] { return ndOptions(r[raLen:]) }

func ndOptions(b []byte) iter.Seq2[uint8, []byte] {
	return func(yield func(uint8, []byte) bool) {
		for len(b) >= 8 {
			n := int(b[1]) * 8
			if n == 0 || n > len(b) || !yield(b[0], b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}

// IsRouterSolicit tells whether b is a router solicitation.
func IsRouterSolicit(b []byte) bool {
	return len(b) >= rsLen && b[0] == ICMP6RouterSolicit && b[1] == 0
}

// AppendNeigh appends an IPv6 packet with a neighbor solicitation or advertisement
// and one link-layer address option.
func AppendNeigh(b []byte, src, dst netip.Addr, typ uint8, flags uint32, target netip.Addr, option uint8, mac MAC) []byte {
	b = AppendIPv6(b, src, dst, ProtoICMPv6, 255, neighLen+8)
	body := appendIPv6Addr(nil, target)
	body = AppendLinkAddr(body, option, mac)
	return AppendICMP6(b, src, dst, typ, 0, flags, body)
}

// AppendRouterAdvert appends the fixed part of a router advertisement without a
// checksum; options follow, then SealICMP6. Lifetime is in seconds.
func AppendRouterAdvert(b []byte, hopLimit, flags uint8, lifetime uint16) []byte {
	b = append(b, ICMP6RouterAdvert, 0, 0, 0, hopLimit, flags)
	b = binary.BigEndian.AppendUint16(b, lifetime)
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0) // reachable and retransmission time: unspecified
}
