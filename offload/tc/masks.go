package tc

import (
	"net/netip"

	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// match is what a filter asks for, with the protocol of its priority.
type match struct {
	protocol flower.EtherType
	flower.Match
}

// whole is a match that says all itself.
func whole(m flower.Match) match { return match{m.Protocol(), m} }

// form is how a program has a match. The kernel tries the masks of a priority one after the other, and compares all between the first field of a mask and the last. So
// there the type is left to the priority where nothing else of a header behind Ethernet's is asked for, and what is known of a connection's state is
// said, so that there are fewer different masks. Drivers get what they know: they refuse states.
func (g program) form(m flower.Match) match {
	f := whole(m)
	if g == inDevice {
		return f
	}
	if m.VLAN == (flower.Tag{}) && !asksBehindEthernet(&m) {
		f.EthType = 0
	}
	if one := flower.CTNew | flower.CTEstablished | flower.CTInvalid; f.CT.State.Value&one != 0 { // see oneOf
		f.CT.State.Mask |= one
	}
	return f
}

// asksBehindEthernet tells whether a match asks for fields that the kernel reads only when it knows the type.
func asksBehindEthernet(m *flower.Match) bool {
	return m.IPProto.Set || m.TOS.Mask|m.TTL.Mask != 0 || m.IPFlags.Mask != 0 || m.IPSrc != (flower.Masked[netip.Addr]{}) || m.IPDst != (flower.Masked[netip.Addr]{}) ||
		m.SrcPort.Mask|m.DstPort.Mask|m.TCPFlags.Mask != 0 || m.ICMPType.Mask|m.ICMPCode.Mask != 0 || m.ARP != (flower.ARP{})
}
