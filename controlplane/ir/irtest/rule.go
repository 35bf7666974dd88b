package irtest

import (
	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Program generates programs of up to 4 operations with blocks at most 2 deep.
func Program() *rapid.Generator[*ir.Program] {
	return rapid.Custom(func(t *rapid.T) *ir.Program { return ir.NewProgram(Ops(2).Draw(t, "ops")...) })
}

// Rule generates rules without owner, a quarter of them with a product.
func Rule() *rapid.Generator[ir.Rule] {
	return rapid.Custom(func(t *rapid.T) ir.Rule {
		var p *ir.Product
		if rapid.IntRange(0, 3).Draw(t, "product") == 0 {
			dims := rapid.SliceOfN(rapid.SliceOfN(Match(), 1, 3), 2, 3).Draw(t, "dims")
			p = ir.NewProduct(dims)
		}
		return ir.NewRule(Stage().Draw(t, "stage"), u16(t, "priority"),
			rapid.SampledFrom([]uint32{0, 1, 2, 1 << 23}).Draw(t, "datapath"),
			Match().Draw(t, "match"), p, Program().Draw(t, "program"), ir.Owner{})
	})
}
