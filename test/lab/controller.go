package lab

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// ReferenceController is Debian's ovn-controller, the program that sluice replaces and is compared with.
const ReferenceController = "/usr/bin/ovn-controller"

// Controller is a program that drives a chassis or manages hardware VTEPs: sluice's or OVN's own.
type Controller struct {
	argv   []string
	sluice bool
}

// ParseController understands the path or name of a controller program. One that is named "sluice" is called with the word
// "controller"; any other has ovn-controller's command line, and is sluice too when it is a link to a file with that name.
func ParseController(program string) (Controller, error) {
	return parseController(program, "controller")
}

// parseController is ParseController for the subcommand of sluice that does what the program does.
func parseController(program, subcommand string) (Controller, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return Controller{}, fmt.Errorf("controller: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return Controller{}, fmt.Errorf("controller: %w", err)
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Controller{}, fmt.Errorf("controller: %w", err)
	}
	c := Controller{argv: []string{path}, sluice: filepath.Base(target) == "sluice"}
	if filepath.Base(path) == "sluice" {
		c.argv = append(c.argv, subcommand)
	}
	return c, nil
}

// Path is the program file; it is empty for the zero value.
func (c Controller) Path() string {
	if len(c.argv) == 0 {
		return ""
	}
	return c.argv[0]
}

// IsSluice tells whether the program is ours. What is demanded of it, such as losing no packet when it is killed, is only
// reported for another.
func (c Controller) IsSluice() bool { return c.sluice }

// String is the command without its options.
func (c Controller) String() string { return strings.Join(c.argv, " ") }

// command is the command line for a chassis whose files are in dir.
func (c Controller) command(dir string) []string {
	return append(append([]string{}, c.argv...), "--pidfile="+filepath.Join(dir, "ovn-controller.pid"),
		"--log-file="+filepath.Join(dir, "ovn-controller.log"), "-vconsole:off", "unix:"+filepath.Join(dir, "db.sock"))
}

func isController(p *Process) bool {
	return filepath.Base(p.Name) == "ovn-controller" || filepath.Base(p.Name) == "ovn-controller-vtep"
}

func isSwitchOrNorthd(p *Process) bool {
	return filepath.Base(p.Name) == "ovs-vswitchd" || filepath.Base(p.Name) == "ovn-northd"
}
