package testbed

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/test/hil/scenario"
	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe/remote"
)

// bed is the equipment while scenarios are played on it.
type bed struct {
	ctx       context.Context
	equipment *Equipment
	agents    map[*Slot]*remote.Host
	undo      []func(context.Context) error // of what was set for all scenarios
	touched   bool                          // there may be something in the Northbound database
	stage                                   // of the scenario that is played
}

// Start starts testbeds on the equipment, for scenario.NewPlayer. It refuses a central node that is in use.
func Start(ctx context.Context, e *Equipment) func() (scenario.Testbed, error) {
	return func() (scenario.Testbed, error) {
		b := &bed{ctx: ctx, equipment: e, agents: map[*Slot]*remote.Host{}, stage: newStage(&assignment{})}
		return b, b.start()
	}
}

// start looks whether the equipment is what the file says, and nobody else's.
func (b *bed) start() error {
	used, err := b.ovn(b.ctx).Configured()
	if err != nil {
		return err
	}
	if used {
		return fmt.Errorf("the Northbound database of %s is not empty, and scenarios would remove what is there: a testbed has a central node of its own; "+
			"what a scenario has left that was cut short can be removed by \"ovn-nbctl --all destroy Logical_Switch\" and the like", b.equipment.File)
	}
	for i := range b.equipment.Chassis {
		if err := b.startChassis(&b.equipment.Chassis[i]); err != nil {
			return err
		}
	}
	return b.sync(b.ctx)
}

func (b *bed) startChassis(c *Chassis) error {
	const encap = "external_ids:ovn-encap-type"
	out, err := b.vsctl(b.ctx, c, "--if-exists", "get", "Open_vSwitch", ".", "external_ids:system-id", encap)
	if err != nil {
		return err
	}
	id, was, _ := strings.Cut(out, "\n")
	if id = strings.Trim(id, `"`); id != c.Name.Text {
		return fmt.Errorf("%s:%d: the system-id of chassis %s is %q: name it so", b.equipment.File, c.Name.Line, c.Name.Text, id)
	}
	if c.Encap.Text == "" {
		return nil
	}
	b.undo = append(b.undo, func(ctx context.Context) error {
		back := []string{"set", "Open_vSwitch", ".", encap + "=" + was}
		if was == "" {
			back = []string{"remove", "Open_vSwitch", ".", "external_ids", "ovn-encap-type"}
		}
		_, err := b.vsctl(ctx, c, back...)
		return err
	})
	_, err = b.vsctl(b.ctx, c, "set", "Open_vSwitch", ".", encap+"="+c.Encap.Text)
	return err
}

// Close puts everything back also when the testbed's context has ended.
func (b *bed) Close() error {
	ctx := context.WithoutCancel(b.ctx)
	errs := []error{b.clear(ctx)}
	for _, undo := range b.undo {
		errs = append(errs, undo(ctx))
	}
	for _, h := range b.agents {
		errs = append(errs, h.Close())
	}
	return errors.Join(errs...)
}

// patience is how long a program may take to come up, and limit how long one may take for a command.
func (b *bed) patience() time.Duration { return 7 * b.equipment.Timeout }
func (b *bed) limit() time.Duration    { return 30 * b.equipment.Timeout }

// within has a tool of Open vSwitch or OVN give up before its shell does.
func (b *bed) within() string {
	return "--timeout=" + strconv.Itoa(int(20*b.equipment.Timeout/time.Second)+1)
}

// ovn is the central node.
func (b *bed) ovn(ctx context.Context) lab.OVN {
	central := shell{"the central node", b.equipment.Central.Shell, b.limit()}
	tool := func(command word) func(...string) (string, error) {
		return func(args ...string) (string, error) {
			return central.program(ctx, command, append([]string{b.within()}, args...)...)
		}
	}
	return lab.OVN{NB: tool(b.equipment.Central.NBCtl), SB: tool(b.equipment.Central.SBCtl), Timeout: b.patience()}
}

func (b *bed) shell(c *Chassis) shell { return shell{c.Name.Text, c.Shell, b.limit()} }

func (b *bed) vsctl(ctx context.Context, c *Chassis, args ...string) (string, error) {
	return b.shell(c).program(ctx, c.VSCtl, append([]string{b.within()}, args...)...)
}

func (b *bed) Configure(commands string) error {
	b.touched = true
	return b.ovn(b.ctx).Configure(b.plan.renamed(commands))
}

func (b *bed) Settle() error { return b.ovn(b.ctx).Settle(b.ctx, b.running()) }

func (b *bed) sync(ctx context.Context) error { return b.ovn(ctx).Sync(ctx, b.running()) }

func (b *bed) Port(host string) scenario.Port {
	p := b.plan.hosts[host]
	return scenario.Port{Host: b.agents[p.slot], Shared: p.shared, Timeout: b.equipment.Timeout}
}
