package expr

import (
	"strings"
	"sync"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// TestSymbols has the definitions that OVN's own tests dump, and a sample of the
// others: where the bits are, what comparisons are allowed, who may write.
func TestSymbols(t *testing.T) {
	for _, c := range []struct {
		name  string
		sub   ir.Sub
		level Level
		write Scope
	}{
		{"reg0", ir.All(ir.Reg0), Ordinal, WriteDefault},
		{"xreg4", ir.All(ir.XReg4), Ordinal, WriteDefault},
		{"xxreg1", ir.All(ir.XXReg1), Ordinal, WriteDefault},
		{"__outport", ir.All(ir.Outport), Ordinal, WriteDefault},
		{"ct_state", ir.All(ir.CTState), Ordinal, WriteNever},
		{"ct.new", ir.Bits(ir.CTState, 0, 1), Ordinal, WriteNever},
		{"ct.est", ir.Bits(ir.CTState, 1, 1), Ordinal, WriteNever},
		{"ct.rel", ir.Bits(ir.CTState, 2, 1), Ordinal, WriteNever},
		{"ct.rpl", ir.Bits(ir.CTState, 3, 1), Ordinal, WriteNever},
		{"ct.inv", ir.Bits(ir.CTState, 4, 1), Ordinal, WriteNever},
		{"ct.trk", ir.Bits(ir.CTState, 5, 1), Ordinal, WriteNever},
		{"ct.snat", ir.Bits(ir.CTState, 6, 1), Ordinal, WriteNever},
		{"ct.dnat", ir.Bits(ir.CTState, 7, 1), Ordinal, WriteNever},
		{"ct_mark", ir.All(ir.CTMark), Ordinal, WriteCTCommit},
		{"ct_mark.obs_stage", ir.Bits(ir.CTMark, 4, 2), Ordinal, WriteCTCommit},
		{"ct_mark.ecmp_reply_port", ir.Bits(ir.CTMark, 16, 16), Ordinal, WriteCTCommit},
		{"ct_label.ecmp_reply_eth", ir.Bits(ir.CTLabel, 32, 48), Ordinal, WriteCTCommit},
		{"ct_label.acl_id", ir.Bits(ir.CTLabel, 80, 16), Ordinal, WriteCTCommit},
		{"ct_label.nf_id", ir.Bits(ir.CTLabel, 17, 8), Ordinal, WriteCTCommit},
		{"ct_label.label", ir.Bits(ir.CTLabel, 96, 32), Ordinal, WriteCTCommit},
		{"ct_label.natted", ir.Bits(ir.CTLabel, 1, 1), Ordinal, WriteCTCommit},
		{"flags.loopback", ir.Bits(ir.Flags, 0, 1), Ordinal, WriteDefault},
		{"flags.network_id", ir.Bits(ir.Flags, 28, 4), Ordinal, WriteDefault},
		{"eth.mcast", ir.Bits(ir.EthDst, 40, 1), Ordinal, WriteDefault},
		{"eth.type", ir.All(ir.EthType), Nominal, WriteNever},
		{"vlan.vid", ir.Bits(ir.VLANTCI, 0, 12), Ordinal, WriteDefault},
		{"vlan.pcp", ir.Bits(ir.VLANTCI, 13, 3), Ordinal, WriteDefault},
		{"ip.proto", ir.All(ir.IPProto), Nominal, WriteNever},
		{"ip.ttl", ir.All(ir.IPTTL), Nominal, WriteDefault},
		{"ip.frag", ir.All(ir.IPFrag), Ordinal, WriteNever},
		{"rarp.spa", ir.All(ir.ARPSPA), Ordinal, WriteDefault},
		{"tcp.flags", ir.All(ir.TCPFlags), Ordinal, WriteNever},
		{"inport", ir.All(ir.Inport), Nominal, WriteDefault},
		{"remote_outport", ir.All(ir.Reg1), Nominal, WriteDefault},
		{"icmp4.frag_mtu", ir.Sub{}, Nominal, WriteAnywhere},
	} {
		s := symbols.Lookup(c.name)
		if s == nil {
			t.Errorf("no symbol %s", c.name)
			continue
		}
		if s.Sub != c.sub || s.Level != c.level || s.Write != c.write {
			t.Errorf("%s: %v %v %d, want %v %v %d", c.name, s.Sub, s.Level, s.Write, c.sub, c.level, c.write)
		}
	}
	for name, want := range map[string]string{
		"nd.sll": "nd_ns", "tcp.dst": "tcp", "ct.est": "ct.trk", "vlan.vid": "vlan.present", "ip6.dst": "ip6",
		"icmp6.code": "icmp6", "arp.op": "arp", "rarp.op": "rarp",
	} {
		if got := Canonical(symbols.Lookup(name).Prereqs); got != want {
			t.Errorf("prerequisites of %s: %s, want %s", name, got, want)
		}
	}
}

// TestSymbolNames: every name of ovn-sb(5) and of OVN's table is there.
func TestSymbolNames(t *testing.T) {
	for name := range strings.FieldsSeq(`
		inport outport remote_outport __inport __outport from_evpn_vtep to_evpn_vtep reg0 reg9 xreg0 xreg4 xxreg0 xxreg1
		flags flags.loopback flags.force_snat_for_dnat flags.force_snat_for_lb flags.skip_snat_for_lb flags.use_snat_zone
		flags.localnet flags.icmp_snat flags.tunnel_rx flags.unsnat_new flags.unsnat_not_tracked flags.network_id
		flags.from_ctrl flags.igmp_loopback flags.pkt_sampled
		ct_state ct.trk ct.new ct.est ct.rel ct.rpl ct.inv ct.snat ct.dnat
		ct_mark ct_mark.blocked ct_mark.natted ct_mark.skip_snat ct_mark.force_snat ct_mark.obs_stage
		ct_mark.allow_established ct_mark.ecmp_reply_port ct_mark.obs_collector_id
		ct_label ct_label.ecmp_reply_eth ct_label.label ct_label.obs_point_id ct_label.obs_unused ct_label.acl_id ct_label.nf
		ct_label.nf_id ct_label.tun_if ct_label.tun_if_id
		ct_label.blocked ct_label.natted ct_label.skip_snat ct_label.force_snat ct_label.ecmp_reply_port
		eth.src eth.dst eth.type eth.bcast eth.mcast eth.mcastv6 vlan.tci vlan.present vlan.pcp vlan.vid
		ip4 ip6 ip ip.proto ip.dscp ip.ecn ip.ttl ip.frag ip.is_frag ip.first_frag ip.later_frag
		ip4.src ip4.dst ip4.src_mcast ip4.mcast ip6.src ip6.dst ip6.label ip6.mcast ip6.mcast_rsvd ip6.mcast_all_nodes
		ip6.mcast_all_rtrs ip6.mcast_sol_node ip6.mcast_flood icmp icmp4 icmp6 icmp4.type icmp4.code icmp6.type icmp6.code
		igmp mldv1 mldv2 arp arp.op arp.spa arp.sha arp.tpa arp.tha rarp rarp.op rarp.spa rarp.sha rarp.tpa rarp.tha
		nd nd_ns nd_ns_mcast nd_na nd_rs nd_ra nd.target nd.sll nd.tll
		tcp tcp.src tcp.dst tcp.flags udp udp.src udp.dst sctp sctp.src sctp.dst pkt.mark
		icmp4.frag_mtu icmp6.frag_mtu icmp4.inner_ip4.src`) {
		if symbols.Lookup(name) == nil {
			t.Errorf("no symbol %s", name)
		}
	}
}

func TestPredicateLevels(t *testing.T) {
	for name, want := range map[string]Level{
		"ip": Nominal, "tcp": Nominal, "nd": Nominal, "icmp": Nominal, "igmp": Nominal, "mldv2": Nominal,
		"vlan.present": Boolean, "eth.bcast": Boolean, "ip4.mcast": Boolean, "ip.first_frag": Boolean,
		"ip6.mcast_flood": Boolean, "from_evpn_vtep": Boolean,
	} {
		if got := symbols.Lookup(name).Level; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestParseField(t *testing.T) {
	for _, c := range []struct {
		in, text string
		sub      ir.Sub
		err      string
	}{
		{"reg0", "reg0", ir.All(ir.Reg0), ""},
		{"reg0[4..7]", "reg0[4..7]", ir.Bits(ir.Reg0, 4, 4), ""},
		{"vlan.pcp[1]", "vlan.pcp[1]", ir.Bits(ir.VLANTCI, 14, 1), ""},
		{"xxreg0[0..127]", "xxreg0", ir.All(ir.XXReg0), ""},
		{"outport", "outport", ir.All(ir.Outport), ""},
		{"icmp6.frag_mtu", "icmp6.frag_mtu", ir.Sub{N: 32}, ""},
		{"ip", "", ir.Sub{}, "column 3: predicate symbol ip used where lvalue required"},
		{"12", "", ir.Sub{}, "column 1: syntax error at `12' expecting field name"},
		{"nosuch", "", ir.Sub{}, "column 1: syntax error at `nosuch' expecting field name"},
		{"reg0[32]", "", ir.Sub{}, "column 9: cannot select bits 32 to 32 of 32-bit field reg0"},
	} {
		l := NewLexer(c.in)
		f, ok := symbols.ParseField(l)
		switch {
		case ok != (c.err == ""):
			t.Errorf("%s: %v", c.in, l.Err())
		case !ok:
			if l.Err().Error() != c.err {
				t.Errorf("%s: %v, want %s", c.in, l.Err(), c.err)
			}
		case f.Sub() != c.sub || f.String() != c.text || l.Tok.Kind != End:
			t.Errorf("%s: %v %v", c.in, f.Sub(), f)
		}
	}
}

func TestParseConstant(t *testing.T) {
	ref := func(s string) FieldRef {
		f, _ := symbols.ParseField(NewLexer(s))
		return f
	}
	for _, c := range []struct{ field, in, want string }{
		{"ip4.src", "1.2.3.4", "1.2.3.4"},
		{"eth.src", "01:02:03:04:05:06/ff:ff:ff:00:00:00", "01:02:03:00:00:00/ff:ff:ff:00:00:00"},
		{"outport", `"p"`, `"p"`},
		{"outport", "1", "column 1: string field outport is not compatible with integer constant"},
		{"ip4.src", "::1", "column 1: 128-bit constant ::1 is not compatible with 32-bit field ip4.src"},
		{"ip4.src", "$as", "column 1: syntax error at `$as' expecting constant"},
		{"ip4.src", "", "column 1: syntax error at end of input expecting constant"},
	} {
		l := NewLexer(c.in)
		o, ok := ParseConstant(l, ref(c.field))
		got := string(o.AppendText(nil))
		if !ok {
			got = l.Err().Error()
		}
		if got != c.want {
			t.Errorf("%s = %s: got %s, want %s", c.field, c.in, got, c.want)
		}
	}
	for in, want := range map[string]string{
		"{1, 0x2 3,}":     "{1, 0x2, 3}",
		"1.2.3.4":         "1.2.3.4",
		`{"a", "b"}`:      `{"a", "b"}`,
		`{"a", 1}`:        "column 8: values of a set must be of one kind: expecting string",
		"{}":              "column 2: syntax error at `}' expecting constant",
		"{1, $as}":        "column 5: syntax error at `$as' expecting constant",
		"{1.2.3.4, oops}": "column 11: syntax error at `oops' expecting constant",
	} {
		l := NewLexer(in)
		values, curly, ok := ParseConstants(l)
		got := string(AppendConstants(nil, values, curly))
		if !ok {
			got = l.Err().Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestConjunction(t *testing.T) {
	a, b := mustParse(t, symbols, "ip4 && reg0 == 1"), mustParse(t, symbols, "tcp || udp")
	if got := Canonical(Conjunction(a, b)); got != "ip4 && reg0 == 1 && (tcp || udp)" {
		t.Error(got)
	}
	if Conjunction(nil, b) != b || Conjunction(a, nil) != a {
		t.Error("nil is no expression")
	}
}

func TestParseSet(t *testing.T) {
	s, bad := ParseSet([]string{"10.0.0.2", "nonsense", "10.0.0.1", "10.0.0.2", "10.0.0.0/24", ""})
	var got []string
	for _, c := range s.Values {
		got = append(got, c.String())
	}
	if strings.Join(got, " ") != "10.0.0.0/24 10.0.0.1 10.0.0.2" || strings.Join(bad, "|") != "nonsense|" {
		t.Errorf("got %v, bad %q", got, bad)
	}
}

// TestConcurrent uses one table and one expression from many goroutines; it is for
// the race detector.
func TestConcurrent(t *testing.T) {
	env := testEnv()
	shared := mustParse(t, symbols, "!ip.later_frag && nd && ip6.mcast_flood && (inport == @pg1 || reg0 != {1, 2})")
	want, _, err := Compile(shared, env)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, text := range fuzzSeeds {
				if e, err := symbols.Parse(text); err == nil {
					_, _, _ = Compile(e, env)
				}
				ks, _, err := Compile(shared, env)
				if err != nil || strings.Join(texts(ks), "\n") != strings.Join(texts(want), "\n") {
					t.Errorf("%v %v, want %v", err, texts(ks), texts(want))
				}
			}
		})
	}
	wg.Wait()
}
