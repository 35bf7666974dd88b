package central

import (
	"strings"
	"testing"
)

// TestConfigure: commands are carried out in order, in both databases, and the number that comes back is the newest generation,
// also where nothing changes.
func TestConfigure(t *testing.T) {
	c := Start(t)
	before := c.NBCfg()
	for _, script := range []string{"ls-add sw", "--may-exist ls-add sw", "", "sb: chassis-add hv1 geneve 192.0.2.1",
		"create Address_Set name=set\nlsp-add sw p1\nsb: lsp-bind p1 hv1\nlsp-set-addresses p1 '00:00:00:00:00:01 10.0.0.1'"} {
		got := c.Configure(script)
		if newest := c.NBCfg(); got != newest || got <= before {
			t.Errorf("%q: generation %d, the database has %d and had %d", script, got, newest, before)
		}
		before = got
	}
	row := c.SBCtl("--bare --columns=mac,datapath find Port_Binding logical_port=p1 chassis!=[] datapath=$sw")
	if want := "00:00:00:00:00:01 10.0.0.1\n" + c.Datapath("sw"); strings.TrimSpace(row) != want {
		t.Errorf("the port's row has %q, want %q", row, want)
	}
	c.KillNorthd()
	c.SBCtl("destroy Port_Binding p1") // nobody makes it anew
	if row := c.SBCtl("--bare --columns=logical_port find Port_Binding logical_port=p1"); row != "" {
		t.Errorf("the row %q came back", row)
	}
}
