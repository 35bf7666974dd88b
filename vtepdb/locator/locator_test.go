package locator_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/vtepdb/locator"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// TestRefs: an address has one row, which is made once where there is none that fits.
func TestRefs(t *testing.T) {
	const schema = "/usr/share/openvswitch/vtep.ovsschema" // Debian package openvswitch-vtep
	capability.Need(t, "ovs", schema)
	s := ovsdbtest.Start(t, schema, "hardware_vtep")
	s.Transact(`[{"op":"insert","table":"Physical_Locator","uuid-name":"a","row":{"encapsulation_type":"vxlan_over_ipv4","dst_ip":"192.0.2.1"}},
		{"op":"insert","table":"Physical_Locator","uuid-name":"b","row":{"encapsulation_type":"vxlan_over_ipv4","dst_ip":"192.0.2.2","tunnel_key":7}},
		{"op":"insert","table":"Logical_Switch","uuid-name":"ls","row":{"name":"ls"}},
		{"op":"insert","table":"Ucast_Macs_Local","row":{"MAC":"02:00:00:00:00:01","logical_switch":["named-uuid","ls"],"locator":["named-uuid","a"]}},
		{"op":"insert","table":"Ucast_Macs_Local","row":{"MAC":"02:00:00:00:00:02","logical_switch":["named-uuid","ls"],"locator":["named-uuid","b"]}}]`)
	r := rows.NewReplica(rows.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.Remote, Logger: slog.New(slog.DiscardHandler)}})
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- r.Run(ctx) }()
	defer func() {
		cancel()
		<-end
	}()
	for limit := time.After(time.Minute); r.DB().PhysicalLocator.Len() < 2; {
		if _, ok := r.Next(); ok {
			continue
		}
		select {
		case <-r.Ready():
		case <-limit:
			t.Fatal("the rows do not arrive")
		}
	}
	var tx idl.Tx
	refs := locator.New(&tx, r.DB().PhysicalLocatorByDstIP, func(l *rows.PhysicalLocator) (ovsdb.UUID, bool) {
		return l.UUID, l.EncapsulationType == locator.VXLAN && !l.TunnelKey.OK
	})
	if got, want := refs.To("192.0.2.1"), any(r.DB().PhysicalLocatorByDstIP.One("192.0.2.1").UUID); got != want || tx.Len() != 0 {
		t.Errorf("of a row that is there: %v, want %v, with %d operations", got, want, tx.Len())
	}
	for i, ip := range []string{"192.0.2.2", "192.0.2.3"} {
		if first, again := refs.To(ip), refs.To(ip); first != again || tx.Len() != i+1 {
			t.Errorf("%s: %v, again %v, with %d operations", ip, first, again, tx.Len())
		}
	}
}
