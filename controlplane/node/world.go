// Package node is the ground that the engine's nodes stand on: what every node
// may read during a run. Each datum has a package of its own below this one.
package node

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluice-gw/sluice/controlplane/node/config"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// World is what the nodes read. It belongs to the engine goroutine; the change
// sets are those of the present run and never nil.
type World struct {
	SB         *sb.DB
	VSW        *vsw.DB
	SBChanges  *sb.Changes
	VSWChanges *vsw.Changes
	Config     *config.Config
	Now        func() time.Time
	Log        *slog.Logger
	// Foreign tells whether the Southbound row of this chassis's name is certainly another
	// host's: nothing that it says is about this host.
	Foreign bool

	refused refusals
}

// Northd is the version of the ovn-northd that writes the Southbound database, for
// example "23.03.1-20.27.0-70.6"; "" before that is known, and before OVN 20.12.
func (w *World) Northd() string {
	for g := range w.SB.SBGlobal.All() {
		return g.Options["northd_internal_version"]
	}
	return ""
}

// NorthdSince tells whether ovn-northd is of release major.minor or a later one.
// The local database's conventions differ between releases, and a chassis is
// likely to be of the same release as ovn-northd; so what ovn-controller left is
// found right, and it finds right what we leave.
func (w *World) NorthdSince(major, minor int) bool {
	var a, b int
	if n, _ := fmt.Sscanf(w.Northd(), "%d.%d.", &a, &b); n < 2 {
		return false
	}
	return a > major || a == major && b >= minor
}

// NewRegisters tells whether ovn-northd saves what a load balancer's connection was sent to
// in the registers of 25.03 and later. The releases that can use either say so by
// SB_Global options:register_consolidation; from 26.03.90 on, the development towards
// 26.09, there are no others and nothing is said (OVN commit 91d86fef0).
func (w *World) NewRegisters() bool {
	for g := range w.SB.SBGlobal.All() {
		if g.Options["register_consolidation"] == "true" {
			return true
		}
	}
	return w.NorthdSince(25, 3)
}

// Self is this chassis's row, nil while there is none or it is another host's.
func (w *World) Self() *sb.Chassis {
	if w.Foreign {
		return nil
	}
	return w.Named()
}

// Named is the row of this chassis's name, whoever's it is; nil while there is none.
func (w *World) Named() *sb.Chassis {
	if w.Config == nil || w.Config.Chassis == "" {
		return nil
	}
	return w.SB.ChassisByName.One(w.Config.Chassis)
}

// SelfID is the UUID of Self, zero while there is none.
func (w *World) SelfID() ovsdb.UUID {
	if c := w.Self(); c != nil {
		return c.UUID
	}
	return ovsdb.UUID{}
}

// Bridge is the integration bridge's row, nil while there is none.
func (w *World) Bridge() *vsw.Bridge {
	if w.Config == nil {
		return nil
	}
	return w.VSW.BridgeByName.One(w.Config.Bridge)
}

// Datapath is the row of the integration bridge's datapath, nil while there is none.
func (w *World) Datapath() *vsw.Datapath {
	br := w.Bridge()
	if br == nil {
		return nil
	}
	for root := range w.VSW.OpenVSwitch.All() {
		return w.VSW.Datapath.Get(root.Datapaths[cmp.Or(br.DatapathType, "system")])
	}
	return nil
}

// ChassisName is the name of a chassis row, "" when there is no such row.
func (w *World) ChassisName(id ovsdb.UUID) string {
	if c := w.SB.Chassis.Get(id); c != nil {
		return c.Name
	}
	return ""
}
