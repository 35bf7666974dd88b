package flower

import "slices"

// act is an action with a control.
func act(op Op, c Control) Action { return Action{Op: op, Control: c} }

func actionCases() []requestCase {
	const add = "tc filter add dev p0 ingress prio 1 protocol all flower action "
	cases := slices.Concat(forwardingCases(), headerCases(), conntrackCases(), policeCases())
	for i := range cases {
		cases[i].tc = add + cases[i].tc
	}
	return cases
}

func forwardingCases() []requestCase {
	shared := act(Gact{}, Pass)
	shared.Index = 7
	marked := Redirect(p1)
	marked.Cookie = cookie("00112233445566778899aabbccddeeff")
	delayed, disabled := Mirror(p1), DropAll()
	delayed.HWStats, disabled.HWStats = HWStatsDelayed, HWStatsDisabled
	immediate := DropAll()
	immediate.HWStats, immediate.NoPercpu = HWStatsImmediate, true
	return []requestCase{
		{"pass index 7", Add(does(shared))},
		{"reclassify", Add(does(act(Gact{}, Reclassify)))},
		{"continue", Add(does(act(Gact{}, Continue)))},
		{"trap", Add(does(TrapAll()))},
		{"pipe action goto chain 268435455", Add(does(act(Gact{}, Pipe), GotoChain(1<<28-1)))},
		{"jump 2 action pipe action drop", Add(does(act(Gact{}, Jump(2)), act(Gact{}, Pipe), DropAll()))},
		{"drop random determ pass 100", Add(does(act(Gact{Random: RandomControl{2, 100, Pass}}, Drop)))},
		{"mirred egress redirect dev p1 cookie 00112233445566778899aabbccddeeff", Add(does(marked))},
		{"mirred egress mirror dev p1 hw_stats delayed action drop hw_stats disabled", Add(does(delayed, disabled))},
		{"mirred ingress redirect dev p1", Add(does(act(Mirred{Ifindex: p1, Ingress: true}, Stolen)))},
		{"mirred ingress mirror dev p1 pipe action drop hw_stats immediate no_percpu", Add(does(
			act(Mirred{Ifindex: p1, Ingress: true, Mirror: true}, Pipe), immediate,
		))},
		{"skbedit priority 1:2 queue_mapping 3 mark 5/0xff ptype host inheritdsfield pipe", Add(does(act(Skbedit{
			Queue: Some[uint16](3), Priority: Some[uint32](0x10002), Mark: Masked[uint32]{5, 0xff}, Type: Some[uint16](0), InheritDSField: true,
		}, Pipe)))},
		{"skbedit mark 5", Add(does(act(Skbedit{Mark: Exact[uint32](5)}, Pipe)))},
		{"sample rate 10 group 4 trunc 128", Add(does(act(Sample{10, 4, 128}, Pipe)))},
		{"sample rate 1 group 0", Add(does(act(Sample{Rate: 1}, Pipe)))},
	}
}

func headerCases() []requestCase {
	set := TunnelSet{ID: Some[uint32](77), Src: addr("172.16.0.1"), Dst: addr("172.16.0.2"), DstPort: 6081}
	set6 := TunnelSet{Src: addr("fd00::1"), Dst: addr("fd00::2"), NoCsum: true, TOS: 4, TTL: 64, GBP: Some[uint32](0x101)}
	set.Geneve = []GeneveOption{{0x102, 0x80, []byte{0, 1, 0, 2}}, {0x103, 1, []byte{1, 2, 3, 4, 5, 6, 7, 8}}}
	ethernet := slices.Concat(PeditEthDst(MAC{2, 0, 0, 0, 0, 1}), PeditEthSrc(MAC{2, 0, 0, 0, 0, 2}))
	ipv4 := slices.Concat(PeditIPSrc(addr("192.0.2.1")), PeditIPDst(addr("192.0.2.2")), PeditDecTTL(PeditIPv4))
	ipv6 := slices.Concat(PeditIPSrc(addr("2001:db8::1")), PeditIPDst(addr("2001:db8::2")), PeditDecTTL(PeditIPv6))
	ports := slices.Concat(PeditSrcPort(PeditTCP, 80), PeditDstPort(PeditTCP, 8080), PeditDstPort(PeditUDP, 53))
	return []requestCase{
		{"tunnel_key set id 77 src_ip 172.16.0.1 dst_ip 172.16.0.2 dst_port 6081 geneve_opts 0102:80:00010002,0103:01:0102030405060708",
			Add(does(act(set, Pipe)))},
		{"tunnel_key set src_ip fd00::1 dst_ip fd00::2 nocsum tos 4 ttl 64 vxlan_opts 257", Add(does(act(set6, Pipe)))},
		{"tunnel_key unset pipe action mirred egress redirect dev p1", Add(does(act(TunnelUnset{}, Pipe), Redirect(p1)))},
		{"vlan pop", Add(does(act(VLAN{What: VLANPop}, Pipe)))},
		{"vlan push id 100", Add(does(act(VLAN{What: VLANPush, ID: 100}, Pipe)))},
		{"vlan push id 4094 protocol 802.1ad priority 7 drop", Add(does(
			act(VLAN{What: VLANPush, ID: 4094, TPID: EtherQinQ, Prio: Some[uint8](7)}, Drop),
		))},
		{"vlan modify id 5 protocol 802.1q priority 0", Add(does(
			act(VLAN{What: VLANModify, ID: 5, TPID: EtherVLAN, Prio: Some[uint8](0)}, Pipe),
		))},
		{"vlan pop_eth", Add(does(act(VLAN{What: VLANPopEth}, Pipe)))},
		{"vlan push_eth dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:02", Add(does(
			act(VLAN{What: VLANPushEth, Dst: MAC{2, 0, 0, 0, 0, 1}, Src: MAC{2, 0, 0, 0, 0, 2}}, Pipe),
		))},
		{"pedit ex munge eth dst set 02:00:00:00:00:01 munge eth src set 02:00:00:00:00:02 pipe", Add(does(act(Pedit{ethernet}, Pipe)))},
		{"pedit ex munge ip src set 192.0.2.1 munge ip dst set 192.0.2.2 munge ip ttl add 255 pipe action csum ip4h tcp udp pipe", Add(does(
			act(Pedit{ipv4}, Pipe), act(Csum{CsumIPv4 | CsumTCP | CsumUDP}, Pipe),
		))},
		{"pedit ex munge ip6 src set 2001:db8::1 munge ip6 dst set 2001:db8::2 munge ip6 hoplimit add 255 pipe", Add(does(act(Pedit{ipv6}, Pipe)))},
		{"pedit ex munge tcp sport set 80 munge tcp dport set 8080 munge udp dport set 53 pipe", Add(does(act(Pedit{ports}, Pipe)))},
		{"pedit ex munge ip ttl set 64 munge ip dsfield set 0xb8 retain 0xfc pipe", Add(does(
			act(Pedit{slices.Concat(PeditTTL(PeditIPv4, 64), PeditDSCP(PeditIPv4, 46))}, Pipe),
		))},
		{"csum iph icmp igmp tcp udp udplite sctp", Add(does(act(Csum{csumAll}, Pass)))},
		{"mpls push protocol mpls_uc label 16 tc 1 ttl 64 bos 1", Add(does(
			act(MPLS{What: MPLSPush, Proto: EtherMPLS, Label: Some[uint32](16), TC: Some[uint8](1), TTL: 64, BOS: Some[uint8](1)}, Pipe),
		))},
		{"mpls pop protocol ip", Add(does(act(MPLS{What: MPLSPop, Proto: EtherIPv4}, Pipe)))},
		{"mpls modify label 5", Add(does(act(MPLS{What: MPLSModify, Label: Some[uint32](5)}, Pipe)))},
		{"mpls dec_ttl", Add(does(act(MPLS{What: MPLSDecTTL}, Pipe)))},
		{"mpls mac_push label 5", Add(does(act(MPLS{What: MPLSMACPush, Label: Some[uint32](5)}, Pipe)))},
	}
}

func conntrackCases() []requestCase {
	label := Masked[Label]{Label{1}, Label{0xff}}
	return []requestCase{
		{"ct zone 5 pipe action goto chain 2", Add(does(act(CT{Zone: 5}, Pipe), GotoChain(2)))},
		{"ct clear", Add(does(act(CT{Clear: true}, Pipe)))},
		{"ct zone 5 nat pipe", Add(does(act(CT{Zone: 5, NAT: NAT{Kind: NATKnown}}, Pipe)))},
		{"ct commit force zone 5 mark 7/0xff label 01000000000000000000000000000000/ff000000000000000000000000000000", Add(does(
			act(CT{Commit: true, Force: true, Zone: 5, Mark: Masked[uint32]{7, 0xff}, Label: label}, Pipe),
		))},
		{"ct commit nat src addr 192.0.2.1 port 1024-2000", Add(does(
			act(CT{Commit: true, NAT: NAT{NATSrc, addr("192.0.2.1"), addr("192.0.2.1"), 1024, 2000}}, Pipe),
		))},
		{"ct commit zone 1 mark 1 nat dst addr 2001:db8::1-2001:db8::9 port 80", Add(does(act(CT{
			Commit: true, Zone: 1, Mark: Exact[uint32](1), NAT: NAT{NATDst, addr("2001:db8::1"), addr("2001:db8::9"), 80, 80},
		}, Pipe)))},
	}
}

func policeCases() []requestCase {
	shared := act(Police{}, Reclassify)
	shared.Index = 100
	rate := uint64(10e6 / 8)
	fast := uint64(100e9 / 8)
	return []requestCase{
		{"police rate 10mbit burst 64k conform-exceed drop/pipe", Add(does(
			act(Police{Rate: rate, Burst: BurstOf(rate, 64<<10), Conform: Pipe}, Drop),
		))},
		{"police rate 100gbit burst 10m mtu 64kb overhead 24 mpu 64 drop", Add(does(
			act(Police{Rate: fast, Burst: BurstOf(fast, 10<<20), MTU: 64 << 10, Overhead: 24, MPU: 64}, Drop),
		))},
		{"police pkts_rate 1000 pkts_burst 200 drop", Add(does(act(Police{PacketRate: 1000, PacketBurst: BurstOf(1000, 200)}, Drop)))},
		{"police mtu 1500 drop", Add(does(act(Police{MTU: 1500}, Drop)))},
		{"police index 100", Add(does(shared))},
	}
}
