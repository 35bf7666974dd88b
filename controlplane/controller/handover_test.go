package controller

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs"
	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// TestSwitchTakesHandovers: Open vSwitch takes all rules by which packets of a gateway are handed over in the middle. One that it refuses
// costs the offload of all that is translated or committed in front of it.
func TestSwitchTakesHandovers(t *testing.T) {
	t.Parallel()
	withoutRace(t)
	for name, start := range map[string]func(*testing.T) *hypervisor{"all": startGateway, "router": startRouter} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			switchTakesHandovers(t, start(t))
		})
	}
}

// startRouter starts a chassis that has nothing but the gateway of a router with NAT: all is behind tunnels, or behind the bridge.
func startRouter(t *testing.T) *hypervisor {
	t.Helper()
	d, c := startWithPeer(t)
	d.Configure(`
		ls-add sw0 -- ls-add pub -- lr-add lr0
		lsp-add sw0 vm1 -- lsp-set-addresses vm1 '50:54:00:00:00:01 10.0.0.3 fd00::3'
		lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.1/24 fd00::1/64
		lsp-add sw0 sw0-lr0 -- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router -- lsp-set-options sw0-lr0 router-port=lr0-sw0
		lrp-add lr0 lr0-pub 00:00:20:20:12:13 172.16.0.1/24
		lsp-add pub pub-lr0 -- lsp-set-type pub-lr0 router -- lsp-set-addresses pub-lr0 router -- lsp-set-options pub-lr0 router-port=lr0-pub nat-addresses=router
		lsp-add pub ln0 -- lsp-set-type ln0 localnet -- lsp-set-addresses ln0 unknown -- lsp-set-options ln0 network_name=phys
		lrp-set-gateway-chassis lr0-pub hv1 20
		lr-route-add lr0 0.0.0.0/0 172.16.0.254
		lr-nat-add lr0 snat 172.16.0.1 10.0.0.0/24
		lr-nat-add lr0 dnat_and_snat 172.16.0.10 10.0.0.3`)
	c.quiet(d)
	d.SBCtl("lsp-bind vm1 hv2")
	c.quiet(d)
	return c
}

func switchTakesHandovers(t *testing.T, c *hypervisor) {
	t.Helper()
	f := newFlattened(c, flatten.Config{Handover: true, Cut: 24, CanTags: true, Control: flatten.NeighbourTraffic()})
	f.follow()
	all, tables := f.rules(), map[ir.RuleID]flatten.SegmentID{}
	for seg := range f.Segments() {
		if _, root := seg.ID.Ingress(); root {
			continue
		}
		table := offload.Table{Segment: seg.ID, Tracked: seg.Tracked, Zone: seg.Zone, Mark: offload.HandoverMark | uint32(seg.ID)}
		var ok bool
		if table.Entry, ok = seg.Entry(); !ok {
			continue
		}
		for _, r := range table.TableRules() {
			all, tables[r.ID] = append(all, r), seg.ID
		}
	}
	if len(tables) < 100 {
		t.Fatalf("%d rules hand over", len(tables))
	}
	texts := map[ir.RuleID]string{}
	for _, r := range all {
		texts[r.ID] = r.String()
	}
	for _, failure := range refused(t, all) {
		if id, ours := tables[failure.Rule]; ours {
			t.Errorf("%s: %s\n%s", id, failure.Detail, texts[failure.Rule])
		}
	}
}

// refused are the rules that a switch does not take.
func refused(t *testing.T, rules []ir.Rule) []backend.Failure {
	t.Helper()
	sw := vswitch.Start(t)
	sw.AddBridge("br-int")
	mail, acks := backend.NewMailbox(), make(chan []backend.Failure, 10)
	be := ovs.New(ovs.Config{Addr: func() string { return "unix:" + sw.Mgmt("br-int") }, Changes: mail,
		Acked:  func(_ backend.Revision, f []backend.Failure) { acks <- slices.Clone(f) },
		Resend: func(string) {}, PacketIn: func(ovs.PacketIn) {}, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = be.Run(ctx) }()
	defer func() { cancel(); <-done }()
	mail.Send(backend.Delta{Revision: 1, Reset: true, Complete: true, Handover: true, Put: rules})
	select {
	case failures := <-acks:
		return failures
	case <-time.After(patience):
		t.Fatal("the switch does not acknowledge")
	}
	return nil
}
