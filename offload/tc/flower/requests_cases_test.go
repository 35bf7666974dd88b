package flower

import "slices"

// requestCase is a command of iproute2 and the request that says the same.
type requestCase struct {
	tc      string
	request Request
}

// onP0 is a filter of p0's ingress with priority 1 and a match, which drops.
func onP0(m Match) *Filter {
	return &Filter{Key: Key{Hook: Ingress(p0), Prio: 1, Protocol: m.Protocol()}, Match: m, Actions: []Action{DropAll()}}
}

// does is a filter for all packets of p0's ingress with the given actions.
func does(actions ...Action) *Filter {
	return &Filter{Key: Key{Hook: Ingress(p0), Prio: 1, Protocol: EtherAll}, Actions: actions}
}

func requestCases() []requestCase {
	return slices.Concat(keyCases(), tunnelCases(), actionCases(), verbCases())
}

func keyCases() []requestCase {
	const add = "tc filter add dev p0 ingress prio 1 protocol "
	ip := Match{EthType: EtherIPv4}
	with := func(m Match, change func(*Match)) *Filter {
		change(&m)
		return onP0(m)
	}
	tcp := Match{EthType: EtherIPv4, IPProto: Some[uint8](6)}
	return []requestCase{
		{add + "all flower dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:02/ff:ff:00:00:00:00 action drop", Add(onP0(Match{
			EthDst: ExactMAC(MAC{2, 0, 0, 0, 0, 1}), EthSrc: Masked[MAC]{MAC{2, 0, 0, 0, 0, 2}, MAC{0xff, 0xff}},
		}))},
		{add + "all flower indev p1 action drop", Add(onP0(Match{InDev: "p1"}))},
		{add + "ip flower dst_ip 10.0.0.0/8 src_ip 192.0.2.1 action drop", Add(with(ip, func(m *Match) {
			m.IPDst, m.IPSrc = prefix("10.0.0.0/8"), ExactAddr(addr("192.0.2.1"))
		}))},
		{add + "ipv6 flower dst_ip 2001:db8::/33 src_ip fe80::1 ip_proto icmpv6 type 135 code 0 action drop", Add(onP0(Match{
			EthType: EtherIPv6, IPDst: prefix("2001:db8::/33"), IPSrc: ExactAddr(addr("fe80::1")), IPProto: Some[uint8](58),
			ICMPType: Exact[uint8](135), ICMPCode: Exact[uint8](0),
		}))},
		{add + "ip flower ip_proto 2f ip_tos 0x28/fc ip_ttl 64 action drop", Add(with(ip, func(m *Match) {
			m.IPProto, m.TOS, m.TTL = Some[uint8](0x2f), Masked[uint8]{0x28, 0xfc}, Exact[uint8](64)
		}))},
		{add + "ip flower ip_flags frag/nofirstfrag action drop", Add(with(ip, func(m *Match) { m.IPFlags = LaterFragment }))},
		{add + "ip flower ip_flags nofrag action drop", Add(with(ip, func(m *Match) { m.IPFlags = NotFragment }))},
		{add + "ip flower ip_proto tcp src_port 0x1000/0xf000 dst_port 443 tcp_flags 0x2/0x17 action drop", Add(with(tcp, func(m *Match) {
			m.SrcPort, m.DstPort, m.TCPFlags = Masked[uint16]{0x1000, 0xf000}, Exact[uint16](443), Masked[uint16]{2, 0x17}
		}))},
		{add + "ip flower ip_proto tcp src_port 1024-2047 dst_port 80-90 action drop", Add(with(tcp, func(m *Match) {
			m.SrcPortRange, m.DstPortRange = PortRange{1024, 2047}, PortRange{80, 90}
		}))},
		{add + "ip flower ip_proto udp src_port 53 dst_port 0xff00/0xff00 action drop", Add(with(ip, func(m *Match) {
			m.IPProto, m.SrcPort, m.DstPort = Some[uint8](17), Exact[uint16](53), Masked[uint16]{0xff00, 0xff00}
		}))},
		{add + "ip flower ip_proto sctp src_port 0xf/0xf dst_port 1 action drop", Add(with(ip, func(m *Match) {
			m.IPProto, m.SrcPort, m.DstPort = Some[uint8](132), Masked[uint16]{0xf, 0xf}, Exact[uint16](1)
		}))},
		{add + "ip flower ip_proto icmp type 8/15 code 0 action drop", Add(with(ip, func(m *Match) {
			m.IPProto, m.ICMPType, m.ICMPCode = Some[uint8](1), Masked[uint8]{8, 15}, Exact[uint8](0)
		}))},
		{add + "arp flower arp_op request arp_sip 10.0.0.0/24 arp_tip 10.0.0.1 arp_sha 02:00:00:00:00:01 arp_tha 00:00:00:00:00:00/24 action drop",
			Add(onP0(Match{EthType: EtherARP, ARP: ARP{
				Op: Exact[uint8](1), SPA: prefix("10.0.0.0/24"), TPA: ExactAddr(addr("10.0.0.1")),
				SHA: ExactMAC(MAC{2, 0, 0, 0, 0, 1}), THA: Masked[MAC]{MAC{}, MAC{0xff, 0xff, 0xff}},
			}}))},
		{add + "802.1q flower vlan_id 100 vlan_prio 3 vlan_ethtype ip dst_ip 10.0.0.1 action drop", Add(onP0(Match{
			VLAN: Tag{EtherVLAN, Some[uint16](100), Some[uint8](3)}, EthType: EtherIPv4, IPDst: ExactAddr(addr("10.0.0.1")),
		}))},
		{add + "802.1ad flower vlan_id 5 vlan_ethtype 802.1q cvlan_id 6 cvlan_prio 0 cvlan_ethtype ipv6 action drop", Add(onP0(Match{
			VLAN: Tag{EtherQinQ, Some[uint16](5), Opt[uint8]{}}, CVLAN: Tag{EtherVLAN, Some[uint16](6), Some[uint8](0)}, EthType: EtherIPv6,
		}))},
		{add + "mpls_uc flower mpls_label 1048575 mpls_tc 7 mpls_bos 1 mpls_ttl 255 action drop", Add(onP0(Match{
			EthType: EtherMPLS, MPLS: []LSE{{1, Some[uint32](1048575), Some[uint8](7), Some[uint8](1), Some[uint8](255)}},
		}))},
		{add + "mpls_uc flower mpls lse depth 1 label 16 lse depth 2 tc 3 bos 1 action drop", Add(onP0(Match{
			EthType: EtherMPLS, MPLS: []LSE{{Depth: 1, Label: Some[uint32](16)}, {Depth: 2, TC: Some[uint8](3), BOS: Some[uint8](1)}},
		}))},
		{add + "ip flower ct_state +trk+est-rpl ct_zone 5/0xff ct_mark 7 ct_label 01000000000000000000000000000000/ff000000000000000000000000000000 action drop",
			Add(with(ip, func(m *Match) {
				m.CT = Conntrack{
					State: Masked[CTState]{CTTracked | CTEstablished, CTTracked | CTEstablished | CTReply}, Zone: Masked[uint16]{5, 0xff},
					Mark: Exact[uint32](7), Label: Masked[Label]{Label{1}, Label{0xff}},
				}
			}))},
		{add + "ip flower ct_state -trk action drop", Add(with(ip, func(m *Match) { m.CT.State = Masked[CTState]{0, CTTracked} }))},
	}
}

func tunnelCases() []requestCase {
	const add = "tc filter add dev p0 ingress prio 1 protocol "
	return []requestCase{
		{add + "ip flower enc_key_id 77 enc_src_ip 172.16.0.0/12 enc_dst_ip 172.16.0.1 enc_dst_port 6081 enc_tos 0xb8 enc_ttl 64/f0 dst_ip 10.0.0.9 action drop",
			Add(onP0(Match{EthType: EtherIPv4, IPDst: ExactAddr(addr("10.0.0.9")), Tunnel: Tunnel{
				KeyID: Some[uint32](77), Src: prefix("172.16.0.0/12"), Dst: ExactAddr(addr("172.16.0.1")), DstPort: Exact[uint16](6081),
				TOS: Exact[uint8](0xb8), TTL: Masked[uint8]{64, 0xf0},
			}}))},
		{add + "all flower enc_src_ip fd00::1 enc_dst_ip fd00::/16 action drop", Add(onP0(Match{Tunnel: Tunnel{
			Src: ExactAddr(addr("fd00::1")), Dst: prefix("fd00::/16"),
		}}))},
		{add + "all flower enc_key_id 1 geneve_opts 0102:80:00010002/ffff:ff:7fffffff action drop", Add(onP0(Match{Tunnel: Tunnel{
			KeyID: Some[uint32](1), Geneve: []GeneveMatch{{
				Exact[uint16](0x102), Exact[uint8](0x80), []byte{0, 1, 0, 2}, []byte{0x7f, 0xff, 0xff, 0xff},
			}},
		}}))},
		{add + "all flower geneve_opts 0102:80:00010002,0103:81:0000000000000001 action drop", Add(onP0(Match{Tunnel: Tunnel{
			Geneve: []GeneveMatch{
				{Exact[uint16](0x102), Exact[uint8](0x80), []byte{0, 1, 0, 2}, []byte{0xff, 0xff, 0xff, 0xff}},
				{Exact[uint16](0x103), Exact[uint8](0x81), []byte{0, 0, 0, 0, 0, 0, 0, 1}, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
			},
		}}))},
		{add + "all flower vxlan_opts 257/65535 action drop", Add(onP0(Match{Tunnel: Tunnel{GBP: Masked[uint32]{257, 65535}}}))},
	}
}

func verbCases() []requestCase {
	key := Key{Hook: Ingress(p0), Chain: 7, Prio: 3, Protocol: EtherIPv4, Handle: 0xa}
	ip := Match{EthType: EtherIPv4}
	drop := []Action{DropAll()}
	filter := &Filter{Key: key, Match: ip, Actions: drop}
	block := *filter
	block.Hook, block.Flags = Block(22), SkipSW
	egress := *filter
	egress.Hook, egress.Flags, egress.ClassID, egress.Actions = Egress(p1), SkipHW|Verbose, 0x10002, nil
	return []requestCase{
		{"tc filter add dev p0 ingress protocol ip chain 7 prio 3 handle 0xa flower action drop", Add(filter)},
		{"tc filter replace dev p0 ingress protocol ip chain 7 prio 3 handle 0xa flower action drop", Replace(filter)},
		{"tc filter change dev p0 ingress protocol ip chain 7 prio 3 handle 0xa flower action drop", Change(filter)},
		{"tc filter add block 22 protocol ip chain 7 prio 3 handle 0xa flower skip_sw action drop", Add(&block)},
		{"tc filter add dev p1 egress protocol ip chain 7 prio 3 handle 0xa flower classid 1:2 skip_hw verbose", Add(&egress)},
		{"tc filter del dev p0 ingress protocol ip chain 7 prio 3 handle 0xa flower", Delete(key)},
		{"tc filter del dev p0 ingress protocol ip chain 7 prio 3 flower", DeletePrio(Ingress(p0), 7, 3, EtherIPv4)},
		{"tc filter del dev p0 ingress chain 7", FlushChain(Ingress(p0), 7)},
		{"tc chain add dev p0 ingress chain 7", AddChain(Ingress(p0), 7, nil)},
		{"tc chain add dev p0 ingress protocol ip chain 7 flower dst_ip 0.0.0.0/24", AddChain(Ingress(p0), 7, &Match{
			EthType: EtherIPv4, IPDst: prefix("0.0.0.0/24"),
		})},
		{"tc chain del dev p0 ingress chain 7", DeleteChain(Ingress(p0), 7)},
	}
}
