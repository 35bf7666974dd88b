package controller

import (
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// TestExitWaitsForBothDatabases: an exit is not over before the tunnel ports are gone,
// those included that were being made when it was asked for.
func TestExitWaitsForBothDatabases(t *testing.T) {
	t.Parallel()
	sbServer, local := ovsdbtest.Start(t, sbSchema, "OVN_Southbound"), localDB(t, localIDs)
	sbServer.Transact(`[{"op":"insert","table":"SB_Global","row":{}}]`)
	n := &network{startChassis(t, sbServer, local), map[string]ovsdb.UUID{}}
	n.settle()
	n.chassis("hv2", "geneve", "192.0.2.2", nil)
	n.settle()
	local.Suspend()
	tx := &idl.Tx{}
	e := tx.Insert("Encap", map[string]any{"type": "geneve", "ip": "192.0.2.3", "chassis_name": "hv3"})
	tx.Insert("Chassis", map[string]any{"name": "hv3", "encaps": []any{e}})
	n.cfg.SB.Commit(tx, nil)
	n.await("the tunnel to be written", n.cfg.SB.Ready(), func() bool { n.turn(); return n.vswBusy })
	done := false
	n.Leave(func(err error) {
		if done = true; err != nil {
			t.Error(err)
		}
	})
	n.await("the end of the registration", n.cfg.SB.Ready(), func() bool { n.turn(); return n.w.SB.ChassisByName.One("hv1") == nil })
	n.turn()
	if done {
		t.Error("the exit is over before Open vSwitch's database has answered")
	}
	local.Resume()
	n.until("the exit", func() bool { return done })
	n.until("the tunnels' end", func() bool { return len(n.tunnelPorts("br-int")) == 0 })
}

// TestExitWithoutSwitchDatabase: what an exit has to leave behind is named.
func TestExitWithoutSwitchDatabase(t *testing.T) {
	t.Parallel()
	sbServer, local := ovsdbtest.Start(t, sbSchema, "OVN_Southbound"), localDB(t, localIDs)
	sbServer.Transact(`[{"op":"insert","table":"SB_Global","row":{}}]`)
	n := &network{startChassis(t, sbServer, local), map[string]ovsdb.UUID{}}
	n.settle()
	n.chassis("hv2", "geneve", "192.0.2.2", nil)
	n.settle()
	local.Kill()
	n.until("the disconnection", func() bool { return !n.cfg.VSW.State().Connected })
	var said error
	done := false
	n.Leave(func(err error) { done, said = true, err })
	n.until("the exit", func() bool { return done })
	if said == nil || !strings.Contains(said.Error(), "tunnel ports stay") {
		t.Errorf("the exit says %v", said)
	}
	if n.w.SB.ChassisByName.One("hv1") != nil {
		t.Error("the chassis is still registered")
	}
}
