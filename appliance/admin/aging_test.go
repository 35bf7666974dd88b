package admin_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// TestUseIsNoted: while a neighbour's packets go through a router, the timestamp of its MAC_Binding row is made new, and that of
// another is not. The installed ovn-northd knows nothing of use, so once it has made the network it is ended, and what a newer one
// writes is written here.
func TestUseIsNoted(t *testing.T) {
	d := start(t)
	d.KillNorthd()
	d.SBCtl(`create Logical_Flow logical_datapath=$lr0 pipeline=ingress table_id=2 priority=105 match='"reg9[2] == 1"' actions='"mac_cache_use; next;"'`)
	binding := func(ip, mac string) string {
		return strings.TrimSpace(d.SBCtl(fmt.Sprintf(`create MAC_Binding logical_port=lr0-sw0 ip=%s mac='"%s"' timestamp=1 datapath=$lr0`, ip, mac)))
	}
	used, idle := binding("10.0.1.11", "02:00:00:00:01:11"), binding("10.0.1.12", "02:00:00:00:01:12")
	d.SBCtl("set Datapath_Binding " + d.Datapath("lr0") + " external_ids:mac_binding_age_threshold=5")

	p, err := ir.NewPacket(ir.Exact(ir.EthSrc, 0x020000000111), ir.Exact(ir.EthDst, 0x02000000ff01), ir.Exact(ir.EthType, 0x0800), ir.Exact(ir.IPProto, 17),
		ir.Exact(ir.IPTTL, 64), ir.Exact(ir.IP4Src, 10<<24|1<<8|11), ir.Exact(ir.IP4Dst, 10<<24|2<<8|42), ir.Exact(ir.UDPSrc, 7), ir.Exact(ir.UDPDst, 7))
	if err != nil {
		t.Fatal(err)
	}
	frame := hex.EncodeToString(p.Frame())
	timestamp := func(row string) string { return strings.TrimSpace(d.SBCtl("get MAC_Binding " + row + " timestamp")) }
	for range 2 { // it is made new again and again
		before := timestamp(used)
		d.await("a timestamp after "+before, func() bool {
			d.sw.Appctl("netdev-dummy/receive", "if1", frame)
			return timestamp(used) != before
		})
	}
	if got := timestamp(idle); got != "1" {
		t.Errorf("the timestamp of a neighbour that sends nothing became %s", got)
	}
}
