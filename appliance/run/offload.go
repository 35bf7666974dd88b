package run

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// startOffload makes the goroutine of the kernel's traffic control.
func (r *chassisRun) startOffload(ctx context.Context, g *errgroup.Group) error {
	links, err := tc.NewLinks(0)
	if err != nil {
		return fmt.Errorf("the kernel's network devices cannot be reached: %w", err)
	}
	target := tc.New(tc.Config{Dial: func() (*flower.Conn, error) { return flower.Dial(flower.Config{}) }, Links: links, Devices: r.NetworkDevices})
	r.tc = reconcile.New(reconcile.Config{Target: target, Changes: r.offer, Log: r.opt.Log.Logger("offload"),
		Acked: func(rev backend.Revision) { latest(r.hard, rev) }, HandOver: func(x offload.Handovers) { latest(r.hands, x) }})
	g.Go(func() error {
		defer links.Close()
		defer target.Close()
		return r.tc.Run(ctx)
	})
	g.Go(func() error { return tc.Follow(ctx, r.tc.Relink, r.opt.Log.Logger("offload")) })
	g.Go(func() error { return r.watchHeat(ctx) })
	g.Go(func() error { return r.watchBridges(ctx) })
	return nil
}

const (
	heatPause    = 10 * time.Second // between readings of Open vSwitch's counters; they are of use only when compared with earlier ones
	heatPatience = 5 * time.Second
)

// watchHeat tells the offload how many packets the rules have in Open vSwitch, as long as there are paths that it has no room for.
func (r *chassisRun) watchHeat(ctx context.Context) error {
	tick := time.NewTicker(heatPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		crowded := false
		if err := r.tc.Do(ctx, func(v reconcile.View) { crowded = v.Planner.Crowded() }); err != nil {
			return err
		}
		if !crowded {
			continue
		}
		packets, err := r.heat(ctx)
		if err != nil { // the switch is away, which others log
			r.opt.Log.Logger("offload").Debug("counters of Open vSwitch: " + err.Error())
			continue
		}
		if err := r.tc.Heat(ctx, packets); err != nil {
			return err
		}
	}
}

func (r *chassisRun) heat(ctx context.Context) (map[ir.RuleID]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, heatPatience)
	defer cancel()
	return r.ovs.Counters(ctx)
}

// acknowledge tells the controller what all targets have.
func (r *chassisRun) acknowledge() {
	rev := r.ovsAck.rev
	if r.ctl.Devices().Mode != offload.Off {
		rev = min(rev, r.tcAck)
	}
	r.ctl.Acked(rev, r.ovsAck.failures)
}

// clearLimit is how long an exit waits for the kernel.
const clearLimit = 5 * time.Second

// clearOffload takes away what stands in front of Open vSwitch, when the chassis
// leaves: whoever drives the switch next does not know of it.
func (r *chassisRun) clearOffload(ctx context.Context) {
	if r.ctl.Devices().Mode == offload.Off {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, clearLimit)
	defer cancel()
	if err := r.tc.Clear(ctx); err != nil {
		r.opt.Log.Logger("offload").Warn("rules stay in front of Open vSwitch: " + err.Error() + "; \"tc qdisc del dev DEVICE clsact\" removes them")
	}
}
