package device_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// TestOffDatapaths: logical datapaths are named by any of their names; a name that nothing has is told until something has it.
func TestOffDatapaths(t *testing.T) {
	c := nodetest.New(t)
	d := device.New(c.World, c.Ifaces)
	const nb = "00000000-0000-0000-0000-00000000000"
	add := func(key int64, ids map[string]string) string {
		var name ovsdb.NamedUUID
		r := c.SB(func(tx *idl.Tx) {
			name = tx.Insert("Datapath_Binding", map[string]any{"tunnel_key": key, "external_ids": ids})
		})
		return r.UUID(name).String()
	}
	set := func(mode, names string) {
		c.Configure(map[string]string{"sluice-offload": mode, "sluice-offload-off-datapaths": names})
		d.Update()
	}
	check := func(what string, want map[uint32]string, refused string) {
		t.Helper()
		if got := d.Setting().Off; !maps.Equal(got, want) {
			t.Errorf("%s: off are %v, want %v", what, got, want)
		}
		var texts []string
		for _, r := range c.World.Refusals() {
			texts = append(texts, r.Table+": "+r.Text)
		}
		if got := strings.Join(texts, "\n"); got != refused {
			t.Errorf("%s: refused\n%s\nwant\n%s", what, got, refused)
		}
	}
	unknown := func(name string) string {
		return `Open_vSwitch: external_ids:sluice-offload-off-datapaths: there is no logical switch or router with the name or UUID "` + name +
			`": correct it, or take it out of the list`
	}

	set("software", "sw1")
	check("before rows have arrived", nil, "")
	add(1, map[string]string{"logical-switch": nb + "1", "name": "sw1", "name2": "blue"})
	add(2, map[string]string{"logical-switch": nb + "2", "name": "sw1"})
	third := add(3, map[string]string{"logical-router": nb + "3", "name": "lr0"})
	d.Update()
	check("two of one name", map[uint32]string{1: "sw1", 2: "sw1"}, "")
	set("software", "blue,"+nb+"2,"+third)
	check("other names and UUIDs", map[uint32]string{1: "blue", 2: nb + "2", 3: third}, "")
	set("software", "lr0,lr9")
	check("one that is not there", map[uint32]string{3: "lr0"}, unknown("lr9"))
	add(9, map[string]string{"logical-router": nb + "9", "name": "lr9"})
	if !d.Update() {
		t.Error("nothing has changed")
	}
	check("it is there now", map[uint32]string{3: "lr0", 9: "lr9"}, "")
	set("software", "gone")
	set("off", "gone")
	check("nothing is offloaded at all", nil, "")
}
