package wire

import (
	"encoding/binary"
	"iter"
	"net/netip"
)

// DHCPv4 message types (RFC 2132, 9.6).
const (
	DHCP4Discover = 1
	DHCP4Offer    = 2
	DHCP4Request  = 3
	DHCP4Decline  = 4
	DHCP4Ack      = 5
	DHCP4Nak      = 6
	DHCP4Release  = 7
	DHCP4Inform   = 8
)

// DHCPv4 options.
const (
	DHCP4Pad         = 0
	DHCP4Netmask     = 1
	DHCP4Router      = 3
	DHCP4RequestedIP = 50
	DHCP4LeaseTime   = 51
	DHCP4Overload    = 52
	DHCP4MessageType = 53
	DHCP4ServerID    = 54
	DHCP4T1          = 58
	DHCP4T2          = 59
	DHCP4BootFile    = 67
	DHCP4Etherboot   = 175 // sent by iPXE
	DHCP4End         = 255
)

const (
	// BootRequest and BootReply are the values of DHCP4.Op.
	BootRequest = 1
	BootReply   = 2
	// DHCP4Len is the length up to and with the magic cookie.
	DHCP4Len = 240

	dhcp4Sname, dhcp4File, dhcp4Cookie = 44, 108, 236
)

var dhcp4Magic = [4]byte{99, 130, 83, 99}

// DHCP4 is a DHCPv4 message.
type DHCP4 []byte

// ParseDHCP4 checks that b is a DHCP message for Ethernet: length, hardware type and magic cookie.
func ParseDHCP4(b []byte) (DHCP4, error) {
	if len(b) < DHCP4Len {
		return nil, short("DHCPv4", len(b), DHCP4Len)
	}
	if b[1] != 1 || b[2] != 6 {
		return nil, malformed("DHCPv4", "hardware type %d with addresses of %d bytes is not Ethernet", b[1], b[2])
	}
	if [4]byte(b[dhcp4Cookie:DHCP4Len]) != dhcp4Magic {
		return nil, malformed("DHCPv4", "magic cookie is % x, want % x", b[dhcp4Cookie:DHCP4Len], dhcp4Magic)
	}
	return b, nil
}

// Op is BootRequest or BootReply.
func (d DHCP4) Op() uint8 { return d[0] }

// SetOp writes the operation.
func (d DHCP4) SetOp(op uint8) { d[0] = op }

// Broadcast tells whether the client wants the answer as a broadcast.
func (d DHCP4) Broadcast() bool { return d[10]&0x80 != 0 }

// ClientAddr is ciaddr.
func (d DHCP4) ClientAddr() netip.Addr { return netip.AddrFrom4([4]byte(d[12:16])) }

// YourAddr is yiaddr, the address that the server gives.
func (d DHCP4) YourAddr() netip.Addr { return netip.AddrFrom4([4]byte(d[16:20])) }

// SetYourAddr writes yiaddr.
func (d DHCP4) SetYourAddr(a netip.Addr) { appendIPv4Addr(d[:16], a) }

// NextServer is siaddr, from where to boot.
func (d DHCP4) NextServer() netip.Addr { return netip.AddrFrom4([4]byte(d[20:24])) }

// SetNextServer writes siaddr.
func (d DHCP4) SetNextServer(a netip.Addr) { appendIPv4Addr(d[:20], a) }

// RelayAddr is giaddr.
func (d DHCP4) RelayAddr() netip.Addr { return netip.AddrFrom4([4]byte(d[24:28])) }

// ClientMAC is chaddr.
func (d DHCP4) ClientMAC() MAC { return MAC(d[28:34]) }

// Options yields the options, code and data, those in the file and server name
// fields last when option 52 says that there are some (RFC 2131, 4.1). It stops at
// the end option, or before an option that does not fit.
func (d DHCP4) Options() iter.Seq2[uint8, []byte] {
	return func(yield func(uint8, []byte) bool) {
		overload := uint8(0)
		for code, data := range DHCP4Options(d[DHCP4Len:]) {
			if code == DHCP4Overload && len(data) == 1 {
				overload = data[0]
			}
			if !yield(code, data) {
				return
			}
		}
		if overload&1 != 0 && !yieldAll(DHCP4Options(d[dhcp4File:dhcp4Cookie]), yield) {
			return
		}
		if overload&2 != 0 {
			yieldAll(DHCP4Options(d[dhcp4Sname:dhcp4File]), yield)
		}
	}
}

func yieldAll(seq iter.Seq2[uint8, []byte], yield func(uint8, []byte) bool) bool {
	for k, v := range seq {
		if !yield(k, v) {
			return false
		}
	}
	return true
}

// DHCP4Options yields the options of a run of options: code and data.
func DHCP4Options(b []byte) iter.Seq2[uint8, []byte] {
	return func(yield func(uint8, []byte) bool) {
		for len(b) > 0 && b[0] != DHCP4End {
			if b[0] == DHCP4Pad {
				b = b[1:]
				continue
			}
			if len(b) < 2 || len(b) < 2+int(b[1]) {
				return
			}
			n := 2 + int(b[1])
			if !yield(b[0], b[2:n]) {
				return
			}
			b = b[n:]
		}
	}
}

// AppendDHCP4Option appends an option. Data longer than 255 bytes is split over
// several options of the same code (RFC 3396).
func AppendDHCP4Option(b []byte, code uint8, data ...byte) []byte {
	for len(data) > 255 {
		b = append(append(b, code, 255), data[:255]...)
		data = data[255:]
	}
	return append(append(b, code, uint8(len(data))), data...)
}

// DHCP4Addr is option data that is one IPv4 address; ok is false otherwise.
func DHCP4Addr(data []byte) (a netip.Addr, ok bool) {
	if len(data) != 4 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(data)), true
}

// AppendDHCP4 appends the fixed part of a client's message with the magic cookie.
func AppendDHCP4(b []byte, op uint8, xid uint32, flags uint16, mac MAC) []byte {
	at := len(b)
	b = append(b, make([]byte, DHCP4Len)...)
	d := b[at:]
	d[0], d[1], d[2] = op, 1, 6
	binary.BigEndian.PutUint32(d[4:], xid)
	binary.BigEndian.PutUint16(d[10:], flags)
	copy(d[28:], mac[:])
	copy(d[dhcp4Cookie:], dhcp4Magic[:])
	return b
}
