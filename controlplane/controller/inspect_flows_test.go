package controller

import (
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/testkit/central"
)

// TestAskFlows: the Southbound database tells who logical flows are made for.
func TestAskFlows(t *testing.T) {
	t.Parallel()
	d := central.Start(t)
	c := startChassis(t, d.SB, localDB(t, localIDs))
	c.quiet(d)
	c.plug("vm1", nil)
	d.Configure("ls-add sw -- lsp-add sw vm1 -- acl-add sw to-lport 1001 'udp.dst == 7' drop")
	c.quiet(d)
	var acl ovsdb.UUID
	for row := range c.w.SB.LogicalFlow.All() {
		if strings.Contains(row.Match, "udp.dst == 7") {
			acl = row.UUID
		}
	}
	if f, ok := c.LogicalFlow(acl); !ok || f.Pipeline != "egress" || !strings.Contains(f.Match, "udp.dst == 7") || f.Actions == "" {
		t.Errorf("the row: %+v, %v", f, ok)
	}
	ask := func(ids ...ovsdb.UUID) (found map[ovsdb.UUID]map[string]string, err error) {
		done := false
		c.AskFlows(ids, func(m map[ovsdb.UUID]map[string]string, e error) { found, err, done = m, e, true })
		c.until("the answer", func() bool { return done })
		return found, err
	}
	gone := ovsdb.NewUUID()
	found, err := ask(acl, gone)
	if ids := found[acl]; err != nil || !strings.HasPrefix(ids["stage-name"], "ls_out_acl") || len(ids["stage-hint"]) != 8 || found[gone] != nil {
		t.Errorf("%v, %v", found, err)
	}
	c.Pause()
	if _, err := ask(acl); err == nil || !strings.Contains(err.Error(), "paused") {
		t.Errorf("a paused controller: %v", err)
	}
	c.Resume()
	if found, err := ask(); found != nil || err != nil {
		t.Errorf("of nothing: %v, %v", found, err)
	}
}
