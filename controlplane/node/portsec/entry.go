package portsec

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/internal/wire"
)

// Entry is one element of Port_Binding.port_security.
type Entry struct {
	MAC wire.MAC
	// VRRP4, VRRP6 are the virtual router addresses of an entry with the prefix
	// "VRRPv3", none for others: with them MAC is the sender of ARP and ND only, and
	// everything else goes from and to the virtual ones.
	VRRP4, VRRP6 []MaskedMAC
	// IP4, IP6: a prefix that is shorter than the address names all of a subnet.
	IP4, IP6 []netip.Prefix
	// Broadcast are the broadcast addresses of the subnets of single IPv4 addresses.
	Broadcast []netip.Addr
}

// MaskedMAC is all Ethernet addresses that begin with Len bits of Addr.
type MaskedMAC struct {
	Addr wire.MAC
	Len  int
}

// String is the form of the match language.
func (m MaskedMAC) String() string {
	if m.Len == 48 {
		return m.Addr.String()
	}
	var mask wire.MAC
	for i := range m.Len {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	return m.Addr.String() + "/" + mask.String()
}

// The Ethernet addresses of virtual routers (RFC 9568, 7.3); the last byte is the
// router's number, which begins at 1.
var (
	anyVRRP4 = MaskedMAC{wire.MAC{0x00, 0x00, 0x5e, 0x00, 0x01, 0x00}, 40}
	anyVRRP6 = MaskedMAC{wire.MAC{0x00, 0x00, 0x5e, 0x00, 0x02, 0x00}, 40}
)

// ParseEntry reads "MAC [IP[/LEN]]..." or "VRRPv3 MAC [MAC[/LEN]]... [IP[/LEN]]..."
// (ovn-nb(5), Logical_Switch_Port port_security). Words are separated by blanks or
// commas.
func ParseEntry(text string) (Entry, error) {
	bad := func(cause string) (Entry, error) {
		return Entry{}, fmt.Errorf("port_security %q: %s: want \"MAC [IP[/LEN]]...\" or \"VRRPv3 MAC [VRRP-MAC[/LEN]]... [IP[/LEN]]...\"", text, cause)
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
	vrrp := len(words) > 0 && words[0] == "VRRPv3"
	if vrrp {
		words = words[1:]
	}
	if len(words) == 0 {
		return bad("no Ethernet address")
	}
	var e Entry
	var err error
	if e.MAC, err = wire.ParseMAC(words[0]); err != nil {
		return bad(err.Error())
	}
	for _, w := range words[1:] {
		if ip, err := parsePrefix(w); err == nil {
			e.addIP(ip)
			continue
		}
		if !vrrp {
			return bad(fmt.Sprintf("%q is not an IP address", w))
		}
		if err := e.addVRRP(w); err != nil {
			return bad(err.Error())
		}
	}
	if vrrp && len(e.VRRP4)+len(e.VRRP6) == 0 {
		e.VRRP4, e.VRRP6 = []MaskedMAC{anyVRRP4}, []MaskedMAC{anyVRRP6}
	}
	return e, nil
}

// parsePrefix reads an address with or without a length, or with an IPv4 netmask.
func parsePrefix(s string) (netip.Prefix, error) {
	host, mask, found := strings.Cut(s, "/")
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is not an IP address", s)
	}
	if !found {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	if m, err := netip.ParseAddr(mask); err == nil && m.Is4() && a.Is4() {
		for n := range 33 {
			if netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), n).Masked().Addr() == m {
				return netip.PrefixFrom(a, n), nil
			}
		}
	}
	n, err := strconv.ParseUint(mask, 10, 8)
	if err != nil || int(n) > a.BitLen() {
		return netip.Prefix{}, fmt.Errorf("%q is not the length of a prefix", mask)
	}
	return netip.PrefixFrom(a, int(n)), nil
}

// addIP adds an address. With bits behind the prefix it is one host, and the prefix
// only says how large its subnet is.
func (e *Entry) addIP(p netip.Prefix) {
	host := p != p.Masked()
	if !p.Addr().Is4() {
		if host {
			p = netip.PrefixFrom(p.Addr(), 128)
		}
		e.IP6 = append(e.IP6, p)
		return
	}
	if host {
		e.Broadcast = append(e.Broadcast, broadcast(p))
		p = netip.PrefixFrom(p.Addr(), 32)
	}
	e.IP4 = append(e.IP4, p)
}

// broadcast is the last address of a subnet.
func broadcast(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

func (e *Entry) addVRRP(s string) error {
	host, length, found := strings.Cut(s, "/")
	mac, err := wire.ParseMAC(host)
	if err != nil {
		return fmt.Errorf("%q is neither an IP nor an Ethernet address", s)
	}
	m := MaskedMAC{mac, 48}
	if found {
		n, err := strconv.ParseUint(length, 10, 8)
		if err != nil || n < 40 || n > 48 {
			return fmt.Errorf("%q: the length is not between 40 and 48", s)
		}
		m.Len = int(n)
	}
	if number := mac[5]; number&(1<<(48-m.Len)-1) != 0 {
		return fmt.Errorf("%q has bits behind its prefix", s)
	} else if m.Len == 48 && number == 0 {
		return fmt.Errorf("%q: virtual router 0 does not exist", s)
	}
	switch [5]byte(mac[:5]) {
	case [5]byte(anyVRRP4.Addr[:5]):
		e.VRRP4 = append(e.VRRP4, m)
	case [5]byte(anyVRRP6.Addr[:5]):
		e.VRRP6 = append(e.VRRP6, m)
	default:
		return fmt.Errorf("%q is not in %s/40 or %s/40", s, anyVRRP4.Addr, anyVRRP6.Addr)
	}
	return nil
}

// IsVRRP tells whether e is for virtual routers.
func (e Entry) IsVRRP() bool { return len(e.VRRP4)+len(e.VRRP6) > 0 }
