package vtep

import (
	"context"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/tlsconf"
)

// TestRegisteredTwice: a database is registered once, whichever way it is reached.
func TestRegisteredTwice(t *testing.T) {
	d := deploy(t)
	c := d.calling()
	s := c.tor("tor1", "192.0.2.1")
	s.ctl("add-ps tor2\nset Physical_Switch tor2 tunnel_ips=192.0.2.2")
	active, passive := c.registering("tor1"), c.registering("tor1")
	active.Target, active.TLS = s.server.Remote, tlsconf.Options{}
	other := active
	other.Target = strings.Replace(s.server.Remote, "unix:/", "unix://", 1)
	for name, pair := range map[string][2]Registering{"active, passive": {active, passive}, "passive, active": {passive, active}, "active twice": {active, active}, "by another target": {active, other}} {
		first, second := pair[0], pair[1]
		if err := Register(context.Background(), c.reg, first, func(Plan) bool { return true }); err != nil {
			t.Fatal(name, err)
		}
		second.Name = "tor2"
		err := Register(context.Background(), c.reg, second, func(Plan) bool { return true })
		if err == nil || !strings.Contains(err.Error(), "switch tor1 is registered with the same database, at "+first.Target) {
			t.Errorf("%s: %v", name, err)
		}
		if e := c.entry(); e.Name != "tor1" || e.Target != first.Target {
			t.Errorf("%s: the entry is %+v", name, e)
		}
		second.Name = "tor1" // by the same name it is a new target
		if err := Register(context.Background(), c.reg, second, func(Plan) bool { return true }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if e := c.entry(); e.Target != second.Target {
			t.Errorf("%s: the entry is %+v", name, e)
		}
	}
}
