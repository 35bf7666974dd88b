package ofp

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
)

// TestCTFlushIsUnderstood: ovs-ofctl reads what is written.
func TestCTFlushIsUnderstood(t *testing.T) {
	port := netip.MustParseAddrPort
	for _, c := range []struct {
		m    CTFlush
		want string
	}{
		{CTFlush{}, "'ct_ipv6_src=::,ct_ipv6_dst=::,ct_tp_src=0,ct_tp_dst=0,ct_nw_proto=0' 'ct_ipv6_src=::,ct_ipv6_dst=::,ct_tp_src=0,ct_tp_dst=0'"},
		{CTFlush{Proto: 6, Orig: CTTuple{Dst: port("10.0.0.9:80")}, Reply: CTTuple{Src: port("10.0.1.2:8080")}},
			"'ct_nw_src=::,ct_nw_dst=10.0.0.9,ct_tp_src=0,ct_tp_dst=80,ct_nw_proto=6' 'ct_nw_src=10.0.1.2,ct_nw_dst=::,ct_tp_src=8080,ct_tp_dst=0'"},
		{CTFlush{Proto: 132, Orig: CTTuple{Src: port("[fd00::1]:5"), Dst: port("[fd00::9]:80")}, Reply: CTTuple{Src: port("[fd01::2]:8080"), Dst: port("[fd00::1]:5")}},
			"'ct_ipv6_src=fd00::1,ct_ipv6_dst=fd00::9,ct_tp_src=5,ct_tp_dst=80,ct_nw_proto=132' 'ct_ipv6_src=fd01::2,ct_ipv6_dst=fd00::1,ct_tp_src=8080,ct_tp_dst=5'"},
		{CTFlush{Orig: CTTuple{Dst: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.9"), 0)}},
			"'ct_nw_src=::,ct_nw_dst=10.0.0.9,ct_tp_src=0,ct_tp_dst=0,ct_nw_proto=0' 'ct_nw_src=::,ct_nw_dst=::,ct_tp_src=0,ct_tp_dst=0'"},
	} {
		b, err := c.m.Append(nil, 7)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.TrimSpace(ofctl(t, "ofp-print", hex.EncodeToString(b)))
		if got != "NXT_CT_FLUSH (OF1.5) (xid=0x7): zone=0 "+c.want {
			t.Errorf("%+v is %q, want %q", c.m, got, c.want)
		}
	}
}
