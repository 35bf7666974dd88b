package testbed

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/test/hil/scenario"
	"github.com/sluice-gw/sluice/test/lab"
)

// mends is what mends a fault. What is not here has left nothing broken.
var mends = map[scenario.FaultKind]scenario.FaultKind{
	scenario.ControllerKilled: scenario.ControllerStarted,
	scenario.ControllerHalted: scenario.ControllerContinued,
	scenario.ChassisDead:      scenario.ChassisBack,
	scenario.UnderlayDown:     scenario.UnderlayUp,
	scenario.DeviceGone:       scenario.DeviceBack,
	scenario.LinkDown:         scenario.LinkUp,
}

// checker finds what is wrong with a file, and keeps the first.
type checker struct {
	err     error
	names   map[string]bool
	chassis map[string]bool
	devices map[[2]string]bool
}

// check finds out whether everything is there.
func (e *Equipment) check() error {
	c := checker{names: map[string]bool{}, chassis: map[string]bool{}, devices: map[[2]string]bool{}}
	if e.Timeout <= 0 {
		c.fail(0, "the timeout is %s: a packet takes some time", e.Timeout)
	}
	c.command("the central node's shell", e.Central.Shell, 0)
	if len(e.Chassis) == 0 {
		c.fail(0, "there is no chassis")
	}
	ofChassis, ofHosts := scenario.FaultKinds()
	for _, x := range e.Chassis {
		what := c.name("chassis", x.Name)
		c.chassis[x.Name.Text] = true
		c.command(what+"'s shell", x.Shell, x.Name.Line)
		if t := x.Encap; t.Text != "" && t.Text != "geneve" && t.Text != "vxlan" {
			c.fail(t.Line, "%s has encap %q: there are geneve and vxlan", what, t.Text)
		}
		c.faults(what, x.Faults, ofChassis)
	}
	for _, x := range e.Hosts {
		what := c.slot("host", x.Slot, ofHosts)
		c.device(what, x.Name.Line, x.Chassis, x.Device)
		if x.VLAN != 0 {
			c.fail(x.Name.Line, "%s is on a chassis and cannot have a VLAN: trunks and the physical network have them", what)
		}
	}
	for _, x := range e.Trunks {
		what := c.name("trunk", x.Name)
		c.device(what, x.Name.Line, x.Chassis, x.Device)
		if len(x.Hosts) == 0 {
			c.fail(x.Name.Line, "%s has no hosts", what)
		}
		vlans := map[int]bool{}
		for _, h := range x.Hosts {
			c.slot("host", h, ofHosts)
			if vlans[h.VLAN] {
				c.fail(h.Name.Line, "%s has VLAN %d already", what, h.VLAN)
			}
			vlans[h.VLAN] = true
		}
	}
	for _, x := range e.Physical {
		c.slot("physical host", x, nil)
	}
	return c.err
}

func (c *checker) fail(line int, format string, args ...any) {
	switch what := fmt.Sprintf(format, args...); {
	case c.err != nil:
	case line > 0:
		c.err = wrong{line, what}
	default:
		c.err = fmt.Errorf("%s", what)
	}
}

// name is what errors call something. A name is given once.
func (c *checker) name(kind string, name word) string {
	switch {
	case name.Text == "":
		c.fail(name.Line, "a %s has no name", kind)
	case c.names[name.Text]:
		c.fail(name.Line, "%s %s: there is another thing of that name", kind, name.Text)
	}
	c.names[name.Text] = true
	return kind + " " + name.Text
}

// command is one that is started here, without a shell.
func (c *checker) command(what string, command word, line int) {
	argv, err := lab.Split(command.Text)
	switch {
	case err != nil:
		c.fail(command.Line, "%s: %v", what, err)
	case len(argv) == 0:
		c.fail(max(command.Line, line), "%s, a command that reaches it, is missing", what)
	}
}

func (c *checker) slot(kind string, s Slot, faults []scenario.FaultKind) (what string) {
	what = c.name(kind, s.Name)
	c.command(what+"'s agent", s.Agent, s.Name.Line)
	if s.VLAN < 0 || s.VLAN > 4094 {
		c.fail(s.Name.Line, "%s has VLAN %d, not a number from 0 to 4094", what, s.VLAN)
	}
	c.faults(what, s.Faults, faults)
	return what
}

func (c *checker) device(what string, line int, chassis, device word) {
	at := [2]string{chassis.Text, device.Text}
	switch {
	case !c.chassis[chassis.Text]:
		c.fail(max(line, chassis.Line), "%s: there is no chassis %q", what, chassis.Text)
	case device.Text == "":
		c.fail(max(line, device.Line), "%s has no device on its chassis", what)
	case c.devices[at]:
		c.fail(device.Line, "%s: %s of %s is another's", what, device.Text, chassis.Text)
	}
	c.devices[at] = true
}

// faults demands that what can be broken can be mended.
func (c *checker) faults(what string, f commands, known []scenario.FaultKind) {
	for _, kind := range slices.Sorted(maps.Keys(f)) {
		mend, broken := mends[kind]
		switch line := f[kind].Line; {
		case !slices.Contains(known, kind):
			c.fail(line, "%s: %q is no fault of it: there are %q", what, kind, known)
		case f[kind].Text == "":
			c.fail(line, "%s: there is no command for %q", what, kind)
		case broken && f[mend].Text == "":
			c.fail(line, "%s has a command for %q and none for %q, which mends it", what, kind, mend)
		}
	}
}
