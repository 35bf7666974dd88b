package main

import (
	"context"
	"io"
)

// offloadCommand is the commands about the hardware offload.
type offloadCommand struct {
	Caps    offloadCapsCommand    `cmd:"" help:"Show what the target of the offload can do."`
	Status  offloadStatusCommand  `cmd:"" help:"Show how much is offloaded, by port and datapath, and why the rest is not."`
	Devices offloadDevicesCommand `cmd:"" help:"Show network cards, representors, uplinks and tunnel devices: what they are, and why rules for them cannot be in hardware."`
	Explain offloadExplainCommand `cmd:"" help:"Show the paths of a logical flow, a port or a packet: what is offloaded, and why the rest is not."`
	Plan    offloadPlanCommand    `cmd:"" help:"Show what a change of the Northbound or Southbound database would make of the offload, without making it."`
}

type offloadCapsCommand struct{ controlSocket }

// Run asks the program.
func (c *offloadCapsCommand) Run(ctx context.Context, out io.Writer) error {
	return c.ask(ctx, out, "offload/caps")
}

type offloadStatusCommand struct{ controlSocket }

// Run asks the program.
func (c *offloadStatusCommand) Run(ctx context.Context, out io.Writer) error {
	return c.ask(ctx, out, "offload/status")
}

type offloadDevicesCommand struct {
	controlSocket
	What string `arg:"" optional:"" help:"Only this network device, interface, logical port, or address of hardware (pci/0000:03:00.2, 03:00.2)."`
}

// Run asks the program.
func (c *offloadDevicesCommand) Run(ctx context.Context, out io.Writer) error {
	if c.What == "" {
		return c.ask(ctx, out, "offload/devices")
	}
	return c.ask(ctx, out, "offload/devices", c.What)
}

type offloadExplainCommand struct {
	controlSocket
	CT   []string `sep:"none" placeholder:"FLAGS" help:"Connection state that the packet's next trip through connection tracking finds, such as new or est,rpl; once for each trip (then: est)."`
	What string   `arg:"" help:"UUID of a logical flow or the beginning of it, a cookie (0x...), an interface or logical port, or a packet as for sluice trace: 'inport==\"vm1\" && ...'."`
}

// Run asks the program.
func (c *offloadExplainCommand) Run(ctx context.Context, out io.Writer) error {
	return c.ask(ctx, out, "offload/explain", append([]string{c.What}, c.CT...)...)
}
