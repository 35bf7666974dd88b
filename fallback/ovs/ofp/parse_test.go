package ofp

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTextIsReadAsWritten: parsing the text of a flow gives the same bytes.
func TestTextIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := genFlowMod(rt)
		m.Flags &^= FlowResetCounts
		text := m.Flow().String()
		got, err := ParseFlow(text)
		if err != nil {
			rt.Fatalf("%s: %v", text, err)
		}
		if again := got.Flow().String(); again != text {
			rt.Fatalf("%s\nbecame %s", text, again)
		}
		// The text does not say how long the options of tunnel metadata are.
		if !strings.Contains(text, "tun_metadata") && (!bytes.Equal(got.Match, m.Match) || !bytes.Equal(got.Actions, m.Actions)) {
			rt.Fatalf("%s\nmatch %x\n      %x\nactions %x\n        %x", text, []byte(m.Match), []byte(got.Match), []byte(m.Actions), []byte(got.Actions))
		}
	})
}

// flowTexts are forms that people write and ovs-ofctl accepts; most are not the
// ones that it prints.
var flowTexts = []string{
	"actions=drop",
	"table=3, priority=7 actions=NORMAL",
	"cookie=0x12, duration=3.2s, table=0, n_packets=1, n_bytes=60, idle_age=3, priority=1,arp actions=output:5",
	"idle_timeout=5,hard_timeout=6,importance=3,send_flow_rem check_overlap no_packet_counts actions=LOCAL,IN_PORT,FLOOD,ALL",
	"in_port=1,dl_src=00:11:22:33:44:55,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=1,2",
	"in_port=LOCAL,ip,nw_src=10.0.0.0/8,nw_dst=192.168.0.1/255.255.0.255,nw_tos=32,nw_ecn=1,nw_ttl=64 actions=dec_ttl,output:2",
	"ip,nw_proto=89,ip_dscp=10 actions=drop",
	"tcp,tp_src=80,tp_dst=0x400/0xfc00,tcp_flags=+syn-ack actions=drop",
	"tcp,tcp_flags=syn|ack,tcp_dst=443 actions=drop",
	"tcp,tcp_flags=0x12/0x3f actions=drop",
	"udp,udp_src=53,tp_dst=54 actions=drop",
	"udp6,tp_src=53,ipv6_src=fe80::/10,ipv6_dst=ff02::1,ipv6_label=0x12345 actions=drop",
	"sctp,tp_dst=7 actions=drop",
	"icmp,icmp_type=8,icmp_code=0 actions=drop",
	"icmp6,icmp_type=135,icmp_code=0,nd_target=fe80::1,nd_sll=00:00:00:00:00:01 actions=drop",
	"icmp6,icmpv6_type=136,icmpv6_code=0,nd_tll=00:00:00:00:00:02/ff:ff:ff:00:00:00 actions=drop",
	"arp,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.0/24,arp_sha=00:00:00:00:00:01 actions=drop",
	"arp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_proto=2 actions=drop",
	"rarp,arp_tha=00:00:00:00:00:01 actions=drop",
	"dl_type=0x88cc actions=drop",
	"eth_type=0x0800 actions=drop",
	"dl_vlan=5,dl_vlan_pcp=3 actions=pop_vlan,1",
	"dl_vlan=0xffff actions=push_vlan:0x8100,set_field:4101->vlan_vid,1",
	"vlan_tci=0x1000/0x1000 actions=strip_vlan,1",
	"vlan_vid=0x1000/0x1000 actions=1",
	"vlan_tci=0x1123 actions=1",
	"mpls,mpls_label=5,mpls_tc=1,mpls_bos=1,mpls_ttl=9 actions=pop_mpls:0x0800,1",
	"ip actions=push_mpls:0x8847,set_field:7->mpls_label,2",
	"ip,ip_frag=later actions=drop", "ip,nw_frag=no actions=drop", "ip,nw_frag=yes actions=drop", "ip,nw_frag=not_later actions=drop", "ip,nw_frag=first actions=drop",
	"metadata=5/0xff,reg0=0x1,reg1=0x2/0xf,xreg2=0x100000002,xxreg3=0x1/0xffff,pkt_mark=1 actions=drop",
	"reg0[3..5]=5 actions=drop",
	"tun_id=0x5,tun_src=1.2.3.4,tun_dst=0.0.0.0/0.0.0.1,tun_ipv6_src=::1,tun_flags=oam,tun_gbp_id=1,tun_gbp_flags=2 actions=drop",
	"tunnel_id=9/0xf,tun_flags=-oam actions=drop",
	"tun_metadata0=0x1234,tun_metadata5=0x1/0xf,tun_metadata7 actions=drop",
	"ct_state=+trk+new,ct_zone=5,ct_mark=0x1/0xf,ct_label=0x123456789abcdef0123456789abcdef0 actions=drop",
	"ct_state=+trk-inv,ip,ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.0/8,ct_nw_proto=6,ct_tp_src=80,ct_tp_dst=0x50/0xfff0 actions=drop",
	"ct_state=new|trk,ipv6,ct_ipv6_src=::1,ct_ipv6_dst=fe80::/64 actions=drop",
	"ct_state=0x21/0x23 actions=drop",
	"conj_id=7,dp_hash=1/3,recirc_id=0,ip actions=drop",
	"actset_output=3 actions=drop",
	"actions=load:0x1->NXM_NX_REG0[],load:5->NXM_NX_REG1[3..9],load:0xffff->OXM_OF_PKT_REG3[48..63]",
	"actions=load:0->NXM_OF_VLAN_TCI[],load:0x1->NXM_NX_TUN_ID[0..23],load:1->NXM_OF_IN_PORT[]",
	"ip actions=set_field:10.0.0.1->ip_src,set_field:0.0.0.5/0.0.0.255->nw_dst,set_field:00:00:00:00:00:01->eth_dst,set_field:9->nw_ttl,set_field:12->ip_dscp",
	"tcp actions=set_field:80->tcp_src,set_field:0x50/0xff->tcp_dst,mod_nw_ttl:3",
	"ipv6 actions=set_field:fe80::1->ipv6_src,set_field:0x5->ipv6_label",
	"arp actions=set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],set_field:1.2.3.4->arp_spa",
	"actions=set_field:0x5/0xf->metadata,set_field:0x123456789abcdef01->xxreg0,set_field:1.1.1.1->tun_src,set_field:oam->tun_flags",
	"actions=move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31],move:OXM_OF_METADATA[0..31]->reg5,move:reg1[]->reg2[]",
	"actions=push:NXM_NX_REG0[],push:NXM_OF_ETH_SRC[0..10],pop:NXM_NX_REG1[],pop:NXM_NX_XXREG0[]",
	"actions=resubmit(,5),resubmit(3,),resubmit:4,resubmit(IN_PORT,9),resubmit(1,2)",
	"ip,ct_state=+trk+est actions=resubmit(,7,ct)",
	"actions=meter:3,group:5,set_queue:7,1,pop_queue,exit",
	"actions=controller,controller:128,CONTROLLER:64",
	"actions=controller(max_len=100,id=5,reason=invalid_ttl,userdata=01.02.ab,pause,meter_id=3),controller(userdata=0102)",
	"actions=output:NXM_NX_REG0[],output:NXM_NX_REG15[0..15],output:OXM_OF_PKT_REG1[5..20]",
	"ip actions=ct(commit,force,zone=5,nat(src=10.0.0.1-10.0.0.9:1000-2000,random),exec(set_field:0x1->ct_mark,load:0x5->NXM_NX_CT_LABEL[0..31]))",
	"ip actions=ct(table=5,zone=NXM_NX_REG13[0..15],nat),ct_clear,ct()",
	"tcp actions=ct(commit,alg=ftp,nat(dst=1.2.3.4:80,persistent,hash))",
	"ipv6 actions=ct(commit,nat(dst=[fd00::1]:80)),ct(commit,nat(src=fd00::1-fd00::5)),ct(commit,nat(src))",
	"udp actions=ct(commit,alg=tftp,table=3)",
	"ip actions=clone(set_field:1->reg0,clone(dec_ttl,resubmit(,3)),1),2",
	"actions=learn(table=5,idle_timeout=10,hard_timeout=20,priority=9,cookie=0x5,delete_learned,send_flow_rem,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],NXM_OF_VLAN_TCI[0..11],eth_type=0x800,load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],load:0x5->NXM_NX_REG1[],output:NXM_OF_IN_PORT[])",
	"actions=learn(limit=5,result_dst=NXM_NX_REG0[3],fin_idle_timeout=1,fin_hard_timeout=2,reg5[3..5]=5,metadata=0x7)",
	"conj_id=5 actions=1", "reg0=1 actions=conjunction(5,1/2),conjunction(6,3/64)",
	"actions=note:00.11.22.33.44.55,note:01,note:",
	"actions=check_pkt_larger(1500)->NXM_NX_REG0[3],check_pkt_larger(9000)->reg1[0]",
	"actions=sample(probability=65535,collector_set_id=1,obs_domain_id=2,obs_point_id=3),sample(probability=1,sampling_port=3,egress)",
	"actions=multipath(symmetric_l4,50,hrw,12,0,NXM_NX_REG0[0..31]),multipath(eth_src,0,modulo_n,1,0,NXM_NX_REG0[])",
	"actions=bundle(eth_src,0,hrw,ofport,members:4,8),bundle_load(symmetric_l3l4+udp,7,active_backup,ofport,NXM_NX_REG0[],members:1,2,3),bundle(nw_src,0,hrw,ofport,members:)",
}

// TestTextMeansWhatOfctlReads: what we read from a text is what ovs-ofctl reads.
func TestTextMeansWhatOfctlReads(t *testing.T) {
	file := filepath.Join(t.TempDir(), "flows")
	if err := os.WriteFile(file, []byte(strings.Join(flowTexts, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, l := range strings.Split(ofctl(t, "parse-flows", file), "\n") {
		if _, rest, ok := strings.Cut(l, "): "); ok && strings.HasPrefix(l, "OFPT_FLOW_MOD") {
			want = append(want, rest)
		}
	}
	if len(want) != len(flowTexts) {
		t.Fatalf("ovs-ofctl read %d flows of %d", len(want), len(flowTexts))
	}
	var msgs []Message
	for _, text := range flowTexts {
		m, err := ParseFlow(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if strings.Contains(text, "check_overlap") {
			m.Flags |= FlowCheckOverlap
		}
		msgs = append(msgs, m)
	}
	for i, got := range ofctlPrint(t, msgs) {
		// Without "table" ovs-ofctl leaves the table to the switch.
		w := strings.Replace(want[i], "ADD table:255", "ADD", 1)
		if got != w {
			t.Errorf("%s\nours: %s\nits:  %s", flowTexts[i], got, w)
		}
		if ours := flowModText(t, msgs[i].(*FlowMod)); ours != w {
			t.Errorf("%s\nour text: %s\nits text: %s", flowTexts[i], ours, w)
		}
	}
}

func TestRefusedTexts(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"table=1", "has no actions="},
		{"priority=70000 actions=drop", "does not fit into 16 bits"},
		{"nonsense=1 actions=drop", `"nonsense" is no field`},
		{"tcp_src=80 actions=drop", "tcp_src needs a match on IP and nw_proto=6"},
		{"nw_src=10.0.0.1 actions=drop", "ip_src needs a match on eth_type=0x0800"},
		{"ip,nw_src=10.0.0.300 actions=drop", `"10.0.0.300" is no IPv4 address`},
		{"dl_src=1:2:3 actions=drop", "is no Ethernet address"},
		{"ip,nw_ttl=3/5 actions=drop", "cannot be matched with a mask"},
		{"reg0=1,reg0=2 actions=drop", "contradict each other"},
		{"packet_type=(1,0x800) actions=drop", "only Ethernet packets are supported"},
		{"nsh_flags=1 actions=drop", `"nsh_flags" is no field`},
		{"actions=encap(nsh)", "the action is not supported"},
		{"actions=enqueue:1:2", "the action is not supported"},
		{"actions=goto_table:3", "the action is not supported"},
		{"actions=resubmit(,)", "neither a port nor a table"},
		{"actions=load:0x100->NXM_NX_REG0[0..7]", "does not fit into 8 bits"},
		{"actions=load:1->NXM_NX_REG0[30..40]", "the field has bits 0..31"},
		{"actions=set_field:1->ct_state", "cannot be written"},
		{"actions=move:NXM_NX_REG0[0..3]->NXM_NX_REG1[]", "4 bits of reg0 to 32 bits of reg1"},
		{"actions=ct(commit,nat(src=1.1.1.1,dst=2.2.2.2))", "both src and dst"},
		{"actions=ct(force)", "force needs commit"},
		{"actions=conjunction(1,3/2)", "there must be 2 to 64 clauses"},
		{"actions=clone(1", "no closing parenthesis"},
		{"actions=drop,1", "drop must not be with other actions"},
		{"actions=" + strings.Repeat("clone(", 50) + strings.Repeat(")", 50), "nested more than 32 deep"},
	} {
		_, err := ParseFlow(tc.text)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.text, err, tc.want)
		}
	}
}
