// Package tcfilter is a collection of cls_flower filters as iproute2's tc(8) takes them: one for each kind of key and action that a
// gateway uses. The kernel tests show that a kernel accepts all of them, and compare with tc(8) what the product's codec reads and writes.
package tcfilter

// Filter is one filter.
type Filter struct {
	// Name says what is special about it.
	Name string
	// Device is where it is put: Ethernet, Geneve or VXLAN.
	Device string
	// Spec is what follows "tc filter add dev DEVICE ingress".
	Spec string
}

// The devices that the filters name.
const (
	Ethernet = "v0"
	Peer     = "v1"
	Geneve   = "g0"
	VXLAN    = "x0"
)

// Links are lines for "ip -batch", and Qdiscs lines for "tc -batch", that make the devices in a namespace of its own.
const (
	Links = `link add v0 type veth peer name v1
link set v0 up
link set v1 up
link add g0 type geneve external dstport 6081
link set g0 up
link add x0 type vxlan external dstport 4789 gbp
link set x0 up
`
	Qdiscs = `qdisc add dev v0 clsact
qdisc add dev g0 clsact
qdisc add dev x0 clsact
actions add action police rate 1gbit burst 1m index 100
`
)

// Add is the filter as a line for "tc -batch".
func (f Filter) Add() string { return "filter add dev " + f.Device + " ingress " + f.Spec + "\n" }

const redirect = " action mirred egress redirect dev v1"

// Filters is the collection. Every filter has a priority of its own, so that all can be there at once.
var Filters = []Filter{
	// keys
	{"Ethernet addresses with masks", Ethernet, "protocol all prio 1 flower dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:00/ff:ff:00:00:00:00" + redirect},
	{"multicast", Ethernet, "protocol all prio 2 flower dst_mac 01:00:00:00:00:00/01:00:00:00:00:00 action drop"},
	{"IPv4 addresses", Ethernet, "protocol ip prio 3 flower src_ip 10.0.1.11 dst_ip 10.0.2.0/24" + redirect},
	{"IPv6 addresses", Ethernet, "protocol ipv6 prio 4 flower src_ip fd00:1::11 dst_ip fd00:2::/64" + redirect},
	{"TOS and TTL", Ethernet, "protocol ip prio 5 flower ip_tos 0x28/fc ip_ttl 1 action trap"},
	{"hop limit and traffic class", Ethernet, "protocol ipv6 prio 6 flower ip_tos 0xb8 ip_ttl 64/0xc0 action pass"},
	{"first fragments", Ethernet, "protocol ip prio 7 flower ip_flags frag/firstfrag action pass"},
	{"no fragments", Ethernet, "protocol ip prio 8 flower ip_proto udp ip_flags nofrag action pass"},
	{"TCP ports", Ethernet, "protocol ip prio 9 flower ip_proto tcp src_port 1024 dst_port 443" + redirect},
	{"UDP port with mask", Ethernet, "protocol ip prio 10 flower ip_proto udp dst_port 0x1b00/0xff00" + redirect},
	{"SCTP port range", Ethernet, "protocol ip prio 11 flower ip_proto sctp src_port 100-200 dst_port 7000-7999" + redirect},
	{"TCP flags", Ethernet, "protocol ip prio 12 flower ip_proto tcp tcp_flags 0x2/17" + redirect},
	{"ICMP echo", Ethernet, "protocol ip prio 13 flower ip_proto icmp type 8 code 0" + redirect},
	{"ICMPv6 neighbour solicitation", Ethernet, "protocol ipv6 prio 14 flower ip_proto icmpv6 type 135 code 0 ip_ttl 255 action trap"},
	{"ARP request", Ethernet, "protocol arp prio 15 flower arp_op request arp_sip 10.0.1.11 arp_tip 10.0.1.0/24 arp_sha 02:00:00:00:00:01 arp_tha 00:00:00:00:00:00/00:00:00:00:00:ff action trap"},
	{"VLAN", Ethernet, "protocol 802.1q prio 16 flower vlan_id 42 vlan_prio 3 vlan_ethtype ip dst_ip 10.0.0.5" + redirect},
	{"two VLANs", Ethernet, "protocol 802.1ad prio 17 flower vlan_id 100 vlan_ethtype 802.1q cvlan_id 200 cvlan_prio 1 cvlan_ethtype ip" + redirect},
	{"MPLS", Ethernet, "protocol mpls_uc prio 18 flower mpls_label 5000 mpls_tc 2 mpls_bos 1 mpls_ttl 64" + redirect},
	{"tunnel with Geneve options", Geneve, "protocol ip prio 19 flower enc_key_id 77 enc_dst_port 6081 enc_src_ip 172.16.0.2 enc_dst_ip 172.16.0.1 geneve_opts 0102:80:00010002/ffff:ff:ffffffff dst_ip 10.0.0.9 action tunnel_key unset pipe" + redirect},
	{"tunnel over IPv6", Geneve, "protocol all prio 20 flower enc_key_id 78 enc_src_ip fd00:ffff::2 enc_dst_ip fd00:ffff::1 enc_tos 0x10 enc_ttl 64 action tunnel_key unset pipe" + redirect},
	{"tunnel with VXLAN group policy", VXLAN, "protocol ip prio 21 flower enc_key_id 79 vxlan_opts 16/255 action tunnel_key unset pipe" + redirect},
	{"conntrack: untracked", Ethernet, "protocol ip prio 22 flower ct_state -trk action ct zone 5 pipe action goto chain 2"},
	{"conntrack: established with mark and label", Ethernet, "protocol ip prio 23 chain 2 flower ip_proto tcp ct_state +trk+est-rpl-inv ct_zone 5 ct_mark 7/7 ct_label 01000000000000000000000000000000/ff000000000000000000000000000000" + redirect},
	// actions
	{"conntrack: commit with NAT", Ethernet, "protocol ip prio 24 chain 2 flower ip_proto tcp ct_state +trk+new ct_zone 5 action ct commit zone 5 mark 0x7/0xff label 01000000000000000000000000000000 nat src addr 192.0.2.1 port 1024-2000 pipe" + redirect},
	{"conntrack: NAT of an established connection", Ethernet, "protocol ip prio 25 flower dst_ip 192.0.2.1 action ct zone 5 nat pipe action goto chain 3"},
	{"conntrack: destination NAT for IPv6", Ethernet, "protocol ipv6 prio 26 chain 2 flower ct_state +trk+new action ct commit force zone 6 nat dst addr fd00::5 pipe" + redirect},
	{"conntrack: clear", Ethernet, "protocol ip prio 27 chain 3 flower ct_state +trk+inv action ct clear pipe action trap"},
	{"tunnel set with Geneve options", Ethernet, "protocol ip prio 28 flower dst_ip 10.0.0.2 action tunnel_key set id 77 src_ip 172.16.0.1 dst_ip 172.16.0.2 dst_port 6081 geneve_opts 0102:80:00010002 csum tos 0x10 ttl 64 pipe action mirred egress redirect dev g0"},
	{"tunnel set over IPv6 without checksum", Ethernet, "protocol ipv6 prio 29 flower dst_ip fd00:2::2 action tunnel_key set id 78 src_ip fd00:ffff::1 dst_ip fd00:ffff::2 dst_port 6081 nocsum pipe action mirred egress redirect dev g0"},
	{"tunnel set with VXLAN group policy", Ethernet, "protocol ip prio 30 flower dst_ip 10.0.0.3 action tunnel_key set id 79 src_ip 172.16.0.1 dst_ip 172.16.0.2 dst_port 4789 vxlan_opts 16 pipe action mirred egress redirect dev x0"},
	{"rewrite as a router", Ethernet, "protocol ip prio 31 flower dst_ip 10.0.0.4 action pedit ex munge eth dst set 02:00:00:00:00:03 munge eth src set 02:00:00:00:00:01 munge ip ttl add 0xff pipe action csum ip4h pipe" + redirect},
	{"rewrite addresses and ports", Ethernet, "protocol ip prio 32 flower ip_proto tcp dst_ip 10.0.0.6 action pedit ex munge ip src set 192.0.2.1 munge ip dst set 192.0.2.2 munge tcp sport set 1024 munge tcp dport set 80 pipe action csum ip4h tcp pipe" + redirect},
	{"rewrite with mask", Ethernet, "protocol ip prio 33 flower dst_ip 10.0.0.7 action pedit ex munge ip dsfield set 0x28 retain 0xfc pipe action csum ip4h pipe" + redirect},
	{"rewrite IPv6", Ethernet, "protocol ipv6 prio 34 flower ip_proto udp action pedit ex munge ip6 src set fd00::1 munge ip6 hoplimit add 0xff munge udp dport set 53 pipe action csum udp pipe" + redirect},
	{"VLAN push", Ethernet, "protocol ip prio 35 flower dst_ip 10.0.0.8 action vlan push id 100 priority 5 protocol 802.1q pipe" + redirect},
	{"VLAN pop", Ethernet, "protocol 802.1q prio 36 flower vlan_id 100 action vlan pop pipe" + redirect},
	{"VLAN modify", Ethernet, "protocol 802.1q prio 37 flower vlan_id 101 action vlan modify id 102 protocol 802.1q pipe" + redirect},
	{"police", Ethernet, "protocol ip prio 38 flower dst_ip 10.0.0.9 action police rate 10mbit burst 64k conform-exceed drop/pipe action goto chain 4"},
	{"police by packets", Ethernet, "protocol ip prio 39 flower dst_ip 10.0.0.10 action police pkts_rate 1000 pkts_burst 100 conform-exceed drop/pipe action goto chain 4"},
	{"shared police", Ethernet, "protocol ip prio 40 flower dst_ip 10.0.0.11 action police index 100"},
	{"skb mark and priority", Ethernet, "protocol ip prio 41 flower dst_ip 10.0.0.12 action skbedit mark 0x10/0xff priority 1:2 ptype host pipe action pass"},
	{"sample", Ethernet, "protocol ip prio 42 flower dst_ip 10.0.0.13 action sample rate 10 group 1 trunc 128 pipe" + redirect},
	{"mirror and redirect", Ethernet, "protocol ip prio 43 flower dst_ip 10.0.0.14 action mirred egress mirror dev x0 pipe action mirred egress redirect dev v1 cookie 0102030405060708090a0b0c0d0e0f10"},
	{"skip hardware", Ethernet, "protocol ip prio 44 flower skip_hw dst_ip 10.0.0.15 action drop"},
	{"without counters of hardware", Ethernet, "protocol ip prio 45 flower dst_ip 10.0.0.16 action drop hw_stats disabled"},
	{"handle and class", Ethernet, "protocol ip prio 46 handle 0x2a flower dst_ip 10.0.0.17 classid 1:1 action continue"},
}
