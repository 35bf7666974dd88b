package scenario

import (
	"context"
	"fmt"

	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/test/lab"
)

func (n *namespaces) Fault(f Fault) error {
	if h := n.hosts[f.Of]; h != nil {
		return n.deviceFault(h, f.Kind)
	}
	ch := n.chassis[f.Of]
	switch f.Kind {
	case ControllerKilled:
		ch.ControllerProcess().Kill()
		return nil
	case ControllerStarted:
		return n.mend(ch)
	case ControllerRestarted:
		if err := ch.ExitController(true); err != nil {
			return err
		}
		return n.mend(ch)
	case ControllerKilledAmid:
		return n.killAmid(ch, f)
	case ControllerHalted:
		return ch.ControllerProcess().Halt()
	case ControllerContinued:
		return n.mend(ch)
	case SwitchRestarted:
		return ch.RestartSwitch(true)
	case ChassisDead:
		ch.ControllerProcess().Kill()
		ch.Switch().Kill()
		return ch.SetNetwork(false)
	case ChassisBack:
		return n.mend(ch)
	case UnderlayDown:
		return ch.SetUnderlay(false)
	case UnderlayUp:
		return ch.SetUnderlay(true)
	case FiltersDeleted:
		return n.ifOffloading(ch.DeleteFilters)
	case QdiscsDeleted:
		return n.ifOffloading(ch.DeleteQdiscs)
	case NewsOverflow:
		return ch.OverflowNews()
	}
	return fmt.Errorf("a fault %q is not known here", f.Kind)
}

func (n *namespaces) deviceFault(h *lab.Host, kind FaultKind) error {
	switch kind {
	case DeviceGone:
		return h.RemoveDevice()
	case DeviceBack:
		return h.AddDevice()
	case LinkDown:
		return h.SetDevice(false)
	case LinkUp:
		return h.SetDevice(true)
	}
	return fmt.Errorf("a fault %q of a host is not known here", kind)
}

func (n *namespaces) ifOffloading(happen func() error) error {
	if !n.offload {
		return nil
	}
	return happen()
}

// killAmid makes the change and kills the controller while it programs it.
func (n *namespaces) killAmid(ch *lab.Chassis, f Fault) error {
	change := func() error { return n.lab.Central.Configure(f.Commands) }
	if n.offload {
		return ch.KillAmid(f.Filters, change)
	}
	if err := change(); err != nil {
		return err
	}
	if _, err := n.lab.Central.NB("--wait=sb", "sync"); err != nil {
		return err
	}
	ch.ControllerProcess().Kill()
	return nil
}

// mend revives a chassis and waits until it has taken over.
func (n *namespaces) mend(ch *lab.Chassis) error {
	if err := revive(ch); err != nil {
		return err
	}
	return n.lab.Settle()
}

// revive starts what faults have ended on a chassis, and has go on what they have halted.
func revive(ch *lab.Chassis) error {
	if ch.Switch().Alive() != nil { // the chassis was dead
		if err := ch.SetNetwork(true); err != nil {
			return err
		}
		if err := ch.RestartSwitch(true); err != nil {
			return err
		}
	}
	if ch.ControllerProcess().Alive() != nil {
		return ch.StartController()
	}
	return ch.ControllerProcess().Continue()
}

// Offloaded is what the controller says of paths, and how many filters the devices have.
func (n *namespaces) Offloaded(chassis string) (string, error) {
	if !n.offload {
		return "", nil
	}
	ch := n.chassis[chassis]
	ctx, cancel := context.WithTimeout(n.lab.Context(), 10*n.lab.Timeout())
	defer cancel()
	text, err := unixctl.CallJSON(ctx, ch.ControllerSocket(), "offload/status")
	if err != nil {
		return "", err
	}
	return OffloadState(chassis, text, ch.TC())
}
