package logical

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// missing are those of names for which there is no Meter row.
func (l *Logical) missing(names []string) map[string]bool {
	var out map[string]bool
	for _, name := range names {
		if l.World.SB.MeterByName.One(name) == nil {
			if out == nil {
				out = map[string]bool{}
			}
			out[name] = true
		}
	}
	return out
}

// unlimited makes of rules the same without the limits of missing meters, and says
// so. A flow must not wait for its meter: it may be what drops the packets of which
// only the log is limited.
func unlimited(rs []ir.Rule, missing map[string]bool) (out []ir.Rule, why string) {
	for name := range missing {
		why = max(why, name) // the same one each time
	}
	for _, r := range rs {
		prog := ir.NewProgram(withoutMeters(r.Program.Ops, missing)...)
		out = append(out, ir.NewRule(r.Stage, r.Priority, r.Datapath, r.Match, r.Product, prog, r.Owner))
	}
	return out, fmt.Sprintf("meter %q is not defined in the Southbound Meter table: what it is for is not limited", why)
}

func withoutMeters(ops []ir.Op, missing map[string]bool) []ir.Op {
	out := make([]ir.Op, 0, len(ops))
	for _, op := range ops {
		switch o := op.(type) {
		case ir.Punt:
			if missing[o.Meter] {
				o.Meter = ""
			}
			o.Inner = withoutMeters(o.Inner, missing)
			op = o
		case ir.Clone:
			o.Ops = withoutMeters(o.Ops, missing)
			op = o
		case ir.Meter:
			if o.Name != "" && missing[o.Name] {
				continue
			}
		}
		out = append(out, op)
	}
	return out
}
