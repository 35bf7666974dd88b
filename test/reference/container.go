package reference

import "github.com/sluice-gw/sluice/test/lab"

// containerLines configure it, as lines for ovn-nbctl.
const containerLines = `
	lsp-add sw0 lp5
	lsp-set-addresses lp5 '02:00:00:00:01:15 10.0.1.15'
	lsp-add sw1 c1 lp5 42
	lsp-set-addresses c1 '02:00:00:00:02:42 10.0.2.42'
	lr-nat-add lr0 dnat_and_snat 172.31.0.22 10.0.2.42`

// containerStage adds a VM that runs a container: the VM's port carries the container's frames in VLAN 42, and the container has a
// logical port of its own on another switch.
func (d *Deployment) containerStage() Stage {
	return Stage{
		Title: "a container inside a VM",
		Configure: func() error {
			err := d.nb(containerLines)
			if err != nil {
				return err
			}
			trunk, err := d.HV1.AddTrunk("tr5", "lp5")
			if err != nil {
				return err
			}
			for _, inside := range []struct {
				vlan int
				spec lab.HostSpec
			}{
				{0, lab.HostSpec{Name: "vm5", MAC: "02:00:00:00:01:15", Addrs: on("10.0.1.15"), Gateways: gateways("10.0.1.1")}},
				{42, lab.HostSpec{Name: "c1", MAC: "02:00:00:00:02:42", Addrs: on("10.0.2.42"), Gateways: gateways("10.0.2.1")}},
			} {
				h, err := trunk.AddHost(inside.vlan, inside.spec)
				if err != nil {
					return err
				}
				if err := d.serve(h); err != nil {
					return err
				}
			}
			return d.Settle()
		},
		Checks: []Check{
			d.ping("the VM itself, untagged", "vm5", "10.0.1.12"),
			d.ping("container in VLAN 42, L2 over the tunnel", "c1", "10.0.2.13"),
			d.ping("container, routed", "c1", "10.0.1.11"),
			d.udpSeenAs("container, floating IP outward", "c1", "172.31.0.1", "172.31.0.22"),
			d.ping("container, floating IP inward", "phys", "172.31.0.22"),
		},
	}
}
