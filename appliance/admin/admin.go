// Package admin is the control surface of a running controller: the commands that
// "ovn-appctl -t ovn-controller" sends to it (ovn-controller(8), "RUNTIME
// MANAGEMENT COMMANDS"), with the names and answers that operators and their
// scripts know, and "status", which is ours.
//
// Each file has one family of commands. Where the text of an answer differs
// between releases it is that of OVN 23.03; arguments of newer ones are taken too.
package admin

import (
	"context"
	"errors"

	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/fallback/ovs"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/offload/tc/netdev"
)

// Chassis is a running controller.
type Chassis interface {
	// Controller, Switch and SlowPath are nil until the local database has been read.
	Controller() *controller.Controller
	Switch() *ovs.Backend
	SlowPath() *punt.SlowPath
	// Offload is what drives the target of the offload; nil as above.
	Offload() *reconcile.Reconciler
	// NetworkDevices looks at the network devices of the chassis.
	NetworkDevices(context.Context) (*netdev.Inventory, error)
	// Metrics is where metrics are served.
	Metrics() Listener
	// Exit ends the controller, and withdraws the chassis unless it will start again.
	Exit(ctx context.Context, restart bool) error
}

// Listener is where somebody is listened to.
type Listener struct {
	Address string `json:"address"`         // as configured; "" for nowhere
	Error   string `json:"error,omitempty"` // why nobody is heard there; it is tried again
}

var errStarting = errors.New("the local Open_vSwitch database has not been read yet")

// words is an error of which the text is ovn-controller's, for scripts that read it.
type words string

func (w words) Error() string { return string(w) }

// table makes commands; their handlers run on the engine goroutine.
type table struct {
	chassis Chassis // nil for a program that is no controller
	on      unixctl.Executor
	list    []unixctl.Command
	other   *Offloading // that program; nil for a controller
}

// handler answers one request to a controller that has started.
type handler func(c *controller.Controller, args []string) (string, error)

// add registers a command that looks at or changes the controller.
func (t *table) add(name, usage string, min, max int, f handler) {
	t.list = append(t.list, unixctl.Command{Name: name, Usage: usage, MinArgs: min, MaxArgs: max, On: t.on,
		Run: func(_ context.Context, args []string) (string, error) {
			c := t.chassis.Controller()
			if c == nil {
				return "", errStarting
			}
			return f(c, args)
		}})
}

// do registers a command without arguments that does something and answers nothing.
func (t *table) do(name, usage string, f func(c *controller.Controller)) {
	t.add(name, usage, 0, 0, func(c *controller.Controller, _ []string) (string, error) {
		f(c)
		return "", nil
	})
}

// show registers a command without arguments that answers a text.
func (t *table) show(name string, f func(c *controller.Controller) string) {
	t.add(name, "", 0, 0, func(c *controller.Controller, _ []string) (string, error) { return f(c), nil })
}

// Commands are the controller's own commands.
func Commands(chassis Chassis, on unixctl.Executor) []unixctl.Command {
	t := &table{chassis: chassis, on: on}
	t.list = append(t.list, unixctl.Command{Name: "exit", Usage: "[--restart]", MaxArgs: 1,
		Run: func(ctx context.Context, args []string) (string, error) {
			return "", chassis.Exit(ctx, len(args) == 1 && args[0] == "--restart")
		}})
	t.southbound()
	t.engine()
	t.tables()
	t.flowCache()
	t.debug()
	t.dumps()
	t.inject()
	t.status()
	t.offload()
	return t.list
}

// southbound are the commands about the connection to the Southbound database.
func (t *table) southbound() {
	t.list = append(t.list, unixctl.Command{Name: "connection-status", On: t.on,
		Run: func(context.Context, []string) (string, error) {
			// Scripts poll it from the start on.
			if c := t.chassis.Controller(); c != nil && c.Connected() {
				return "connected", nil
			}
			return "not connected", nil
		}})
	t.do("sb-cluster-state-reset", "", (*controller.Controller).ForgetClusterIndex)
}
