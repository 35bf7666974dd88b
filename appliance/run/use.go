package run

import (
	"context"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/aging"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
)

// usePatience is how long the switch may take to tell what is used.
const usePatience = 10 * time.Second

// askUse has watchUse look for use once more.
func (r *chassisRun) askUse() { latest(r.useAsked, struct{}{}) }

// watchUse finds out which neighbours and stations are used, when the engine asks for it. Packets that the offload keeps from
// Open vSwitch count as those that Open vSwitch sees.
func (r *chassisRun) watchUse(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.useAsked:
		}
		idle, err := r.idle(ctx)
		if err != nil { // the switch is away, which others log: there will be another question
			r.opt.Log.Logger("statctrl").Debug("statistics of Open vSwitch: " + err.Error())
			continue
		}
		latest(r.used, idle)
	}
}

func (r *chassisRun) idle(ctx context.Context) (aging.Idle, error) {
	ctx, cancel := context.WithTimeout(ctx, usePatience)
	defer cancel()
	stages := []ir.Stage{aging.NeighbourStage, aging.StationStage}
	idle, err := r.ovs.Idle(ctx, stages...)
	if err != nil {
		return nil, err
	}
	err = r.tc.Do(ctx, func(v reconcile.View) {
		for _, stage := range stages {
			for rule, d := range v.Planner.Idle(time.Now(), stage) {
				if soft, used := idle[rule]; !used || d < soft {
					idle[rule] = d
				}
			}
		}
	})
	return idle, err
}
