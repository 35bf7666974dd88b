package plan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/vtepdb/switchrows"
)

// Numbers of protocols above IP (IANA, Assigned Internet Protocol Numbers).
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132
)

// ipVersion is a version of IP as fields have it.
type ipVersion struct {
	etherType uint64
	src, dst  ofp.Field
	icmp      int64 // protocol
	icmpType  ofp.Field
	icmpCode  ofp.Field
}

var ipVersions = [...]ipVersion{
	{0x0800, ofp.IPv4Src, ofp.IPv4Dst, protoICMP, ofp.ICMPv4Type, ofp.ICMPv4Code},
	{0x86dd, ofp.IPv6Src, ofp.IPv6Dst, protoICMPv6, ofp.ICMPv6Type, ofp.ICMPv6Code},
}

// portFields are source and destination port of protocols that have them.
var portFields = map[int64][2]ofp.Field{
	protoTCP: {ofp.TCPSrc, ofp.TCPDst}, protoUDP: {ofp.UDPSrc, ofp.UDPDst}, protoSCTP: {ofp.SCTPSrc, ofp.SCTPDst},
}

// minEtherType is the lowest number that is not a length (IEEE 802.3, 3.2.6).
const minEtherType = 0x600

// entryReader reads a row of ACL_entry. The first thing that is wrong stays.
type entryReader struct {
	row *switchrows.ACLEntry
	err error
}

// readEntry is what a row asks for. An error says what of it cannot be.
func readEntry(row *switchrows.ACLEntry) (bridging.Entry, error) {
	e := &entryReader{row: row}
	base := slices.Concat(e.mac(ofp.EthSrc, "source_mac", row.SourceMAC), e.mac(ofp.EthDst, "dest_mac", row.DestMAC))
	entry := bridging.Entry{Deny: row.Action == "deny"}
	etherType := e.etherType()
	src, dst := e.address("source", row.SourceIP, row.SourceMask), e.address("dest", row.DestIP, row.DestMask)
	above, ranges := e.transport()
	proto := e.number(ofp.IPProto, "protocol", row.Protocol, 0xff)
	if !row.Protocol.OK && src.version == nil && dst.version == nil {
		if etherType != 0 {
			base = append(base, exact(ofp.EthType, etherType))
		}
		entry.Any = [][]ofp.Term{base}
		return entry, e.err
	}
	for i := range ipVersions {
		v := &ipVersions[i]
		if etherType != 0 && etherType != v.etherType || src.version != nil && src.version != v || dst.version != nil && dst.version != v || e.icmp() && row.Protocol.V != v.icmp {
			continue
		}
		network := slices.Concat(base, []ofp.Term{exact(ofp.EthType, v.etherType)}, proto)
		if src.version != nil {
			network = append(network, ofp.Term{Field: v.src, Value: src.value, Mask: src.mask})
		}
		if dst.version != nil {
			network = append(network, ofp.Term{Field: v.dst, Value: dst.value, Mask: dst.mask})
		}
		whole := slices.Concat(network, above, e.number(v.icmpType, "icmp_type", row.ICMPType, 0xff), e.number(v.icmpCode, "icmp_code", row.ICMPCode, 0xff))
		if len(ranges) == 0 && len(whole) == len(network) {
			entry.Any = append(entry.Any, network)
			continue
		}
		// Open vSwitch does not look for more than the protocol in fragments (ovs-ofctl(8), set-frags). So any of them may be what is denied.
		whole = append(whole, exact(ofp.IPFrag, 0))
		for _, terms := range product(ranges) {
			entry.Any = append(entry.Any, slices.Concat(whole, terms))
		}
		if entry.Deny {
			entry.Any = append(entry.Any, append(slices.Clip(network), ofp.Term{Field: ofp.IPFrag, Value: ofp.V(1), Mask: ofp.V(1)}))
		}
	}
	if len(entry.Any) == 0 {
		e.fail("its ethertype, addresses and protocol are not of one version of IP")
	}
	return entry, e.err
}

func exact(f ofp.Field, v uint64) ofp.Term {
	return ofp.Term{Field: f, Value: ofp.V(v), Mask: ofp.Ones(128)}
}

func (e *entryReader) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

func (e *entryReader) mac(f ofp.Field, column string, text ovsdb.Opt[string]) []ofp.Term {
	if !text.OK {
		return nil
	}
	mac, err := wire.ParseMAC(text.V)
	if err != nil {
		e.fail("%s: %w", column, err)
	}
	return []ofp.Term{exact(f, mac.Uint64())}
}

// etherType is 0 for none.
func (e *entryReader) etherType() uint64 {
	if !e.row.Ethertype.OK {
		return 0
	}
	digits, is := strings.CutPrefix(strings.ToLower(e.row.Ethertype.V), "0x")
	n, err := strconv.ParseUint(digits, 16, 16)
	if !is || err != nil || n < minEtherType {
		e.fail("ethertype %q is none: want 0xAAAA, from 0x0600 on", e.row.Ethertype.V)
	}
	return n
}

// addressTest is a test of an IP address; no version: none.
type addressTest struct {
	version     *ipVersion
	value, mask ofp.Value
}

func (e *entryReader) address(which string, ip, mask ovsdb.Opt[string]) (t addressTest) {
	switch {
	case !ip.OK && mask.OK:
		e.fail("%s_mask is set and %[1]s_ip is not", which)
		return t
	case !ip.OK:
		return t
	}
	a, err := parseIP(ip.V)
	if err != nil {
		e.fail("%s_ip %q: %w", which, ip.V, err)
		return t
	}
	t.version, t.value, t.mask = &ipVersions[0], addressValue(a), ofp.Ones(a.BitLen())
	if a.Is6() {
		t.version = &ipVersions[1]
	}
	if mask.OK {
		m, err := parseIP(mask.V)
		if err == nil && m.BitLen() != a.BitLen() {
			err = errors.New("it is not of the address's version of IP")
		}
		if err != nil {
			e.fail("%s_mask %q: %w", which, mask.V, err)
			return t
		}
		t.mask = addressValue(m)
	}
	return t
}

func parseIP(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, errors.New("want xx.xx.xx.xx of IPv4, or the notation of IPv6 with colons")
	}
	return a, nil
}

func addressValue(a netip.Addr) ofp.Value {
	b := a.AsSlice()
	if a.Is4() {
		return ofp.V(uint64(binary.BigEndian.Uint32(b)))
	}
	return ofp.Value{Hi: binary.BigEndian.Uint64(b), Lo: binary.BigEndian.Uint64(b[8:])}
}

// number is a test of a whole field.
func (e *entryReader) number(f ofp.Field, column string, n ovsdb.Opt[int64], most int64) []ofp.Term {
	if !n.OK {
		return nil
	}
	if n.V < 0 || n.V > most {
		e.fail("%s %d is not within 0 and %d", column, n.V, most)
	}
	return []ofp.Term{exact(f, uint64(n.V))}
}

// icmp tells whether a type or code is given.
func (e *entryReader) icmp() bool { return e.row.ICMPType.OK || e.row.ICMPCode.OK }

// transport is what is asked of the header above IP, but for ICMP's, whose fields depend on the version: terms, and alternatives for each range of ports.
func (e *entryReader) transport() (terms []ofp.Term, ranges [][]ofp.Term) {
	r := e.row
	proto := r.Protocol.Or(-1)
	if e.icmp() && proto != protoICMP && proto != protoICMPv6 {
		e.fail("icmp_type and icmp_code need protocol %d or %d (ICMP, ICMPv6)", protoICMP, protoICMPv6)
	}
	if r.TCPFlags.OK || r.TCPFlagsMask.OK {
		terms = e.tcpFlags(proto)
	}
	fields, has := portFields[proto]
	for i, p := range []struct {
		which      string
		least, top ovsdb.Opt[int64]
	}{{"source_port", r.SourcePortMin, r.SourcePortMax}, {"dest_port", r.DestPortMin, r.DestPortMax}} {
		switch {
		case !p.least.OK && !p.top.OK:
		case !has:
			e.fail("%s_min and %s_max need protocol %d, %d or %d (TCP, UDP, SCTP)", p.which, p.which, protoTCP, protoUDP, protoSCTP)
		default:
			ranges = append(ranges, e.ports(fields[i], p.which, p.least.Or(0), p.top.Or(maxPort)))
		}
	}
	return terms, ranges
}

// tcpFlags has 12 bits: those of RFC 9293, 3.1, and those that are reserved there.
func (e *entryReader) tcpFlags(proto int64) []ofp.Term {
	const all = 0xfff
	flags, mask := e.row.TCPFlags, e.row.TCPFlagsMask.Or(all)
	switch {
	case proto != protoTCP:
		e.fail("tcp_flags and tcp_flags_mask need protocol %d (TCP)", protoTCP)
	case !flags.OK:
		e.fail("tcp_flags_mask is set and tcp_flags is not")
	case flags.V < 0 || flags.V > all || mask < 0 || mask > all:
		e.fail("tcp_flags %d with the mask %d: neither may be above %d", flags.V, mask, all)
	}
	return []ofp.Term{{Field: ofp.TCPFlags, Value: ofp.V(uint64(flags.V)), Mask: ofp.V(uint64(mask))}}
}

const maxPort = 0xffff

// ports are tests that together hold for a range: each for a block whose size is a power of two and divides its start.
func (e *entryReader) ports(f ofp.Field, which string, least, top int64) (list []ofp.Term) {
	switch {
	case least < 0 || top < 0 || least > maxPort || top > maxPort:
		e.fail("%s_min %d and %s_max %d: want ports from 0 to %d", which, least, which, top, maxPort)
		return nil
	case least > top:
		e.fail("%s_min %d is above %s_max %d", which, least, which, top)
		return nil
	}
	for least <= top {
		size := int64(maxPort + 1)
		for least%size != 0 || least+size-1 > top {
			size /= 2
		}
		list = append(list, ofp.Term{Field: f, Value: ofp.V(uint64(least)), Mask: ofp.V(uint64(maxPort &^ (size - 1)))})
		least += size
	}
	return list
}

// product is one of each list, in all ways.
func product(lists [][]ofp.Term) [][]ofp.Term {
	all := [][]ofp.Term{nil}
	for _, list := range lists {
		var longer [][]ofp.Term
		for _, terms := range all {
			for _, t := range list {
				longer = append(longer, append(slices.Clip(terms), t))
			}
		}
		all = longer
	}
	return all
}
