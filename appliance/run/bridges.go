package run

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// bridgePoll is how often ovs-vswitchd is asked about the bridges of physical networks: so long somebody's flow there, or an address that
// the host uses anew, is not known to the offload.
const bridgePoll = 2 * time.Second

// askBridges says which bridges watchBridges is to ask about.
func (r *chassisRun) askBridges() {
	if names := r.ctl.Devices().Providers(); !slices.Equal(names, r.asked) {
		r.asked = names
		latest(r.providers, names)
	}
}

// watchBridges asks ovs-vswitchd about the bridges of physical networks that the offload leads packets past, and tells the engine what has
// changed. Without the offload there are none.
func (r *chassisRun) watchBridges(ctx context.Context) error {
	var names []string
	var told map[string]device.BridgeState
	timer := time.NewTimer(bridgePoll)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case names = <-r.providers:
		case <-timer.C:
		}
		now := make(map[string]device.BridgeState, len(names))
		for _, name := range names {
			now[name] = r.bridgeState(ctx, name)
			// While the switch does not answer its flows stay what they were, and nobody else moves packets.
			if before, known := told[name]; known && now[name].Err != "" {
				now[name] = before
			}
		}
		if ctx.Err() == nil && !reflect.DeepEqual(now, told) {
			told = now
			latest(r.states, now)
		}
		timer.Reset(bridgePoll)
	}
}

// bridgeState asks about one bridge.
func (r *chassisRun) bridgeState(ctx context.Context, name string) (s device.BridgeState) {
	ctx, cancel := context.WithTimeout(ctx, bridgePoll)
	defer cancel()
	socket, err := unixctl.Socket(r.opt.Dirs.OVSRun, "ovs-vswitchd")
	if err != nil {
		return device.BridgeState{Err: err.Error()}
	}
	flows, err := unixctl.Call(ctx, socket, "bridge/dump-flows", name)
	if err != nil {
		return device.BridgeState{Err: err.Error()}
	}
	fdb, err := unixctl.Call(ctx, socket, "fdb/show", name)
	if err != nil {
		return device.BridgeState{Err: err.Error()}
	}
	learned, err := device.ParseFDB(fdb)
	if err != nil {
		return device.BridgeState{Err: err.Error()}
	}
	return device.BridgeState{Strange: device.StrangeFlow(flows), Learned: learned}
}
