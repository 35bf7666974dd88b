package trace

import (
	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// log shows what an ACL's log line would say.
func (t *tracer) log(s statement, f *frame, node *Node) {
	for _, op := range t.lower(s, f.dp, f.at) {
		punt, ok := op.(ir.Punt)
		if !ok {
			continue
		}
		a, err := action.DecodeLogArgs(punt.Args)
		if err != nil {
			t.warn("action %q: %v", s.text, err)
			continue
		}
		name, direction := a.Name, "OUT"
		if name == "" {
			name = "<unnamed>"
		}
		if f.at.Ingress {
			direction = "IN"
		}
		node.add(Transformation, "LOG: ACL name=%s, direction=%s, verdict=%s, severity=%s, packet=\"%s\"",
			name, direction, a.Verdict, a.Severity, flowText(f.p))
	}
}
