package admin

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/lflow"
)

// flowCache are the commands about the memory of compiled logical flows.
func (t *table) flowCache() {
	t.do("lflow-cache/flush", "", (*controller.Controller).FlushFlowCache)
	t.do("flush-lflow-cache", "[deprecated]", (*controller.Controller).FlushFlowCache)
	t.show("lflow-cache/show-stats", func(c *controller.Controller) string { return cacheStats(c.FlowCache()) })
}

// cacheStats is the answer of lflow-cache/show-stats. The C program caches parsed
// expressions or their matches, one or the other for each logical flow; here they
// are the programs of actions and the matches, each kept once for all flows that
// have the same text. The cache cannot be switched off.
func cacheStats(s lflow.MemoStats) string {
	const perKB = 1024
	return fmt.Sprintf("Enabled: true\n"+
		"%-16s: %d\n"+"%-16s: %d\n"+"%-16s: %d\n"+"%-16s: %d\n"+"%-16s: %d\n"+"%-16s: %d\n",
		"high-watermark", s.Peak, "total", s.Programs+s.Matches, "cache-expr", s.Programs, "cache-matches", s.Matches,
		"trim count", s.Rotations, "Mem usage (KB)", (s.Bytes+perKB-1)/perKB)
}
