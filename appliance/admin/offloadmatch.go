package admin

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// matchText is a match with addresses and flags as people write them.
func matchText(m ir.Match) string {
	var parts []string
	for t := range m.Terms() {
		parts = append(parts, termText(t))
	}
	if parts == nil {
		return "any"
	}
	return strings.Join(parts, ", ")
}

func termText(t ir.Term) string {
	whole := t.Mask == ir.Ones(t.Field.Width())
	form := ir.Value.String
	switch t.Field {
	case ir.CTState:
		return "ct_state=" + flagsText(t.Value, t.Mask)
	case ir.EthType:
		form = func(v ir.Value) string { return fmt.Sprintf("0x%04x", v.Lo) }
	case ir.EthSrc, ir.EthDst, ir.ARPSHA, ir.ARPTHA, ir.NDSLL, ir.NDTLL:
		form = macText
	case ir.IP4Src, ir.IP4Dst, ir.ARPSPA, ir.ARPTPA, ir.TunSrc, ir.TunDst, ir.CTIP4Src, ir.CTIP4Dst:
		form = ip4Text
	case ir.IP6Src, ir.IP6Dst, ir.NDTarget, ir.TunSrc6, ir.TunDst6, ir.CTIP6Src, ir.CTIP6Dst:
		form = ip6Text
	default:
		return t.String()
	}
	text := t.Field.String() + "=" + form(t.Value)
	if whole {
		return text
	}
	if n, ok := prefixLen(t); ok && (t.Field.Width() == 32 || t.Field.Width() == 128) {
		return fmt.Sprintf("%s/%d", text, n)
	}
	return text + "/" + form(t.Mask)
}

// prefixLen is how many bits are asked for, if these are the uppermost.
func prefixLen(t ir.Term) (n int, ok bool) {
	n = bits.OnesCount64(t.Mask.Hi) + bits.OnesCount64(t.Mask.Lo)
	rest := t.Field.Width() - n
	return n, t.Mask == ir.Ones(n).Shl(rest)
}

func macText(v ir.Value) string {
	return net.HardwareAddr(binary.BigEndian.AppendUint64(nil, v.Lo)[2:]).String()
}

func ip4Text(v ir.Value) string {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(v.Lo)))).String()
}

func ip6Text(v ir.Value) string {
	b := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, v.Hi), v.Lo)
	return netip.AddrFrom16([16]byte(b)).String()
}

// flagsText names the flags of a connection that must be and must not be, as Open
// vSwitch does (ovs-fields(7), ct_state).
func flagsText(value, mask ir.Value) string {
	text := ""
	for b := uint64(1); b != 0 && b <= mask.Lo; b <<= 1 {
		switch {
		case mask.Lo&b == 0:
		case value.Lo&b != 0:
			text += "+" + ir.CTStateString(b)
		default:
			text += "-" + ir.CTStateString(b)
		}
	}
	return text
}
