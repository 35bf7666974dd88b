package wire

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// Forever is the lifetime that never ends, in seconds.
const Forever = 0xffffffff

// AppendLinkAddr appends a source or target link-layer address option.
func AppendLinkAddr(b []byte, option uint8, mac MAC) []byte {
	return append(append(b, option, 1), mac[:]...)
}

// LinkAddr is the address in such an option; ok is false when the option does not hold one.
func LinkAddr(option []byte) (mac MAC, ok bool) {
	if len(option) != 8 {
		return MAC{}, false
	}
	return MAC(option[2:8]), true
}

// AppendNDMTU appends an MTU option.
func AppendNDMTU(b []byte, mtu uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, NDMTU, 1, 0, 0), mtu)
}

// AppendNDPrefix appends a prefix information option with endless lifetimes. The
// address is sent with its host bits.
func AppendNDPrefix(b []byte, p netip.Prefix, flags uint8) []byte {
	b = append(b, NDPrefix, 4, uint8(p.Bits()), flags)
	b = binary.BigEndian.AppendUint32(b, Forever)
	b = binary.BigEndian.AppendUint32(b, Forever)
	return appendIPv6Addr(append(b, 0, 0, 0, 0), p.Addr())
}

// AppendRDNSS appends a recursive DNS server option (RFC 8106, 5.1).
func AppendRDNSS(b []byte, lifetime uint32, servers ...netip.Addr) []byte {
	b = append(b, NDRDNSS, uint8(1+2*len(servers)), 0, 0)
	b = binary.BigEndian.AppendUint32(b, lifetime)
	for _, s := range servers {
		b = appendIPv6Addr(b, s)
	}
	return b
}

// AppendDNSSL appends a DNS search list option (RFC 8106, 5.2). It is an error when a
// name is malformed or the list is longer than the option can be; b is then returned as it was.
func AppendDNSSL(b []byte, lifetime uint32, names ...string) ([]byte, error) {
	opt := binary.BigEndian.AppendUint32([]byte{NDDNSSL, 0, 0, 0}, lifetime)
	for _, n := range names {
		var err error
		if opt, err = AppendName(opt, n); err != nil {
			return b, err
		}
	}
	for len(opt)%8 != 0 {
		opt = append(opt, 0)
	}
	if len(opt) > 255*8 {
		return b, malformed("DNSSL option", "search list takes %d bytes, at most %d fit", len(opt), 255*8)
	}
	opt[1] = uint8(len(opt) / 8)
	return append(b, opt...), nil
}

// AppendRouteInfo appends a route information option (RFC 4191, 2.3). Preference is
// RAPreferenceHigh, RAPreferenceLow or 0.
func AppendRouteInfo(b []byte, p netip.Prefix, preference uint8, lifetime uint32) []byte {
	words := (p.Bits() + 63) / 64
	b = append(b, NDRouteInfo, uint8(1+words), uint8(p.Bits()), preference)
	b = binary.BigEndian.AppendUint32(b, lifetime)
	a := p.Masked().Addr().As16()
	return append(b, a[:8*words]...)
}

// AppendName appends a domain name as labels without compression (RFC 1035, 3.1).
func AppendName(b []byte, name string) ([]byte, error) {
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > 253 {
		return b, malformed("domain name", "%q has %d characters, want 1 to 253", name, len(name))
	}
	out := b
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return b, malformed("domain name", "%q has a label of %d characters, want 1 to 63", name, len(label))
		}
		out = append(append(out, uint8(len(label))), label...)
	}
	return append(out, 0), nil
}
