package controller

import (
	"fmt"
	"maps"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// TestOffDatapathsAtRunTime: targets of the offload hear at once, without rules, through which logical datapaths nothing is
// offloaded: when the setting changes, and when a datapath of that name comes or goes.
func TestOffDatapathsAtRunTime(t *testing.T) {
	t.Parallel()
	server := ovsdbtest.Start(t, sbSchema, "OVN_Southbound")
	server.Transact(`[{"op":"insert","table":"SB_Global","row":{"options":["map",[["northd_internal_version","23.03.1-20.27.0-70.6"]]]}}]`)
	n := &network{startChassis(t, server, localDB(t, localIDs)), map[string]ovsdb.UUID{}}
	n.cfg.SlowPath = nil
	told := map[uint32]string{}
	n.cfg.Offload = func(_ backend.Delta, s device.Setting) { told = s.Off }
	n.settle()
	expect := func(want map[uint32]string) {
		t.Helper()
		n.until(fmt.Sprintf("off are %v", want), func() bool { return maps.Equal(told, want) })
	}
	n.datapath("sw0", "logical-switch", 4)
	n.setLocal("ovn-bridge-datapath-type", "system")
	n.setLocal("sluice-offload", "software")
	n.setLocal("sluice-offload-off-datapaths", "sw0,lr0")
	expect(map[uint32]string{4: "sw0"})
	n.datapath("lr0", "logical-router", 5)
	expect(map[uint32]string{4: "sw0", 5: "lr0"})
	n.setLocal("sluice-offload-off-datapaths", "lr0")
	expect(map[uint32]string{5: "lr0"})
}
