package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"

	"github.com/sluice-gw/sluice/test/hil/scenario"
	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
	"github.com/sluice-gw/sluice/test/probe/remote"
)

// stage is what of the equipment a scenario has.
type stage struct {
	plan    *assignment
	configs map[string]*configured // by host
	servers []io.Closer
	plugged map[string]plug  // by host or trunk
	broken  []scenario.Fault // what was broken and has not been mended
}

func newStage(plan *assignment) stage {
	return stage{plan: plan, configs: map[string]*configured{}, plugged: map[string]plug{}}
}

// configured is a host's interface.
type configured struct {
	config  probe.InterfaceConfig
	restore io.Closer
}

// plug is a device that is a logical port.
type plug struct {
	chassis      *Chassis
	device, port string
}

func (b *bed) Build(s *scenario.Scenario) error {
	plan, err := b.equipment.assign(s)
	if err != nil {
		return err
	}
	b.stage = newStage(plan)
	for _, tr := range s.Topology.Trunks {
		b.plugged[tr.Name] = plug{plan.chassis[tr.Chassis], plan.trunks[tr.Name].Device.Text, plan.renamed(tr.Port)}
	}
	for _, h := range s.Topology.Hosts {
		if err := b.add(h.Name, h.MAC, probe.InterfaceConfig{MTU: lab.HostMTU, Addrs: h.Addrs, Gateways: h.Gateways}, h.Serves); err != nil {
			return fmt.Errorf("host %s: %w", h.Name, err)
		}
		if p := plan.hosts[h.Name]; p.device != "" {
			b.plugged[h.Name] = plug{p.chassis, p.device, plan.renamed(h.Port)}
		}
	}
	for _, p := range s.Topology.Physical {
		if err := b.add(p.Name, "", probe.InterfaceConfig{MTU: lab.PhysicalMTU, Addrs: p.Addrs, Gateways: p.Gateways}, nil); err != nil {
			return fmt.Errorf("physical host %s: %w", p.Name, err)
		}
	}
	err = b.onPlugs(b.ctx, func(p plug) []string {
		return []string{"set", "Interface", p.device, "external_ids:iface-id=" + p.port}
	})
	if err != nil {
		return err
	}
	return b.sync(b.ctx)
}

// add sets up the interface of a host, and has it answer.
func (b *bed) add(name, mac string, config probe.InterfaceConfig, serves []uint16) (err error) {
	if mac != "" {
		if config.MAC, err = net.ParseMAC(mac); err != nil {
			return err
		}
	}
	h, err := b.agent(b.plan.hosts[name].slot)
	if err != nil {
		return err
	}
	restore, err := h.Configure(config)
	if err != nil {
		return err
	}
	b.configs[name] = &configured{config, restore}
	server, err := scenario.Serve(h, serves)
	if err == nil {
		b.servers = append(b.servers, server)
	}
	return err
}

// agent is the one of a host, which is kept for the next scenario.
func (b *bed) agent(s *Slot) (*remote.Host, error) {
	if h := b.agents[s]; h != nil {
		return h, nil
	}
	argv, err := lab.Split(s.Agent.Text)
	if err != nil {
		return nil, err
	}
	h, err := remote.Start(s.Name.Text, argv, b.patience())
	if err == nil {
		b.agents[s] = h
	}
	return h, err
}

// onPlugs has ovs-vsctl do something with all devices that are logical ports, in one transaction on each chassis.
func (b *bed) onPlugs(ctx context.Context, command func(plug) []string) error {
	args := map[*Chassis][]string{}
	for _, p := range b.plugged {
		args[p.chassis] = append(append(args[p.chassis], "--"), command(p)...)
	}
	var errs []error
	for c, args := range args {
		_, err := b.vsctl(ctx, c, args...)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Clear goes on with the next thing when one fails, so that as little as possible stays.
func (b *bed) Clear() error { return b.clear(b.ctx) }

func (b *bed) clear(ctx context.Context) error {
	var errs []error
	for _, s := range b.servers {
		errs = append(errs, s.Close())
	}
	for _, f := range slices.Backward(b.broken) {
		errs = append(errs, b.happen(ctx, scenario.Fault{Of: f.Of, Kind: mends[f.Kind]}))
	}
	for _, name := range slices.Sorted(maps.Keys(b.configs)) {
		if err := b.configs[name].restore.Close(); err != nil {
			errs = append(errs, fmt.Errorf("host %s: %w", name, err))
		}
	}
	errs = append(errs, b.onPlugs(ctx, func(p plug) []string {
		return []string{"--if-exists", "remove", "Interface", p.device, "external_ids", "iface-id"}
	}))
	b.stage = newStage(&assignment{})
	if b.touched {
		err := b.ovn(ctx).Clear()
		b.touched = err != nil
		errs = append(errs, err, b.sync(ctx))
	}
	return errors.Join(errs...)
}
