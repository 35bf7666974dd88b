// Package node is the ground that the engine's nodes stand on: what every node
// may read during a run. Each datum has a package of its own below this one.
package node

import (
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
}

// Self is this chassis's row, nil while there is none.
func (w *World) Self() *sb.Chassis {
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

// ChassisName is the name of a chassis row, "" when there is no such row.
func (w *World) ChassisName(id ovsdb.UUID) string {
	if c := w.SB.Chassis.Get(id); c != nil {
		return c.Name
	}
	return ""
}
