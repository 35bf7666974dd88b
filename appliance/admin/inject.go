package admin

import (
	"errors"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/fallback/ovs"
)

// inject is inject-pkt.
func (t *table) inject() {
	t.add("inject-pkt", "MICROFLOW", 1, 1, func(c *controller.Controller, args []string) (string, error) {
		p, err := c.Injection(args[0])
		if err == nil && !t.chassis.Switch().Status().Connected {
			return "", words("OpenFlow channel not ready.")
		}
		var unknown *expr.UnknownSetError
		switch {
		case errors.Is(err, controller.ErrNotReady):
			return "", words("ovn-controller not ready.")
		case errors.Is(err, controller.ErrNoIngress):
			return "", words("ingress port not found on hypervisor.")
		case errors.Is(err, expr.ErrContradictory):
			return "", words("Constraints are contradictory.")
		case errors.Is(err, expr.ErrAmbiguous):
			return "", words("Constraints are ambiguous: " + args[0] + ".")
		case errors.As(err, &unknown):
			return "", words("Syntax error at " + unknownSet(unknown))
		case err != nil:
			return "", syntax(err)
		}
		t.chassis.Switch().PacketOut(ovs.PacketOut{Meta: p.Meta, Packet: p.Packet, Ops: p.Ops})
		return "", nil
	})
}

// unknownSet says in ovn-controller's words what was not found, and what it was taken for.
func unknownSet(e *expr.UnknownSetError) string {
	if e.Group {
		return "`@" + e.Name + "' expecting port group name."
	}
	return "`$" + e.Name + "' expecting address set name."
}

// syntax puts what is wrong with a text in ovn-controller's words.
func syntax(err error) error {
	e, ok := errors.AsType[*expr.Error](err)
	if !ok || e.Msg == "" {
		return err
	}
	return words(strings.ToUpper(e.Msg[:1]) + e.Msg[1:] + ".")
}
