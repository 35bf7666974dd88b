package testbed

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/test/hil/scenario"
)

func (b *bed) Fault(f scenario.Fault) error {
	// Written down first: what fails may have happened by half.
	if _, breaks := mends[f.Kind]; breaks || f.Kind == scenario.ControllerKilledAmid {
		broken := scenario.Fault{Of: f.Of, Kind: f.Kind}
		if f.Kind == scenario.ControllerKilledAmid {
			broken.Kind = scenario.ControllerKilled
		}
		b.broken = append(b.broken, broken)
	}
	if err := b.happen(b.ctx, f); err != nil {
		return err
	}
	b.broken = slices.DeleteFunc(b.broken, func(x scenario.Fault) bool { return x.Of == f.Of && mends[x.Kind] == f.Kind })
	switch f.Kind {
	case scenario.ControllerStarted, scenario.ControllerRestarted, scenario.ControllerContinued, scenario.ChassisBack:
		return b.Settle()
	}
	return nil
}

// running are the names of the chassis whose controllers are to answer.
func (b *bed) running() (names []string) {
	for i := range b.equipment.Chassis {
		c := &b.equipment.Chassis[i]
		if !slices.ContainsFunc(b.broken, func(f scenario.Fault) bool { return b.plan.chassis[f.Of] == c && f.Kind != scenario.UnderlayDown }) {
			names = append(names, c.Name.Text)
		}
	}
	return names
}

// happen makes a fault happen by the command that the file has for it.
func (b *bed) happen(ctx context.Context, f scenario.Fault) error {
	if p, isHost := b.plan.hosts[f.Of]; isHost {
		if _, err := b.shell(p.chassis).run(ctx, p.slot.Faults[f.Kind].Text); err != nil || f.Kind != scenario.DeviceBack {
			return err
		}
		return b.back(ctx, f.Of)
	}
	c := b.plan.chassis[f.Of]
	kind := f.Kind
	switch kind {
	case scenario.ControllerKilledAmid: // what is in its middle is no filter: the chassis does not offload
		if err := b.Configure(f.Commands); err != nil {
			return err
		}
		if _, err := b.ovn(ctx).NB("--wait=sb", "sync"); err != nil {
			return err
		}
		kind = scenario.ControllerKilled
	case scenario.FiltersDeleted, scenario.QdiscsDeleted:
		if !c.offloads() {
			return nil
		}
	}
	_, err := b.shell(c).run(ctx, c.Faults[kind].Text)
	return err
}

// back sets up a host's interface, and its port, that have been made anew.
func (b *bed) back(ctx context.Context, host string) error {
	c := b.configs[host]
	h, err := b.agent(b.plan.hosts[host].slot)
	if err != nil {
		return err
	}
	if c.restore, err = h.Configure(c.config); err != nil {
		return fmt.Errorf("host %s: %w", host, err)
	}
	if p, isPort := b.plugged[host]; isPort {
		_, err = b.vsctl(ctx, p.chassis, "set", "Interface", p.device, "external_ids:iface-id="+p.port)
	}
	return err
}

// Offloaded asks the controller and tc(8).
func (b *bed) Offloaded(chassis string) (string, error) {
	c := b.plan.chassis[chassis]
	if !c.offloads() {
		return "", nil
	}
	answer, err := b.shell(c).run(b.ctx, c.OffloadStatus.Text)
	if err != nil {
		return "", err
	}
	return scenario.OffloadState(chassis, []byte(answer), func(args ...string) (string, error) { return b.shell(c).program(b.ctx, c.TC, args...) })
}
