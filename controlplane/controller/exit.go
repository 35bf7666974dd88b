package controller

import (
	"errors"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// errNotWithdrawn and errTunnelsStay say what an exit without a database leaves behind.
var (
	errNotWithdrawn = errors.New("the Southbound database is not connected; remove the chassis there when it is")
	errTunnelsStay  = errors.New("the Open_vSwitch database is not connected; the tunnel ports stay in the integration bridge")
)

// exit is a graceful exit under way.
type exit struct {
	sb, vsw bool // withdrawn there, or failed to
	sent    struct{ sb, vsw bool }
	errs    []error
	done    func(error)
}

// Leave withdraws this chassis from the databases, for a graceful exit: its ports
// are released, its rows and tunnels removed. done is called from within Settle when
// that is committed in both or has failed. Flows and conntrack zones stay, so a
// controller that starts again finds them.
func (c *Controller) Leave(done func(error)) {
	c.exit = &exit{done: done}
	c.withdraw()
}

// withdraw goes on with the exit. What is in flight comes first: it may make the rows
// that are to be removed.
func (c *Controller) withdraw() {
	x := c.exit
	if !x.sent.sb && !c.sbBusy {
		x.sent.sb = true
		tx := &idl.Tx{}
		c.ports.Claims().ReleaseAll(tx)
		c.chassis.Remove(tx)
		x.commit(&x.sb, tx, c.cfg.SB.State().Connected, errNotWithdrawn, c.cfg.SB.Commit)
	}
	if !x.sent.vsw && !c.vswBusy {
		x.sent.vsw = true
		tx := &idl.Tx{}
		c.tunnels.Remove(tx)
		x.commit(&x.vsw, tx, c.cfg.VSW.State().Connected, errTunnelsStay, c.cfg.VSW.Commit)
	}
	if x.sb && x.vsw && x.done != nil {
		x.done(errors.Join(x.errs...))
		x.done = nil
	}
}

// commit sends tx to a database and notes in over when that has ended.
func (x *exit) commit(over *bool, tx *idl.Tx, connected bool, without error, send func(*idl.Tx, func(idl.Result))) {
	switch {
	case tx.Len() == 0:
		*over = true
	case !connected:
		*over = true
		x.errs = append(x.errs, without)
	default:
		send(tx, func(r idl.Result) {
			*over = true
			if r.Err != nil {
				x.errs = append(x.errs, r.Err)
			}
		})
	}
}
