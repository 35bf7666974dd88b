package switchrows_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/vtepdb/switchrows"
)

const schemaPath = "/usr/share/openvswitch/vtep.ovsschema" // Debian package openvswitch-vtep

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Nothing that tables.txt names is unknown to a server with the installed schema, or of another type there, and stations are found by their address.
func TestInstalledSchema(t *testing.T) {
	capability.Need(t, "ovs", schemaPath)
	s := ovsdbtest.Start(t, schemaPath, "hardware_vtep")
	s.Transact(`[{"op":"insert","table":"Logical_Switch","row":{"name":"ls1"},"uuid-name":"ls"},
		{"op":"insert","table":"Physical_Locator","row":{"encapsulation_type":"vxlan_over_ipv4","dst_ip":"192.0.2.9"},"uuid-name":"l"},
		{"op":"insert","table":"Ucast_Macs_Remote","row":{"MAC":"02:00:00:00:00:01","logical_switch":["named-uuid","ls"],"locator":["named-uuid","l"]}}]`)
	r := switchrows.NewReplica(switchrows.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.Remote, Logger: slog.New(slog.DiscardHandler)}})
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-end })
	deadline := time.After(time.Minute)
	for r.DB().UcastMacsRemote.Len() == 0 {
		select {
		case <-r.Ready():
		case <-deadline:
			t.Fatalf("waited a minute for the rows; %+v", r.State())
		}
		for _, ok := r.Next(); ok; _, ok = r.Next() {
		}
	}
	if missing := r.State().Missing; len(missing) > 0 {
		t.Errorf("the installed schema lacks %v", missing)
	}
	ls := r.DB().LogicalSwitchByName.One("ls1")
	if ls == nil || len(r.DB().UcastMacsRemoteByMAC.Get(switchrows.UcastMacsRemoteByMACKey{LogicalSwitch: ls.UUID, MAC: "02:00:00:00:00:01"})) != 1 {
		t.Errorf("the station of logical switch %+v is not found", ls)
	}
}
