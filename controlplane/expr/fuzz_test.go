package expr

import (
	"errors"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

var fuzzSeeds = []string{
	`inport == "eth0" && eth.src == 02:00:00:00:00:01 && ip4.src == 10.0.0.1`,
	`ip4 && ip4.dst == 10.0.0.0/24 && reg0[2] == 1`,
	`ip.ttl == {0, 1} && !ip.later_frag && ip4`,
	`nd_ns && ip6.dst == {fe80::1, ff02::1:ff00:1} && nd.target == fe80::1 && is_chassis_resident("eth1")`,
	`(ct.new && !ct.est) || (!ct.new && ct.est && !ct.rpl && ct_mark.blocked == 1)`,
	`ip4.src == {$set1, 10.0.0.0/255.0.0.255} && outport == {@pg1, "eth0"} && 1 < tcp.dst <= 1000`,
	`ip4.src != {1.2.3.4, 5.6.0.0/16, 7.0.0.0/255.0.255.0} && !(ip4.dst == $set1 || ct_label.nf_id > 3)`,
	`xxreg0 == {1, 2, 0xffffffffffffffffffffffffffffffff} || xreg1[3..40] != 7`,
	`!(vlan.pcp) || (eth.bcast && !eth.mcastv6) // comment`,
	`"a\u00e9\n" == inport /* x */ && 0/0 == reg0`,
	`ip6.mcast_flood && !ip6.mcast_rsvd && mldv1`,
	`((((1))))`, `^x == 1`, `$`, `"\ud800`, `0x/1`, `a[1..`,
}

// FuzzParse: no input panics, and what is accepted is read back from its canonical
// text as the same.
func FuzzParse(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := symbols.Parse(text)
		if err != nil {
			var pos *Error
			if !errors.As(err, &pos) || pos.Column < 1 || pos.Column > len(text)+1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		c := Canonical(e)
		again, err := symbols.Parse(c)
		if err != nil {
			t.Fatalf("%q: canonical %q: %v", text, c, err)
		}
		if c2 := Canonical(again); c2 != c {
			t.Fatalf("%q: canonical %q, then %q", text, c, c2)
		}
	})
}

// FuzzCompile: no expression panics the compiler or makes it disagree with Eval.
func FuzzCompile(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s, uint64(0x0800), uint64(6), uint64(0x0a000001))
		f.Add(s, uint64(0x86dd), uint64(58), uint64(1))
	}
	env := testEnv()
	f.Fuzz(func(t *testing.T, text string, ethType, proto, value uint64) {
		if len(text) > 300 {
			return
		}
		e, err := symbols.Parse(text)
		if err != nil {
			return
		}
		ks, _, err := Compile(e, env)
		if err != nil {
			return
		}
		pkt := Packet{}
		for f := ir.FieldNone + 1; f < ir.NumFields; f++ {
			if f.Parts() == nil {
				pkt[f] = ir.V(value).And(ir.Ones(f.Width()))
			}
		}
		pkt[ir.EthType], pkt[ir.IPProto] = ir.V(ethType&0xffff), ir.V(proto&0xff)
		want, err := Eval(e, env, pkt)
		if err != nil {
			return // decided by residency in Compile; Eval asks in order
		}
		if got := AnyMatches(ks, pkt); got != want {
			t.Fatalf("%s: Eval %v, normal form %v %v", text, want, got, texts(ks))
		}
	})
}
