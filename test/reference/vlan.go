package reference

import "github.com/sluice-gw/sluice/test/lab"

// vlanLines configure it, as lines for ovn-nbctl.
const vlanLines = `
	ls-add vlan100
	lsp-add vlan100 ln-vlan100 '' 100
	lsp-set-type ln-vlan100 localnet
	lsp-set-addresses ln-vlan100 unknown
	lsp-set-options ln-vlan100 network_name=physnet1
	lsp-add vlan100 lp6
	lsp-set-addresses lp6 '02:00:00:00:03:16 10.0.100.16'`

// vlanStage is a switch that is a VLAN of the physical network.
func (d *Deployment) vlanStage() Stage {
	return Stage{
		Title: "a VLAN of the physical network",
		Configure: func() error {
			err := d.nb(vlanLines)
			if err != nil {
				return err
			}
			if err := d.addHost(d.HV1, lab.HostSpec{Name: "vm6", Port: "lp6", MAC: "02:00:00:00:03:16", Addrs: on("10.0.100.16")}); err != nil {
				return err
			}
			outside, err := d.GW1.AddAccessHost(100, lab.HostSpec{Name: "vlan", MAC: "02:00:00:00:03:01", Addrs: on("10.0.100.1")})
			if err != nil {
				return err
			}
			if err := d.serve(outside); err != nil {
				return err
			}
			return d.Settle()
		},
		Checks: []Check{
			d.ping("VM to a host in VLAN 100", "vm6", "10.0.100.1"),
			d.ping("host in VLAN 100 to the VM", "vlan", "10.0.100.16"),
		},
	}
}
