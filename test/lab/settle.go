package lab

import (
	"fmt"

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
		if err := command("ip", "-n", from.Netns.Name, "neigh", "flush", "all"); err != nil {
			return err
		}
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

// Settle is OVN.Settle with the chassis whose controllers run.
func (l *Lab) Settle() error { return l.Central.OVN().Settle(l.ctx, l.running()) }

// Configure is OVN.Configure.
func (c *Central) Configure(commands string) error { return c.OVN().Configure(commands) }

// Clear is OVN.Clear.
func (c *Central) Clear() error { return c.OVN().Clear() }
