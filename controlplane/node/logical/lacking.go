package logical

import (
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// lacking names what is not done of a program though the network asks for it; "" when
// all is done. On which features that depends is filed in res.
func (l *Logical) lacking(ops []ir.Op, res *result) string {
	for _, op := range ops {
		var inner []ir.Op
		needs, why := always, ""
		switch op := op.(type) {
		case ir.Punt:
			if text, lacks := l.Unsupported(op.Opcode); lacks {
				needs, why = featureOf(op.Opcode), fmt.Sprintf("action %s is not supported yet: %s", op.Opcode, text)
			}
			inner = op.Inner
		case ir.Call:
			m := missingStages[op.Stage]
			needs, why = m.needs, m.why
		case ir.Clone:
			inner = op.Ops
		}
		if why != "" && needs != always {
			if d := on(depFeature, needs.name()); !slices.Contains(res.deps, d) {
				res.deps = append(res.deps, d)
			}
		}
		if why != "" && l.asked[needs] {
			return why
		}
		if why := l.lacking(inner, res); why != "" {
			return why
		}
	}
	return ""
}
