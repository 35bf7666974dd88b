package controller

import (
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/testkit/central"
)

// mirrors are the integration bridge's mirrors, as "name -> output port".
func (c *hypervisor) mirrors() []string {
	var out []string
	for _, id := range c.w.Bridge().Mirrors {
		row := c.w.VSW.Mirror.Get(id)
		port := "nothing"
		if p := c.w.VSW.Port.Get(row.OutputPort); p != nil {
			port = p.Name
		}
		out = append(out, row.Name+" -> "+port)
	}
	slices.Sort(out)
	return out
}

// TestMirrorOfAPort: what ovn-nbctl asks for is in the switch's database.
func TestMirrorOfAPort(t *testing.T) {
	t.Parallel()
	d := central.Start(t)
	local := localDB(t, localIDs)
	c := startChassis(t, d.SB, local)
	c.quiet(d)
	c.plug("vm1", nil)
	d.Configure(`ls-add sw
		lsp-add sw vm1
		mirror-add m gre 5 to-lport 192.0.2.99
		lsp-attach-mirror vm1 m`)
	c.quiet(d)
	if got, want := c.mirrors(), []string{"m -> ovn-m"}; !slices.Equal(got, want) {
		t.Errorf("mirrors %q, want %q", got, want)
	}
	fresh := startChassis(t, d.SB, local)
	fresh.caughtUp(d.NBCfg())
	if fresh.writes > 0 {
		t.Errorf("a controller that starts now wrote %d transactions", fresh.writes)
	}
	d.Configure("mirror-del m")
	c.quiet(d)
	if got := c.mirrors(); len(got) > 0 || slices.Contains(c.portNames(), "ovn-m") {
		t.Errorf("left over: mirrors %q, ports %q", got, c.portNames())
	}
}

// TestLocalMirror: mirrors of newer releases, into an interface of this chassis and in
// both directions; those that are logical flows are none of the switch's.
func TestLocalMirror(t *testing.T) {
	t.Parallel()
	text := map[string]any{"key": "string"}
	n := newNetworkOn(t, schemaWith(t, map[string]map[string]any{"Mirror": {"type": text, "filter": text}}), localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.row("m", "Mirror", map[string]any{"name": "m", "type": "local", "filter": "both", "sink": "probe", "index": 0})
	n.row("l", "Mirror", map[string]any{"name": "l", "type": "lport", "filter": "both", "sink": "vm2", "index": 0})
	n.row("s", "Mirror", map[string]any{"name": "s", "type": "sflow", "filter": "both", "sink": "x", "index": 0})
	n.row("vm1", "Port_Binding", map[string]any{"logical_port": "vm1", "datapath": n.id["sw"], "tunnel_key": 1,
		"mirror_rules": []ovsdb.UUID{n.id["m"], n.id["l"], n.id["s"]}})
	n.plug("vm1", nil)
	check := func(when string, mirrors []string, refused ...RefusedRow) {
		t.Helper()
		n.settle()
		n.settle()
		if got := n.mirrors(); !slices.Equal(got, mirrors) {
			t.Errorf("%s: mirrors %q, want %q", when, got, mirrors)
		}
		if got := n.Status().RefusedRows; !slices.Equal(got, refused) {
			t.Errorf("%s: refused %q, want %q", when, got, refused)
		}
	}
	sflow := RefusedRow{"Mirror", `mirror s: type "sflow" is not supported; gre, erspan, local and lport are`}
	missing := RefusedRow{"Mirror", `mirror m: no interface of bridge br-int has external_ids:mirror-id="probe"`}
	check("without the interface", nil, missing, sflow)
	n.plug("sink", map[string]string{"mirror-id": "probe"})
	check("with it", []string{"m -> if-sink"}, sflow)
	for row := range n.w.VSW.Mirror.All() {
		if port := n.w.VSW.PortByName.One("if-vm1").UUID; !slices.Equal(row.SelectSrcPort, []ovsdb.UUID{port}) || !slices.Equal(row.SelectDstPort, row.SelectSrcPort) {
			t.Errorf("the mirror is of %v and %v, want %v twice", row.SelectSrcPort, row.SelectDstPort, port)
		}
	}
	n.unplug("sink")
	check("without it again", nil, missing, sflow)
	n.changeSB(func(tx *idl.Tx) { tx.Update("Mirror", n.id["m"], map[string]any{"type": "gre", "sink": "192.0.2.99"}) })
	check("now a tunnel", []string{"m -> ovn-m"}, sflow)
	n.plug("sink", map[string]string{"mirror-id": "probe"})
	n.changeSB(func(tx *idl.Tx) { tx.Update("Mirror", n.id["m"], map[string]any{"type": "local", "sink": "probe"}) })
	check("local again", []string{"m -> if-sink"}, sflow)
	if slices.Contains(n.portNames(), "ovn-m") {
		t.Error("the tunnel is left over")
	}
}
