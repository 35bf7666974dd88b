package lab

import (
	"fmt"
	"strings"

	"github.com/sluice-gw/sluice/test/probe"
)

// WarmUnderlay has every chassis learn the others' MAC addresses on the underlay. The userspace datapath drops the first packet into
// a tunnel whose far end it has yet to ask for by ARP, whatever the controller does. It learns from the ARP of the host, but only while it
// has tunnels, which are waited for.
func (l *Lab) WarmUnderlay() error {
	if err := l.Sync(); err != nil {
		return err
	}
	for _, ch := range l.Chassis() {
		if _, err := ch.Vsctl("set", "Open_vSwitch", ".", "external-ids:lab-tunnels=made"); err != nil { // waits for ovs-vswitchd
			return err
		}
	}
	for _, from := range l.Chassis() {
		for _, to := range l.Chassis() {
			if from == to {
				continue
			}
			r, err := probe.Ping(from.Netns, to.TunnelIP, probe.PingOptions{Count: 1})
			if err == nil {
				err = r.Err()
			}
			if err != nil {
				return fmt.Errorf("underlay from %s to %s: %w", from.Name, to.Name, err)
			}
		}
	}
	return nil
}

// Settle waits until the configuration is in force everywhere: every VM's port is up, every gateway port has a chassis, and every
// chassis has acknowledged what followed from that.
func (l *Lab) Settle() error {
	if err := l.Sync(); err != nil {
		return err
	}
	err := Until(l.ctx, l.startTimeout(), "logical ports to come up", func() error {
		down, err := l.Central.NB("--bare", "--columns=name", "find", "Logical_Switch_Port", "up!=true", `type=""`)
		if err != nil {
			return err
		}
		if down != "" {
			return fmt.Errorf("still down: %s", strings.Join(strings.Fields(down), ", "))
		}
		homeless, err := l.Central.SB("--bare", "--columns=logical_port", "find", "Port_Binding", "type=chassisredirect", "chassis=[]")
		if err != nil {
			return err
		}
		if homeless != "" {
			return fmt.Errorf("no chassis for %s", strings.Join(strings.Fields(homeless), ", "))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return l.Sync()
}

// Configure runs ovn-nbctl with one command a line, all in one transaction. Single quotes keep the words of an argument together.
func (c *Central) Configure(commands string) error {
	var args []string
	for line := range strings.Lines(commands) {
		words, err := split(line)
		if err != nil {
			return err
		}
		if len(words) > 0 {
			args = append(append(args, "--"), words...)
		}
	}
	_, err := c.NB(args...)
	return err
}

// Clear removes all of the Northbound configuration.
func (c *Central) Clear() error {
	var args []string
	for _, table := range []string{ // the tables whose rows nothing else need refer to (ovn-nb(5))
		"Logical_Router", "Logical_Switch", "Port_Group", "Address_Set", "Load_Balancer", "Load_Balancer_Group", "DHCP_Options", "DNS", "Meter",
		"HA_Chassis_Group", "Static_MAC_Binding", "Copp", "Mirror",
	} {
		args = append(args, "--", "--all", "destroy", table)
	}
	_, err := c.NB(args...)
	return err
}

// split cuts a line into words; single quotes keep spaces.
func split(line string) ([]string, error) {
	var words []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 0 {
			words = append(words, strings.Fields(part)...)
		} else {
			words = append(words, part)
		}
	}
	if strings.Count(line, "'")%2 != 0 {
		return nil, fmt.Errorf("unfinished quote in %q", line)
	}
	return words, nil
}
