package flower

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/nl"
)

// TestRefusals has what must not reach the kernel, with words of the refusal.
func TestRefusals(t *testing.T) {
	type change func(*Filter)
	match := func(m Match) change {
		return func(f *Filter) {
			f.Match = m
			f.Protocol = m.Protocol()
		}
	}
	do := func(op Op) change { return func(f *Filter) { f.Actions = []Action{{Op: op}} } }
	ip, tcp := EtherIPv4, Some[uint8](6)
	port := Exact[uint16](80)
	opt := GeneveMatch{Data: []byte{1, 2, 3, 4}, Mask: []byte{1, 2, 3, 4}}
	long := GeneveMatch{Data: make([]byte, 124), Mask: make([]byte, 124)}
	for _, c := range []struct {
		want   string
		change change
	}{
		{"filter needs a priority", func(f *Filter) { f.Prio = 0 }},
		{"filter needs a protocol", func(f *Filter) { f.Protocol = 0 }},
		{"never matches", func(f *Filter) { f.Protocol = EtherIPv6 }},
		{"is in chain 268435456", func(f *Filter) { f.Chain = 1 << 28 }},
		{"has the flags 0x4", func(f *Filter) { f.Flags = flagInHW }},
		{"both skip_hw and skip_sw", func(f *Filter) { f.Flags = SkipHW | SkipSW }},
		{"is there 33 times", func(f *Filter) { f.Actions = make([]Action, 33) }},
		{"has no Op", func(f *Filter) { f.Actions = []Action{{}} }},

		{"indev is longer", match(Match{InDev: "sixteen-or-more-"})},
		{"IP fields need the packet type", match(Match{IPProto: tcp})},
		{"IP fields need the packet type", match(Match{EthType: EtherARP, TTL: Exact[uint8](1)})},
		{"src_ip has an address of the other family", match(Match{EthType: ip, IPSrc: ExactAddr(addr("::1"))})},
		{"dst_ip has an address of one family and a mask of the other", match(Match{EthType: ip, IPDst: Masked[netip.Addr]{addr("1.2.3.4"), addr("::1")}})},
		{"dst_ip needs both an address and a mask", match(Match{EthType: ip, IPDst: Masked[netip.Addr]{Value: addr("1.2.3.4")}})},
		{"ports need the IP protocol", match(Match{EthType: ip, DstPort: port})},
		{"ports need the IP protocol", match(Match{EthType: ip, IPProto: Some[uint8](1), SrcPortRange: PortRange{1, 2}})},
		{"src_port has the range 5-5", match(Match{EthType: ip, IPProto: tcp, SrcPortRange: PortRange{5, 5}})},
		{"dst_port has the range 6-5", match(Match{EthType: ip, IPProto: tcp, DstPortRange: PortRange{6, 5}})},
		{"tcp_flags need the IP protocol TCP", match(Match{EthType: ip, IPProto: Some[uint8](17), TCPFlags: Exact[uint16](2)})},
		{"tcp_flags have 12 bits", match(Match{EthType: ip, IPProto: tcp, TCPFlags: Exact[uint16](2)})},
		{"icmp needs IPv4", match(Match{EthType: EtherIPv6, IPProto: Some[uint8](1), ICMPType: Exact[uint8](8)})},
		{"arp needs the packet type", match(Match{EthType: ip, ARP: ARP{Op: Exact[uint8](1)}})},
		{"arp_sip has an address of the other family", match(Match{EthType: EtherARP, ARP: ARP{SPA: ExactAddr(addr("::1"))}})},
		{"arp_tip has an address of the other family", match(Match{EthType: EtherARP, ARP: ARP{TPA: ExactAddr(addr("::1"))}})},
		{"mpls needs the packet type", match(Match{EthType: ip, MPLS: []LSE{{Depth: 1}}})},
		{"mpls has an entry of depth 8", match(Match{EthType: EtherMPLS, MPLS: []LSE{{Depth: 8}}})},
		{"mpls has label 1048576", match(Match{EthType: EtherMPLS, MPLS: []LSE{{Depth: 1, Label: Some[uint32](1 << 20)}}})},
		{"mpls has entries out of order", match(Match{EthType: EtherMPLS, MPLS: []LSE{{Depth: 2}, {Depth: 1}}})},
		{"vlan needs the tag's type", match(Match{VLAN: Tag{ID: Some[uint16](1)}})},
		{"vlan has the tag type 0800", match(Match{VLAN: Tag{TPID: ip}})},
		{"vlan has id 4096", match(Match{VLAN: Tag{TPID: EtherVLAN, ID: Some[uint16](4096)}})},
		{"cvlan needs a match on the outer", match(Match{CVLAN: Tag{TPID: EtherVLAN}})},
		{"cvlan needs the tag's type", match(Match{VLAN: Tag{TPID: EtherVLAN}, CVLAN: Tag{Prio: Some[uint8](1)}})},
		{"eth_type is a VLAN type", match(Match{EthType: EtherVLAN})},
		{"ip_flags can be Fragment", match(Match{IPFlags: Masked[PacketFlags]{0, TunnelOAM}})},
		{"enc_flags can be the Tunnel", match(Match{Tunnel: Tunnel{Flags: Masked[PacketFlags]{Fragment, Fragment}}})},
		{"enc_dst_ip has an address of the other", match(Match{Tunnel: Tunnel{Src: ExactAddr(addr("::1")), Dst: ExactAddr(addr("1.2.3.4"))}})},
		{"enc_src_ip needs both", match(Match{Tunnel: Tunnel{Src: Masked[netip.Addr]{Value: addr("::1")}}})},
		{"vxlan_opts cannot be matched together", match(Match{Tunnel: Tunnel{Geneve: []GeneveMatch{opt}, GBP: Exact[uint32](1)}})},
		{"vxlan_opts has a group", match(Match{Tunnel: Tunnel{GBP: Exact[uint32](1)}})},
		{"geneve_opts needs 4 to 124 bytes", match(Match{Tunnel: Tunnel{Geneve: []GeneveMatch{{Data: []byte{1}}}}})},
		{"geneve_opts has 4 bytes of data and 0 of mask", match(Match{Tunnel: Tunnel{Geneve: []GeneveMatch{{Data: opt.Data}}}})},
		{"geneve_opts take 256 bytes", match(Match{Tunnel: Tunnel{Geneve: []GeneveMatch{long, long}}})},
		{"ct_state has unknown bits", match(Match{CT: Conntrack{State: Masked[CTState]{0, 1 << 6}}})},
		{"ct_state needs +trk", match(Match{CT: Conntrack{State: Masked[CTState]{CTNew, CTNew}}})},
		{"ct_state cannot be +new", match(Match{CT: Conntrack{State: Masked[CTState]{CTTracked | CTNew | CTReply, ctStates}}})},
		{"ct_state can have only +trk", match(Match{CT: Conntrack{State: Masked[CTState]{CTTracked | CTInvalid | CTRelated, ctStates}}})},

		{"gact random has type 3", do(Gact{Random: RandomControl{Type: 3}})},
		{"gact random has type 1 and value 0", do(Gact{Random: RandomControl{Type: 1}})},
		{"gact random cannot go to a chain", do(Gact{Random: RandomControl{1, 1, Goto(1)}})},
		{"tunnel_key set needs source", do(TunnelSet{Src: addr("1.2.3.4")})},
		{"tunnel_key set needs source", do(TunnelSet{Src: addr("1.2.3.4"), Dst: addr("::1")})},
		{"cannot have both geneve_opts", do(TunnelSet{
			Src: addr("::1"), Dst: addr("::1"), Geneve: []GeneveOption{{Data: opt.Data}}, GBP: Some[uint32](1),
		})},
		{"vxlan_opts have the group", do(TunnelSet{Src: addr("::1"), Dst: addr("::1"), GBP: Some[uint32](1 << 24)})},
		{"geneve_opts needs 4", do(TunnelSet{Src: addr("::1"), Dst: addr("::1"), Geneve: []GeneveOption{{}}})},
		{"geneve_opts take 256", do(TunnelSet{Src: addr("::1"), Dst: addr("::1"), Geneve: []GeneveOption{{Data: long.Data}, {Data: long.Data}}})},
		{"vlan has the unknown operation 0", do(VLAN{})},
		{"vlan has id 4095", do(VLAN{What: VLANPush, ID: 4095})},
		{"vlan has the tag type 0800", do(VLAN{What: VLANPush, TPID: ip})},
		{"pedit has 0 keys", do(Pedit{})},
		{"pedit has a key for header 6", do(Pedit{[]PeditKey{{Header: 6}}})},
		{"pedit has a key for header 0 and offset 1", do(Pedit{[]PeditKey{{Offset: 1}}})},
		{"csum has the set 0x0", do(Csum{})},
		{"csum has the set 0x80", do(Csum{1 << 7})},
		{"ct with clear can have nothing else", do(CT{Clear: true, Zone: 1})},
		{"ct force needs commit", do(CT{Force: true})},
		{"ct mark and label need commit", do(CT{Mark: Exact[uint32](1)})},
		{"ct nat addresses and ports need", do(CT{NAT: NAT{Kind: NATKnown, MinPort: 1, MaxPort: 2}})},
		{"ct nat has the unknown kind", do(CT{NAT: NAT{Kind: 9}})},
		{"ct nat src and dst need commit", do(CT{NAT: NAT{Kind: NATSrc}})},
		{"ct nat needs a first and a last", do(CT{Commit: true, NAT: NAT{Kind: NATSrc, MinAddr: addr("::1")}})},
		{"which is empty", do(CT{Commit: true, NAT: NAT{Kind: NATSrc, MinAddr: addr("::2"), MaxAddr: addr("::1")}})},
		{"which is empty", do(CT{Commit: true, NAT: NAT{Kind: NATDst, MaxPort: 1}})},
		{"police can limit bytes or packets", do(Police{Rate: 1, Burst: 64, PacketRate: 1, PacketBurst: 64})},
		{"police needs a rate", do(Police{})},
		{"police needs a burst", do(Police{Rate: 1})},
		{"police needs a burst", do(Police{MTU: 1, PacketBurst: 64})},
		{"police has the burst 1h", do(Police{Rate: 1, Burst: time.Hour})},
		{"police cannot go to a chain", do(Police{MTU: 1, Conform: Goto(1)})},
		{"the kernel counts in 64 ns", do(Police{Rate: 1, Burst: 65})},
		{"skbedit changes nothing", do(Skbedit{})},
		{"skbedit has packet type 4", do(Skbedit{Type: Some[uint16](4)})},
		{"sample needs a rate", do(Sample{})},
		{"mpls has the unknown operation", do(MPLS{})},
		{"mpls has label", do(MPLS{What: MPLSPush, Label: Some[uint32](1 << 20)})},
		{"mpls has label 3", do(MPLS{What: MPLSPush, Label: Some[uint32](3)})},
		{"mpls pop needs the type", do(MPLS{What: MPLSPop})},
		{"mpls push has the type 0800", do(MPLS{What: MPLSPush, Proto: ip, Label: Some[uint32](1)})},
		{"mpls push needs a label", do(MPLS{What: MPLSPush})},
		{"mpls dec_ttl has fields", do(MPLS{What: MPLSDecTTL, TTL: 1})},
		{"mpls modify has fields", do(MPLS{What: MPLSModify, Proto: EtherMPLS})},
		{"action bpf comes from a terse dump", do(Raw{Name: "bpf"})},
	} {
		f := *onP0(Match{EthType: EtherIPv4})
		c.change(&f)
		var e nl.Encoder
		err := f.encode(&e)
		var refusal *InvalidError
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %q, want %q", err, c.want)
		}
	}
}

func TestRefusedRequests(t *testing.T) {
	key := Key{Hook: Ingress(p0), Prio: 1, Protocol: EtherIPv4}
	for want, r := range map[string]Request{
		"needs priority and handle, or it would delete more": Delete(key),
		"needs the priority, or it would flush":              DeletePrio(Ingress(p0), 0, 0, EtherIPv4),
		"change filter needs the handle":                     Change(&Filter{Key: key}),
		"IP fields need":                                     AddChain(Ingress(p0), 1, &Match{IPProto: Some[uint8](6)}),
	} {
		var e nl.Encoder
		if _, _, err := r.encode(&e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := NewCookie(nil); err == nil {
		t.Error("an empty cookie was made")
	}
	if _, err := NewCookie(make([]byte, 17)); err == nil {
		t.Error("a cookie of 17 bytes was made")
	}
}
