package ir_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/ir/irtest"
)

// scan is the obvious lookup: every rule is looked at.
func scan(rules map[ir.RuleID]ir.Rule, s ir.Stage, p *ir.Packet) *ir.Rule {
	var best *ir.Rule
	for _, r := range rules {
		if r.Stage != s || r.Datapath != 0 && p.Get(ir.Datapath) != ir.V(uint64(r.Datapath)) || !p.Matches(r.Match) || !productMatches(r, p) {
			continue
		}
		if best == nil || r.Priority > best.Priority || r.Priority == best.Priority && r.ID < best.ID {
			best = &r
		}
	}
	return best
}

func productMatches(r ir.Rule, p *ir.Packet) bool {
	if r.Product == nil {
		return true
	}
	for _, dim := range r.Product.Dims {
		any := false
		for _, m := range dim {
			any = any || p.Matches(m)
		}
		if !any {
			return false
		}
	}
	return true
}

// crowded generates rules of one stage on few field values, so that they overlap.
func crowded(t *rapid.T) ir.Rule {
	term := rapid.Custom(func(t *rapid.T) ir.Term {
		f := rapid.SampledFrom([]ir.Field{ir.Reg0, ir.Inport, ir.IP4Src, ir.TCPDst}).Draw(t, "field")
		return ir.Masked(f, rapid.Uint64Range(0, 3).Draw(t, "value"), rapid.Uint64Range(1, 3).Draw(t, "mask"))
	})
	match := rapid.Custom(func(t *rapid.T) ir.Match {
		m, _ := ir.NewMatch(rapid.SliceOfN(term, 0, 2).Draw(t, "terms")...)
		return m
	})
	var product *ir.Product
	if rapid.IntRange(0, 4).Draw(t, "product") == 0 {
		product = ir.NewProduct(rapid.SliceOfN(rapid.SliceOfN(match, 1, 2), 2, 2).Draw(t, "dims"))
	}
	return ir.NewRule(ir.Ingress(0), rapid.Uint16Range(0, 5).Draw(t, "priority"), rapid.Uint32Range(0, 2).Draw(t, "datapath"),
		match.Draw(t, "match"), product, ir.NewProgram(ir.ToPort{Port: rapid.Uint32Range(1, 3).Draw(t, "port")}), ir.Owner{})
}

func TestLookupFindsWhatAScanFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := map[ir.RuleID]ir.Rule{}
		pl := ir.NewPipeline()
		for _, r := range rapid.SliceOfN(rapid.Custom(crowded), 1, 30).Draw(t, "rules") {
			rules[r.ID] = r
			pl.Add(r)
			if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				delete(rules, r.ID)
				if !pl.Remove(r) || pl.Remove(r) {
					t.Fatal("Remove")
				}
			}
		}
		if pl.Len() != len(rules) {
			t.Fatalf("Len = %d, want %d", pl.Len(), len(rules))
		}
		for range 10 {
			p := irtest.Packet().Draw(t, "packet")
			p.Put(ir.Datapath, ir.V(rapid.Uint64Range(0, 3).Draw(t, "datapath")))
			for _, f := range []ir.Field{ir.Reg0, ir.Inport, ir.IP4Src, ir.TCPDst} {
				p.Set(ir.All(f), ir.V(rapid.Uint64Range(0, 3).Draw(t, "field")))
			}
			got, want := pl.Lookup(ir.Ingress(0), p), scan(rules, ir.Ingress(0), p)
			if (got == nil) != (want == nil) || got != nil && got.ID != want.ID {
				t.Fatalf("Lookup of %s = %v, want %v", p, got, want)
			}
		}
	})
}

func TestLookupKeepsDatapathsApart(t *testing.T) {
	pl := pipeline(t, "ingress.0 5 datapath=1 match(any) { drop; }", "ingress.0 1 match(any) { drop; }")
	for dp, want := range map[uint64]uint16{1: 5, 2: 1, 1<<40 | 1: 1} {
		p := packet(t, fmt.Sprintf("datapath=%d", dp))
		if r := pl.Lookup(ir.Ingress(0), p); r == nil || r.Priority != want {
			t.Errorf("datapath %d: %v, want priority %d", dp, r, want)
		}
	}
}

// BenchmarkLookup looks one packet up among 100k rules of four shapes.
func BenchmarkLookup(b *testing.B) {
	pl := ir.NewPipeline()
	prog := ir.NewProgram()
	for i := range uint64(100_000) {
		m := ir.MustMatch(ir.Exact(ir.EthDst, i))
		switch i % 4 {
		case 1:
			m = ir.MustMatch(ir.Exact(ir.Inport, i), ir.Exact(ir.EthSrc, i))
		case 2:
			m = ir.MustMatch(ir.Exact(ir.EthType, 0x800), ir.Masked(ir.IP4Dst, i<<8, 0xffffff00))
		case 3:
			m = ir.MustMatch(ir.Exact(ir.Reg0, i))
		}
		pl.Add(ir.NewRule(ir.Ingress(0), 50, uint32(i%100+1), m, nil, prog, ir.Owner{}))
	}
	p, err := ir.NewPacket(ir.Exact(ir.Datapath, 8), ir.Exact(ir.Reg0, 7))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if pl.Lookup(ir.Ingress(0), p) == nil {
			b.Fatal("not found")
		}
	}
}
