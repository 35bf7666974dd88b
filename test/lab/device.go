package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// AddDevice makes the host's interface and the device on the chassis anew after RemoveDevice. The kernel's datapath plugs a device in by its
// name as long as the switch has the port; the userspace datapath goes on with the device that is gone until the port is made anew, too.
func (h *Host) AddDevice() error {
	if h.chassis == nil {
		return h.offChassis()
	}
	if err := h.addDevice(); err != nil || h.lab.opts.Datapath == Kernel {
		return err
	}
	if err := h.unplug(); err != nil {
		return err
	}
	return h.plug()
}

// addDevice makes the host's interface, whose other end is the device on the chassis, and configures it.
func (h *Host) addDevice() error {
	if err := veth(h.chassis.Netns, h.Name, h.Netns, hostInterface); err != nil {
		return err
	}
	if err := h.configure(h.spec, h.lab.opts.Datapath); err != nil {
		return fmt.Errorf("host %s: %w", h.Name, err)
	}
	return nil
}

// RemoveDevice removes the host's device on the chassis, and its interface with it, behind the back of the switch, which keeps the port.
func (h *Host) RemoveDevice() error {
	if h.chassis == nil {
		return h.offChassis()
	}
	return command("ip", "-n", h.chassis.Netns.Name, "link", "del", h.Name)
}

// SetDevice sets the host's device on the chassis up or down. The host's own interface has no carrier while it is down.
func (h *Host) SetDevice(up bool) error {
	if h.chassis == nil {
		return h.offChassis()
	}
	return h.chassis.setLink(h.Name, up)
}

func (h *Host) offChassis() error {
	return fmt.Errorf("host %s is on the physical network: it has no device on a chassis", h.Name)
}

// SetUnderlay sets the chassis' interface to the underlay up or down.
func (ch *Chassis) SetUnderlay(up bool) error { return ch.setLink(underlayInterface, up) }

// SetNetwork sets the chassis' interfaces to the underlay and to the physical network up or down: a host that dies does not forward, but the
// kernel's datapath would go on without ovs-vswitchd.
func (ch *Chassis) SetNetwork(up bool) error {
	return errors.Join(ch.SetUnderlay(up), ch.setLink(physicalInterface, up))
}

func (ch *Chassis) setLink(device string, up bool) error {
	state := "down"
	if up {
		state = "up"
	}
	return command("ip", "-n", ch.Netns.Name, "link", "set", device, state)
}

// noisyDevice is what OverflowNews makes, with another end, and removes.
const noisyDevice = "noise"

// OverflowNews has so much happen to a network device of the chassis that a program which listens to the kernel's news of devices
// (RTNLGRP_LINK) and does not read them meanwhile loses some: each change is a message of more than 1 kB, and sockets hold some 200 kB.
func (ch *Chassis) OverflowNews() error {
	const changes = 500
	lines := "link add " + noisyDevice + " type veth peer name " + noisyDevice + "-peer\n"
	for i := range changes {
		lines += fmt.Sprintf("link set %s mtu %d\n", noisyDevice, 1400+i%2)
	}
	return ch.batch("ip", lines+"link del "+noisyDevice+"\n")
}

// TC runs tc(8) on the chassis.
func (ch *Chassis) TC() TC {
	return func(args ...string) (string, error) {
		return output(ch.lab.ctx, nil, append([]string{"tc", "-n", ch.Netns.Name}, args...)...)
	}
}

// DeleteFilters deletes the filters of all devices, as far as "tc filter del" does that: those of chain 0, by which packets come to the
// others. DeleteQdiscs deletes the qdiscs with all filters. Both fail where there is nothing to delete.
func (ch *Chassis) DeleteFilters() error { return ch.onHooked("filter del dev %s ingress") }

// DeleteQdiscs is described at DeleteFilters.
func (ch *Chassis) DeleteQdiscs() error { return ch.onHooked("qdisc del dev %s clsact") }

func (ch *Chassis) onHooked(line string) error {
	devices, err := ch.TC().Hooked()
	if err != nil {
		return err
	}
	if len(devices) == 0 {
		return errors.New("no device of " + ch.Name + " has clsact: nothing is offloaded there")
	}
	lines := ""
	for _, device := range devices {
		lines += fmt.Sprintf(line+"\n", device)
	}
	return ch.batch("tc", lines)
}

// batch has ip(8) or tc(8) carry out lines in the chassis' namespace, with one start of a process.
func (ch *Chassis) batch(program, lines string) error {
	cmd := exec.CommandContext(ch.lab.ctx, program, "-n", ch.Netns.Name, "-batch", "-")
	cmd.Stdin = strings.NewReader(lines)
	var words bytes.Buffer
	cmd.Stderr = &words
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s -n %s -batch: %w: %s", program, ch.Netns.Name, err, strings.TrimSpace(words.String()))
	}
	return nil
}
