package controller

import (
	"errors"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

type exitState uint8

const (
	notExiting exitState = iota
	leaving              // withdrawing from the databases
	left
)

var errNotWithdrawn = errors.New("the Southbound database is not connected; remove the chassis there when it is")

// Leave withdraws this chassis from the databases, for a graceful exit: its ports
// are released, its rows and tunnels removed. done is called when that is
// committed or has failed. Flows and conntrack zones stay, so a controller that
// starts again finds them.
func (c *Controller) Leave(done func(error)) {
	c.exiting = leaving
	tx := &idl.Tx{}
	c.ports.Claims().ReleaseAll(tx)
	c.chassis.Remove(tx)
	finish := func(r idl.Result) {
		c.exiting = left
		done(r.Err)
	}
	ovs := &idl.Tx{}
	c.tunnels.Remove(ovs)
	if ovs.Len() > 0 && c.cfg.VSW.State().Connected {
		c.cfg.VSW.Commit(ovs, func(r idl.Result) { c.report("Open_vSwitch", r, "") })
	}
	switch {
	case tx.Len() == 0:
		finish(idl.Result{})
	case !c.cfg.SB.State().Connected:
		finish(idl.Result{Err: errNotWithdrawn})
	default:
		c.cfg.SB.Commit(tx, finish)
	}
}
