package trace

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// valueText writes the value of a whole field as Open vSwitch does (ovs-fields(7), "Format").
func valueText(f ir.Field, v ir.Value) string {
	switch f {
	case ir.EthSrc, ir.EthDst, ir.ARPSHA, ir.ARPTHA, ir.NDSLL, ir.NDTLL:
		return macOf(v).String()
	case ir.IP4Src, ir.IP4Dst, ir.ARPSPA, ir.ARPTPA, ir.TunSrc, ir.TunDst, ir.CTIP4Src, ir.CTIP4Dst:
		return ip4Of(v).String()
	case ir.IP6Src, ir.IP6Dst, ir.NDTarget, ir.TunSrc6, ir.TunDst6, ir.CTIP6Src, ir.CTIP6Dst:
		return ip6Of(v).String()
	case ir.IPProto, ir.IPDSCP, ir.IPECN, ir.IPTTL, ir.ARPOp, ir.ICMP4Type, ir.ICMP4Code, ir.ICMP6Type, ir.ICMP6Code,
		ir.TCPSrc, ir.TCPDst, ir.UDPSrc, ir.UDPDst, ir.SCTPSrc, ir.SCTPDst, ir.CTProto, ir.CTTPSrc, ir.CTTPDst, ir.InPort:
		return strconv.FormatUint(v.Lo, 10)
	case ir.CTState:
		return ir.CTStateString(v.Lo)
	case ir.IPFrag:
		return fragText(v)
	case ir.TCPFlags:
		return tcpFlagsText(v.Lo)
	}
	return hexText(v)
}

// hexText writes v in hexadecimal.
func hexText(v ir.Value) string {
	if v.Hi != 0 {
		return fmt.Sprintf("0x%x%016x", v.Hi, v.Lo)
	}
	return fmt.Sprintf("0x%x", v.Lo)
}

// subText writes the value of some bits of a field.
func subText(v ir.Value) string {
	if v.IsZero() {
		return "0"
	}
	return hexText(v)
}

func fragText(v ir.Value) string {
	switch v.Lo {
	case 0:
		return "no"
	case 1:
		return "first"
	}
	return "later"
}

var tcpFlagNames = [...]string{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"}

func tcpFlagsText(flags uint64) string {
	var names []string
	for i, n := range tcpFlagNames {
		if flags>>i&1 != 0 {
			names = append(names, n)
		}
	}
	if rest := flags >> len(tcpFlagNames) << len(tcpFlagNames); rest != 0 {
		names = append(names, fmt.Sprintf("[%#x]", rest))
	}
	if len(names) == 0 {
		return "0"
	}
	return strings.Join(names, "|")
}
