// Package reference is the deployment that sluice is shown and tested on: two hypervisors and a gateway, with VMs, nested containers,
// routers, NAT, load balancers, DHCP, VLANs and a physical network. It is built in stages; each stage configures a piece with
// ovn-nbctl and has checks that send real packets. The demo prints them, the end-to-end tests assert them.
//
//	physical network 172.31.0.0/24            phys .1 ---- wire ---- br-ex of each chassis
//	lr0 gateway port on gw1                   172.31.0.10, SNAT for 10.0.0.0/16, floating IPs .21 vm1, .22 c1
//	sw0 10.0.1.0/24 fd00:1::/64               vm1 hv1 .11, vm2 hv2 .12 (ACLs), vm4 hv2 .14 (DHCP), vm5 hv1 .15 (trunk)
//	sw1 10.0.2.0/24 fd00:2::/64               vm3 hv2 .13, c1 .42 (container of vm5, VLAN 42)
//	vlan100 10.0.100.0/24 (localnet, tag 100)  vm6 hv1 .16, host "vlan" .1 on VLAN 100 of the physical network
package reference
