package admin

import (
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

func TestMatchText(t *testing.T) {
	v6 := ir.Value{Hi: 0xfe80_0000_0000_0000, Lo: 1}
	for want, m := range map[string]ir.Match{
		"any": {},
		"eth.dst=02:00:00:00:00:01, eth.type=0x0800, ip4.dst=10.0.0.0/24, tcp.dst=80": ir.MustMatch(ir.Exact(ir.EthDst, 0x020000000001),
			ir.Exact(ir.EthType, 0x800), ir.Masked(ir.IP4Dst, 0x0a000000, 0xffffff00), ir.Exact(ir.TCPDst, 80)),
		"eth.dst=01:00:00:00:00:00/01:00:00:00:00:00": ir.MustMatch(ir.Masked(ir.EthDst, 1<<40, 1<<40)),
		"ip4.src=0.0.0.1/0.0.0.255":                   ir.MustMatch(ir.Masked(ir.IP4Src, 1, 0xff)),
		"ip6.src=fe80::1":                             ir.MustMatch(ir.Term{Field: ir.IP6Src, Value: v6, Mask: ir.Ones(128)}),
		"ip6.src=fe80::/10":                           ir.MustMatch(ir.Term{Field: ir.IP6Src, Value: ir.Value{Hi: v6.Hi}, Mask: ir.Ones(10).Shl(118)}),
		"ct_state=+new-est+trk":                       ir.MustMatch(ir.Masked(ir.CTState, ir.CTNew|ir.CTTrk, ir.CTNew|ir.CTEst|ir.CTTrk)),
	} {
		if got := matchText(m); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
