package admin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/engine"
)

// engine are the commands about incremental processing.
func (t *table) engine() {
	recompute := func(cmd string) func(*controller.Controller) {
		return func(c *controller.Controller) { c.Recompute("asked for by the " + cmd + " command") }
	}
	t.do("recompute", "[deprecated]", recompute("recompute"))
	t.do("inc-engine/recompute", "", recompute("inc-engine/recompute"))
	t.do("inc-engine/clear-stats", "", (*controller.Controller).ClearEngineStats)
	t.add("inc-engine/show-stats", "[NODE [COUNTER]]", 0, 2, func(c *controller.Controller, args []string) (string, error) {
		return engineStats(c.Nodes(), args), nil
	})
	t.add("inc-engine/compute-log-timeout", "MSEC", 1, 1, func(c *controller.Controller, args []string) (string, error) {
		ms, err := unsigned(args[0])
		if err == nil {
			c.LogSlowNodes(time.Duration(ms) * time.Millisecond)
		}
		return "", err
	})
}

// nodeOf gives the node of our graph that does the work of one of ovn-controller's,
// by the names of OVN 23.03 and of newer releases. Nodes that are not here have no
// counterpart, or one of the same name.
var nodeOf = map[string]string{
	"runtime_data":         "bindings",
	"logical_flow_output":  "logical_rules",
	"lflow_output":         "logical_rules",
	"physical_flow_output": "physical_rules",
	"pflow_output":         "physical_rules",
}

// engineStats is the answer of inc-engine/show-stats. An unknown node is answered
// with nothing, an unknown counter with a text that is no error: so does
// ovn-controller. A run is never broken off here: abort and cancel, its newer
// name, stay 0.
func engineStats(nodes []*engine.Node, args []string) string {
	var b strings.Builder
	for _, n := range nodes {
		name := n.Name
		if len(args) > 0 {
			if name != args[0] && name != nodeOf[args[0]] {
				continue
			}
			name = args[0]
		}
		if len(args) < 2 {
			fmt.Fprintf(&b, "Node: %s\n- recompute: %12d\n- compute:   %12d\n- abort:     %12d\n",
				name, n.Stats.Recomputes, n.Stats.Computes, 0)
			continue
		}
		switch args[1] {
		case "recompute":
			fmt.Fprint(&b, n.Stats.Recomputes)
		case "compute":
			fmt.Fprint(&b, n.Stats.Computes)
		case "abort", "cancel":
			fmt.Fprint(&b, 0)
		default:
			fmt.Fprintf(&b, "Invalid stat type : %s", args[1])
		}
	}
	return b.String()
}

// unsigned reads a C unsigned int.
func unsigned(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, words("unsigned integer required")
	}
	return uint32(n), nil
}
