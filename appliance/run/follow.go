package run

import (
	"os"
	"path/filepath"
	"time"
)

// bridgeName says where the integration bridge is managed.
type bridgeName struct {
	bridge string // external_ids:ovn-bridge
	remote string // external_ids:ovn-bridge-remote; "": the bridge's management socket
}

// follow applies what changed in the configuration and is not the engine's matter.
func (r *chassisRun) follow() {
	cfg := r.ctl.Configuration()
	// New key files are used when a connection is made: at once if there is none. One
	// that is open stays, as it does for ovn-controller.
	rekeyed := r.keys.follow(r.vsw.DB())
	if rekeyed || cfg.Remote != r.remote {
		r.setRemote(cfg.Remote)
	}
	r.sb.SetProbe(time.Duration(cfg.RemoteProbe) * time.Millisecond)
	r.ovs.SetProbe(time.Duration(cfg.BridgeProbe) * time.Second)
	r.metrics.Listen(cfg.Metrics)
	if now := (bridgeName{cfg.Bridge, cfg.BridgeRemote}); now != *r.bridge.Load() {
		r.bridge.Store(&now)
		r.ovs.Redial("the integration bridge is now " + now.String())
	}
}

// setRemote connects to a Southbound database, or to another. What is no remote is named where the configuration is read
// (config.Problem); the servers of before stay.
func (r *chassisRun) setRemote(remote string) {
	r.remote = remote
	_ = r.sb.SetRemote(remote)
}

func (b bridgeName) String() string {
	if b.remote != "" {
		return b.bridge + " at " + b.remote
	}
	return b.bridge
}

// bridgeAddr is where the integration bridge is managed, "" while it is not there.
func (r *chassisRun) bridgeAddr() string {
	b := r.bridge.Load()
	if b.remote != "" {
		return b.remote
	}
	path := filepath.Join(r.opt.Dirs.OVSRun, b.bridge+".mgmt")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return "unix:" + path
}
