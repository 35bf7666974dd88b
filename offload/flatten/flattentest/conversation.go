package flattentest

import (
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Converse sends n random packets and replies to what comes out, each through the
// pipeline of rules and through m, of which Fallback, Options and, at random, Bare are
// set. It says where they first differ; "" for nowhere.
func (m *Machine) Converse(rules []ir.Rule, seed uint64, n int) string {
	t := NewTraffic(seed, rules, m.Paths)
	bucket := t.IntN(4)
	options := func() (ir.Options, *ir.Conntrack) {
		ct := ir.NewConntrack()
		return ir.Options{CT: ct, Choose: Choose(m.Hash, bucket)}, ct
	}
	o, ct := options()
	o.Trace = true
	pl := ir.NewPipeline(rules...)
	m.Fallback, m.Bare = ir.NewPipeline(rules...), t.IntN(2) == 0
	var machineCT *ir.Conntrack
	m.Options, machineCT = options()
	var replies []*ir.Packet
	for i := range n {
		var p *ir.Packet
		if k := len(replies); k > 0 && t.IntN(2) == 0 {
			p, replies = replies[k-1], replies[:k-1]
		} else {
			p = t.Packet()
		}
		want, err := pl.Evaluate(p, ir.PhyToLog, o)
		if err != nil {
			return fmt.Sprintf("packet %d %s: the pipeline: %v", i, p, err)
		}
		got, err := m.Run(p)
		if err != nil {
			return fmt.Sprintf("packet %d %s: %v", i, p, err)
		}
		if g, w := Text(got), Text(want); g != w {
			return fmt.Sprintf("packet %d %s: the paths\n%s\nthe pipeline\n%s\n%s", i, p, g, w, want.Trace)
		}
		if g, w := Connections(machineCT), Connections(ct); g != w {
			return fmt.Sprintf("packet %d %s: connections of the paths\n%s\nof the pipeline\n%s\n%s", i, p, g, w, want.Trace)
		}
		for _, d := range want.Outputs {
			if slices.Contains(t.ports, d.Port) && len(replies) < 100 {
				replies = append(replies, t.Reply(d))
			}
		}
	}
	return ""
}
