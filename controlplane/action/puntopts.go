package action

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Codes that OVN uses in DHCPv4Args for what is no option of its own on the wire.
const (
	// DHCPBootfile is option 67; see also DHCPBootfileAlt.
	DHCPBootfile = 67
	// DHCPNextServer is the siaddr field of the reply's header.
	DHCPNextServer = 253
	// DHCPBootfileAlt is the boot file for iPXE clients: sent as option 67 to
	// clients that sent option 175.
	DHCPBootfileAlt = 254
)

// DHCPv6BootfileAlt is, in DHCPv6Args, the boot file URL for iPXE clients: sent
// as option 59 to clients that sent user class "iPXE".
const DHCPv6BootfileAlt = 254

// DHCPv4Args is the argument of put_dhcp_opts: 4 bytes OfferIP, then options as
// they are in a DHCP packet (RFC 2132): byte code, byte length, value. Boot file
// (DHCPBootfile), its alternative and next server come first, in this order.
type DHCPv4Args struct {
	OfferIP netip.Addr
	Options []DHCPv4Option
}

// DHCPv4Option is one option with its value as it is on the wire.
type DHCPv4Option struct {
	Code  uint8
	Value []byte // at most 255 bytes
}

// Encode is the wire form. Values longer than 255 bytes are cut off; the parser
// of put_dhcp_opts refuses them.
func (a DHCPv4Args) Encode() []byte {
	b := append(make([]byte, 0, 128), a.OfferIP.AsSlice()...)
	for _, first := range [...]uint8{DHCPBootfile, DHCPBootfileAlt, DHCPNextServer} {
		for _, o := range a.Options {
			if o.Code == first {
				b = o.append(b)
				break
			}
		}
	}
	for _, o := range a.Options {
		switch o.Code {
		case DHCPBootfile, DHCPBootfileAlt, DHCPNextServer:
		default:
			b = o.append(b)
		}
	}
	return b
}

func (o DHCPv4Option) append(b []byte) []byte {
	v := o.Value[:min(len(o.Value), 255)]
	return append(append(b, o.Code, byte(len(v))), v...)
}

// DecodeDHCPv4Args is the inverse of Encode. Values alias b.
func DecodeDHCPv4Args(b []byte) (DHCPv4Args, error) {
	if len(b) < 4 {
		return DHCPv4Args{}, &ArgsError{ir.OpPutDHCPOpts, "no offered address"}
	}
	a := DHCPv4Args{OfferIP: netip.AddrFrom4([4]byte(b))}
	for b = b[4:]; len(b) > 0; {
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return DHCPv4Args{}, &ArgsError{ir.OpPutDHCPOpts, fmt.Sprintf("option %d is truncated", b[0])}
		}
		n := 2 + int(b[1])
		a.Options = append(a.Options, DHCPv4Option{b[0], b[2:n:n]})
		b = b[n:]
	}
	return a, nil
}

// DHCPv6Args is the argument of put_dhcpv6_opts: options as be16 code, be16
// length, value. The values are what OVN gives: ia_addr (code 5) is the bare
// address, server_id (code 2) the bare Ethernet address, fqdn (code 39) the name
// without flags; the slow path wraps them as RFC 8415 requires.
type DHCPv6Args struct{ Options []DHCPv6Option }

// DHCPv6Option is one option.
type DHCPv6Option struct {
	Code  uint16
	Value []byte // at most 65535 bytes
}

// Encode is the wire form.
func (a DHCPv6Args) Encode() []byte {
	var b []byte
	for _, o := range a.Options {
		v := o.Value[:min(len(o.Value), 65535)]
		b = binary.BigEndian.AppendUint16(b, o.Code)
		b = binary.BigEndian.AppendUint16(b, uint16(len(v)))
		b = append(b, v...)
	}
	return b
}

// DecodeDHCPv6Args is the inverse of Encode. Values alias b.
func DecodeDHCPv6Args(b []byte) (DHCPv6Args, error) {
	var a DHCPv6Args
	for len(b) > 0 {
		if len(b) < 4 || len(b) < 4+int(binary.BigEndian.Uint16(b[2:])) {
			return DHCPv6Args{}, &ArgsError{ir.OpPutDHCPv6Opts, "truncated option"}
		}
		n := 4 + int(binary.BigEndian.Uint16(b[2:]))
		a.Options = append(a.Options, DHCPv6Option{binary.BigEndian.Uint16(b), b[4:n:n]})
		b = b[n:]
	}
	return a, nil
}
