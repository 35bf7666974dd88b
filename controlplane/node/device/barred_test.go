package device

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/offload"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestBarred has Open vSwitch do things with packets that it would not do with those that are offloaded.
func TestBarred(t *testing.T) {
	c := nodetest.New(t)
	for i, name := range []string{"vm1", "vm2", "vm3"} {
		c.Plug(name, int64(i+1))
	}
	c.Configure(map[string]string{"sluice-offload": "software"})
	d := New(c.World, c.Ifaces)
	// off are the ports that are off, by name, with the reasons, or why nothing at all is offloaded.
	off := func() map[string]string {
		d.Update()
		s := d.Setting()
		if s.Chassis != nodetest.Name {
			t.Errorf("the chassis is %q", s.Chassis)
		}
		reasons := map[string]string{}
		if s.Why != "" {
			reasons[""] = s.Why
			return reasons
		}
		if len(s.Ports) != 3 {
			t.Fatalf("ports %+v", s.Ports)
		}
		for _, p := range s.Ports {
			if (p.Mode == offload.Off) != (p.Barred.Why != "") || (p.Barred.Why == "") != (p.Barred.Fix == "") {
				t.Errorf("port %+v", p)
			}
			if p.Mode == offload.Off {
				reasons[p.Name] = p.Barred.Why
			}
		}
		return reasons
	}
	expect := func(what, words string, ports ...string) {
		t.Helper()
		is := off()
		if len(is) != len(ports) {
			t.Errorf("%s: off are %v, want %v", what, is, ports)
		}
		for _, p := range ports {
			if !strings.Contains(is[p], words) {
				t.Errorf("%s: %q is off because of %q, want %q", what, p, is[p], words)
			}
		}
	}
	expect("at the start", "")

	iface := func(name string) ovsdb.UUID { return c.World.VSW.InterfaceByName.One(name).UUID }
	port := func(name string) ovsdb.UUID { return c.Ifaces.Port(iface(name)).UUID }
	c.VSW(func(tx *idl.Tx) {
		tx.Update("Interface", iface("if-vm1"), map[string]any{"ingress_policing_rate": 1000})
		tx.Update("Interface", iface("if-vm2"), map[string]any{"ingress_policing_kpkts_rate": 1})
	})
	expect("with rate limits", "ingress_policing_rate", "if-vm1", "if-vm2")
	c.VSW(func(tx *idl.Tx) {
		tx.Update("Interface", iface("if-vm1"), map[string]any{"ingress_policing_rate": 0})
		tx.Update("Interface", iface("if-vm2"), map[string]any{"ingress_policing_kpkts_rate": 0})
	})
	expect("without rate limits", "")

	bridge := c.World.Bridge().UUID
	for _, m := range []struct {
		columns map[string]any
		ports   []string
	}{
		{map[string]any{"select_src_port": []any{port("if-vm1")}}, []string{"if-vm1"}},
		{map[string]any{"select_dst_port": []any{port("if-vm2")}}, []string{"if-vm2"}},
		{map[string]any{"select_dst_port": []any{port("if-vm1"), port("if-vm2")}, "output_port": []any{port("if-vm3")}}, []string{"if-vm1", "if-vm2", "if-vm3"}},
		{map[string]any{"select_all": true}, []string{"if-vm1", "if-vm2", "if-vm3"}},
	} {
		m.columns["name"] = "tap"
		c.VSW(func(tx *idl.Tx) {
			tx.Update("Bridge", bridge, map[string]any{"mirrors": []any{tx.Insert("Mirror", m.columns)}})
		})
		expect("with a mirror", "mirror tap of bridge br-int", m.ports...)
	}
	c.VSW(func(tx *idl.Tx) { tx.Update("Bridge", bridge, map[string]any{"mirrors": []any{}}) })
	expect("without mirrors", "")

	for column, row := range map[string]struct {
		table   string
		columns map[string]any
	}{
		"sflow":   {"sFlow", map[string]any{"targets": []any{"127.0.0.1:6343"}}},
		"netflow": {"NetFlow", map[string]any{"targets": []any{"127.0.0.1:2055"}}},
		"ipfix":   {"IPFIX", map[string]any{"targets": []any{"127.0.0.1:4739"}}},
	} {
		c.VSW(func(tx *idl.Tx) {
			tx.Update("Bridge", bridge, map[string]any{column: []any{tx.Insert(row.table, row.columns)}})
		})
		expect("with "+column, "bridge br-int has "+column, "")
		c.VSW(func(tx *idl.Tx) { tx.Update("Bridge", bridge, map[string]any{column: []any{}}) })
		expect("without "+column, "")
	}
}
