package lab

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// Controller is the program that drives the chassis; SetController changes it for the next start.
func (ch *Chassis) Controller() Controller { return ch.program }

// SetController makes another program the chassis' controller from its next start on.
func (ch *Chassis) SetController(c Controller) { ch.program = c }

// ControllerProcess is the running controller, or the last one that ran.
func (ch *Chassis) ControllerProcess() *Process { return ch.controller }

// StartController starts the controller and returns when it answers on its control socket.
func (ch *Chassis) StartController() (err error) {
	ch.controller, err = ch.lab.start(ch.Name+"/ovn-controller", ch.Netns, ch.Dir, runtimeEnv(ch.Dir), ch.program.command(ch.Dir)...)
	if err != nil {
		return err
	}
	return Until(ch.lab.ctx, ch.lab.startTimeout(), fmt.Sprintf("%s of %s to answer", ch.program, ch.Name), func() error {
		if err := ch.controller.Alive(); err != nil {
			return err
		}
		_, err := ch.ControllerCtl("version")
		return err
	})
}

// ControllerSocket is the control socket of the controller that runs, or ran last.
func (ch *Chassis) ControllerSocket() string {
	return filepath.Join(ch.Dir, "ovn-controller."+strconv.Itoa(ch.controller.Pid())+".ctl")
}

// ControllerCtl sends a command to the running controller's control socket, as "ovn-appctl -t ovn-controller" does.
func (ch *Chassis) ControllerCtl(args ...string) (string, error) {
	return output(ch.lab.ctx, runtimeEnv(ch.Dir), append([]string{"ovs-appctl", timeoutOption(ch.lab.startTimeout()), "-t", ch.ControllerSocket()}, args...)...)
}

// ExitController ends the controller by its command "exit", with --restart when the chassis is to stay registered. It
// fails when the controller has to be killed.
func (ch *Chassis) ExitController(restart bool) error {
	args := []string{"exit"}
	if restart {
		args = append(args, "--restart")
	}
	if _, err := ch.ControllerCtl(args...); err != nil {
		return err
	}
	grace := ch.lab.startTimeout()
	if !ch.controller.WaitOrKill(grace) {
		return fmt.Errorf("controller of %s did not end within %s of %q; killed it", ch.Name, grace, args)
	}
	return nil
}
