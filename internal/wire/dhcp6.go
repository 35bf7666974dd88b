package wire

import (
	"encoding/binary"
	"iter"
	"net/netip"
)

// DHCPv6 message types (RFC 8415, 7.3).
const (
	DHCP6Solicit   = 1
	DHCP6Advertise = 2
	DHCP6Request   = 3
	DHCP6Confirm   = 4
	DHCP6Renew     = 5
	DHCP6Rebind    = 6
	DHCP6Reply     = 7
	DHCP6Release   = 8
	DHCP6Decline   = 9
	DHCP6InfoReq   = 11
)

// DHCPv6 options.
const (
	DHCP6ClientID     = 1
	DHCP6ServerID     = 2
	DHCP6IANA         = 3
	DHCP6IAAddr       = 5
	DHCP6Status       = 13
	DHCP6UserClass    = 15
	DHCP6DNS          = 23
	DHCP6DomainSearch = 24
	DHCP6FQDN         = 39 // RFC 4704
	DHCP6BootFile     = 59 // RFC 5970
)

// Flags of the FQDN option (RFC 4704, 4.1).
const (
	FQDNServerUpdates = 1 << 0
	FQDNOverride      = 1 << 1
	FQDNNoUpdate      = 1 << 2
)

// DHCP6Len is the length of the fixed part: type and transaction.
const DHCP6Len = 4

// DHCP6 is a DHCPv6 message between client and server (not a relay's).
type DHCP6 []byte

// ParseDHCP6 checks that b holds the fixed part.
func ParseDHCP6(b []byte) (DHCP6, error) {
	if len(b) < DHCP6Len {
		return nil, short("DHCPv6", len(b), DHCP6Len)
	}
	return b, nil
}

// Type is the message type.
func (d DHCP6) Type() uint8 { return d[0] }

// Transaction is the transaction identifier, 3 bytes.
func (d DHCP6) Transaction() [3]byte { return [3]byte(d[1:4]) }

// Options yields the options, code and data. It stops before one that does not fit.
func (d DHCP6) Options() iter.Seq2[uint16, []byte] { return DHCP6Options(d[DHCP6Len:]) }

// DHCP6Options yields the options of a run of options, such as those inside an IA_NA.
func DHCP6Options(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			n := 4 + int(binary.BigEndian.Uint16(b[2:]))
			if n > len(b) || !yield(binary.BigEndian.Uint16(b), b[4:n]) {
				return
			}
			b = b[n:]
		}
	}
}

// AppendDHCP6 appends the fixed part.
func AppendDHCP6(b []byte, typ uint8, transaction [3]byte) []byte {
	return append(append(b, typ), transaction[:]...)
}

// AppendDHCP6Option appends an option of at most 65535 bytes of data.
func AppendDHCP6Option(b []byte, code uint16, data ...byte) []byte {
	b = binary.BigEndian.AppendUint16(b, code)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

// AppendIANA appends an IA_NA option with one address, all lifetimes endless.
func AppendIANA(b []byte, iaid uint32, a netip.Addr) []byte {
	body := binary.BigEndian.AppendUint32(nil, iaid)
	body = binary.BigEndian.AppendUint32(body, Forever) // T1
	body = binary.BigEndian.AppendUint32(body, Forever) // T2
	addr := appendIPv6Addr(nil, a)
	addr = binary.BigEndian.AppendUint32(addr, Forever) // preferred
	addr = binary.BigEndian.AppendUint32(addr, Forever) // valid
	return AppendDHCP6Option(b, DHCP6IANA, AppendDHCP6Option(body, DHCP6IAAddr, addr...)...)
}

// IAID is the identifier of an IA_NA option; ok is false when the data is too short for one.
func IAID(data []byte) (id uint32, ok bool) {
	if len(data) < 12 {
		return 0, false
	}
	return binary.BigEndian.Uint32(data), true
}

// AppendDUIDLL appends a DUID made from an Ethernet address (RFC 8415, 11.4).
func AppendDUIDLL(b []byte, mac MAC) []byte {
	return append(append(b, 0, 3, 0, 1), mac[:]...)
}
