// Package scenario plays scenarios: files with one idea each, which say what hosts and chassis there are, how OVN is configured, what
// packets go in and what must come out, and what breaks meanwhile. A scenario knows nothing of what it is played on: that is a Testbed, which
// is a deployment in network namespaces (package lab), in userspace or, in a guest, with the datapath and tunnels of the kernel.
//
// A file begins with the idea in prose and goes on in sections, in the order in which they are played:
//
//	-- topology --
//	chassis hv1 hv2
//	host vm1 on hv1 port lp1 mac 02:00:00:00:01:11 addr 10.0.1.11/24 fd00:1::11/64 gateway 10.0.1.1 serves 7001
//	trunk tr5 on hv1 port lp5
//	host c1 in tr5 vlan 42 mac 02:00:00:00:02:42 addr 10.0.2.42/24
//	physical phys addr 172.31.0.1/24
//	physical far vlan 100 addr 10.0.100.1/24
//	-- ovn --
//	ls-add sw0
//	lsp-set-addresses lp1 '02:00:00:00:01:11 10.0.1.11'
//	-- packets --
//	vm1: ping 10.0.1.12 size 1372 df => answered
//	vm1: tcp 10.0.1.12:7000 bytes 300000 => answered
//	vm1: udp 172.31.0.1:7000 => answered seen as 172.31.0.10
//	vm1: tcp 10.0.1.12:7002 => silence
//	vm1: udp 10.0.2.13:33434 ttl 1 => icmp 11/0 from 10.0.1.1
//	vm1: send 10.0.1.11:1000 > 10.0.2.13:2000 via 02:00:00:00:ff:01 ttl 9 tos 40 => vm3 gets ttl 8 tos 40 mac 02:00:00:00:ff:02
//	vm1: udp 198.51.100.1:7000 flows 32 => spread over phys1 phys2
//	-- faults --
//	vm1: stream 10.0.2.13:7000 => loses nothing
//	vm2: stream 10.0.1.11:7000 => recovers
//	vm3: stream 10.0.1.11:7000 => silence
//	hv1: controller killed 20 filters into acl-add sw0 to-lport 1000 'ip4.src == 10.0.1.11' allow-related
//	hv1: controller started
//	vm1: device gone
//	vm1: device back
//	hv1: offload => as before
//
// Lines of "ovn" are commands of ovn-nbctl, one transaction for a section; their effect is waited for. Every host answers UDP and TCP at port
// 7000, and TCP at the ports that it serves. "#" begins a comment.
//
// In "faults" the streams flow while all faults of the section (FaultKind) happen, one after the other, each with packets under way. Whatever
// is expected of a stream, all hosts are watched: none of its packets may arrive twice, somewhere else, or changed in another way than the
// others, and those of one that finds silence nowhere. "offload => as before" demands of a chassis that it has as much in front of its
// switch in the end as before the faults.
package scenario
