// Package admin is the control surface of a running controller: the commands that
// "ovn-appctl -t ovn-controller" sends to it (ovn-controller(8), "RUNTIME
// MANAGEMENT COMMANDS"), with the names and answers that operators and their
// scripts know.
package admin

import (
	"context"
	"errors"

	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/fallback/ovs"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// Chassis is a running controller.
type Chassis interface {
	// Controller, Switch and SlowPath are nil until the local database has been read.
	Controller() *controller.Controller
	Switch() *ovs.Backend
	SlowPath() *punt.SlowPath
	// Exit ends the controller, and withdraws the chassis unless it will start again.
	Exit(ctx context.Context, restart bool) error
}

var errStarting = errors.New("the local Open_vSwitch database has not been read yet")

// table makes commands; their handlers run on the engine goroutine.
type table struct {
	chassis Chassis
	on      unixctl.Executor
	list    []unixctl.Command
}

// add registers a command that looks at or changes the controller.
func (t *table) add(name, usage string, min, max int, f func(c *controller.Controller, args []string) (string, error)) {
	t.list = append(t.list, unixctl.Command{Name: name, Usage: usage, MinArgs: min, MaxArgs: max, On: t.on,
		Run: func(_ context.Context, args []string) (string, error) {
			c := t.chassis.Controller()
			if c == nil {
				return "", errStarting
			}
			return f(c, args)
		}})
}

// Commands are the controller's own commands.
func Commands(chassis Chassis, on unixctl.Executor) []unixctl.Command {
	t := &table{chassis: chassis, on: on}
	t.list = append(t.list, unixctl.Command{Name: "exit", Usage: "[--restart]", MaxArgs: 1,
		Run: func(ctx context.Context, args []string) (string, error) {
			return "", chassis.Exit(ctx, len(args) == 1 && args[0] == "--restart")
		}})
	t.add("connection-status", "", 0, 0, func(c *controller.Controller, _ []string) (string, error) {
		if c.Connected() {
			return "connected", nil
		}
		return "not connected", nil
	})
	t.add("recompute", "", 0, 0, recompute)
	t.add("inc-engine/recompute", "", 0, 0, recompute)
	return t.list
}

func recompute(c *controller.Controller, _ []string) (string, error) {
	c.Recompute("asked for by the recompute command")
	return "", nil
}
