package run

import (
	"context"

	"github.com/sluice-gw/sluice/appliance/admin"
	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/fallback/ovs"
	"github.com/sluice-gw/sluice/internal/daemon"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/vlog"
	"github.com/sluice-gw/sluice/offload/tc/netdev"
)

func daemonLog(f *vlog.Facility) []unixctl.Command { return daemon.LogCommands(f) }

// The methods below are what package admin asks of a running controller.

// Controller implements admin.Chassis: nil before the local database is read.
func (r *chassisRun) Controller() *controller.Controller { return r.ctl }

// Switch implements admin.Chassis.
func (r *chassisRun) Switch() *ovs.Backend { return r.ovs }

// SlowPath implements admin.Chassis.
func (r *chassisRun) SlowPath() *punt.SlowPath { return r.slow }

// Offload implements admin.Chassis.
func (r *chassisRun) Offload() *reconcile.Reconciler { return r.tc }

// NetworkDevices implements admin.Chassis.
func (r *chassisRun) NetworkDevices(ctx context.Context) (*netdev.Inventory, error) {
	return netdev.Look(ctx, 0)
}

// Metrics implements admin.Chassis.
func (r *chassisRun) Metrics() admin.Listener {
	address, err := r.metrics.State()
	l := admin.Listener{Address: address}
	if err != nil {
		l.Error = err.Error()
	}
	return l
}

// Exit implements admin.Chassis.
func (r *chassisRun) Exit(ctx context.Context, restart bool) error {
	return r.exit.Ask(ctx, restart)
}
