package trace

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/lflow"
)

// TestMatchesAsCompiled: a logical flow, with and without the tag acl_ct_translation, matches
// in a trace the packets that its compiled rules match.
func TestMatchesAsCompiled(t *testing.T) {
	compiler, err := lflow.NewCompiler(action.OptionTable{}, action.OptionTable{})
	if err != nil {
		t.Fatal(err)
	}
	differ := 0 // packets on which the tag makes a difference
	rapid.Check(t, func(rt *rapid.T) {
		match := rapid.SampledFrom([]string{
			"ip4 && tcp.dst == 80", "ip4 && tcp", "ip4 && tcp.src >= 80 && tcp.src < 90", "ip && udp.dst == {53, 80}", "ip4 && (tcp || udp)",
			"ip4 && sctp.src != 80", "ip4 && (tcp.dst == 80 || icmp4.type == 8)", "ct.trk && ct.est && ip.proto == 6",
		}).Draw(rt, "match")
		of := func(name string, values ...uint64) ir.Value { return ir.V(rapid.SampledFrom(values).Draw(rt, name)) }
		p := &ir.Packet{}
		p.Put(ir.Datapath, ir.V(1))
		p.Put(ir.EthType, of("eth.type", 0x800, 0x86dd))
		for _, f := range []ir.Field{ir.IPProto, ir.CTProto} {
			p.Put(f, of(f.String(), 1, 6, 17, 132))
		}
		p.Put(ir.CTState, of("ct_state", 0, 0x20, 0x21, 0x22, 0x30))
		for _, f := range []ir.Field{ir.TCPSrc, ir.TCPDst, ir.UDPDst, ir.SCTPSrc, ir.CTTPSrc, ir.CTTPDst} {
			p.Put(f, of(f.String(), 53, 80, 85, 99))
		}
		p.Put(ir.ICMP4Type, of("icmp4.type", 0, 8))

		var answers [2]bool
		for i, tag := range []string{"false", "true"} {
			n := tiny(t, " | "+match+" | next;")
			d := n.datapaths[0]
			f := d.tables[tableKey{true, 0}][0]
			f.row.Tags = map[string]string{lflow.TagACLConntrack: tag}
			tr := &tracer{Network: n, result: &Result{}}
			answers[i] = tr.matches(d, f, p)
			rules, _, err := compiler.Compile(&lflow.Flow{Ingress: true, Match: match, Actions: "next;", ACLConntrack: tag == "true"},
				&lflow.View{Key: 1, Env: env{n, d}})
			if err != nil || len(tr.result.Warnings) > 0 {
				rt.Fatalf("%s: error %v, warnings %q", match, err, tr.result.Warnings)
			}
			if got := ir.NewPipeline(rules...).Lookup(ir.Ingress(0), p) != nil; got != answers[i] {
				rt.Fatalf("%s, tag %s, %s: trace %v, compiled %v: %s", match, tag, p, answers[i], got, rules)
			}
		}
		if answers[0] != answers[1] {
			differ++
		}
	})
	if differ == 0 {
		t.Error("the tag made no difference to any packet")
	}
}
