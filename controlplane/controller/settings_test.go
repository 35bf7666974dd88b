package controller

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// TestSettingsAtRunTime: a setting of ovn-controller(8) that changes has the effect
// that it has on a controller that starts with it. The one that starts finds nothing
// to write, in either database.
func TestSettingsAtRunTime(t *testing.T) {
	t.Parallel()
	for _, s := range []struct{ key, value string }{
		{"hostname", "other-host"},
		{"ovn-bridge-datapath-type", "netdev"},
		{"ovn-encap-type", "vxlan"},
		{"ovn-encap-ip", "192.0.2.7"},
		{"ovn-encap-ip", "192.0.2.1,192.0.2.7"},
		{"ovn-encap-ip-default", "192.0.2.1"},
		{"ovn-encap-csum", "false"},
		{"ovn-encap-tos", "inherit"},
		{"ovn-encap-df_default", "false"},
		{"ovn-set-local-ip", "true"},
		{"ovn-transport-zones", "tz1"},
		{"ovn-bridge-mappings", "phys:br-other"},
		{"ovn-bridge-mappings", "other:br-phys"},
		{"ovn-chassis-mac-mappings", "phys:aa:bb:cc:00:00:01"},
		{"ovn-cms-options", "enable-chassis-as-gw"},
		{"sluice-service-node", "true"},
		{"ovn-monitor-all", "true"},
		{"ovn-is-interconn", "true"},
		{"garp-max-timeout-sec", "16"},
		{"ct-zone-range", "1000-2000"},
		{"ovn-bridge", "br-new"},
	} {
		t.Run(s.key+"="+s.value, func(t *testing.T) {
			t.Parallel()
			sbServer := ovsdbtest.Start(t, sbSchema, "OVN_Southbound")
			sbServer.Transact(`[{"op":"insert","table":"SB_Global","row":{"options":["map",[["northd_internal_version","23.03.1-20.27.0-70.6"]]]}}]`)
			local := localDB(t, localIDs)
			physBridges(local)
			n := &network{startChassis(t, sbServer, local), map[string]ovsdb.UUID{}}
			n.cfg.SlowPath = nil // the test takes what it is told
			n.settle()
			n.chassis("hv2", "geneve,vxlan", "192.0.2.2", nil)
			n.chassis("az2", "geneve", "192.0.2.3", map[string]string{"is-remote": "true"})
			n.datapath("pub", "logical-switch", 4)
			n.port("pub", "ln", 2, "localnet", "network_name:phys tag=7")
			n.port("pub", "vm1", 1, "", "")
			n.port("pub", "vm2", 3, "", "chassis=hv2")
			n.datapath("lr", "logical-router", 3)
			n.router("pub", "lr", "00:00:00:00:ff:01_10.0.0.1/24", "patch", "")
			n.plug("vm1", nil)
			n.rest()
			var view punt.View
			before := n.state(&view)

			n.setLocal(s.key, s.value)
			n.rest()
			now := n.state(&view)
			if diff := difference(before, now); diff == "" {
				t.Fatal("nothing changed")
			}
			fresh := startChassis(t, sbServer, local)
			fresh.cfg.SlowPath = nil
			fresh.until("rest", func() bool {
				return fresh.complete && fresh.settled() && fresh.numbered() && fresh.acks.done == n.acks.done
			})
			if diff := difference(now, (&network{fresh, n.id}).state(new(punt.View))); diff != "" {
				t.Errorf("a controller that starts with it has something else:\n%s", diff)
			}
			if fresh.writes > 0 {
				t.Errorf("a controller that starts with it wrote %d transactions:\n%s", fresh.writes, fresh.log)
			}
		})
	}
}

// rest settles until nothing is written any more but nb_cfg.
func (n *network) rest() {
	n.t.Helper()
	for range 10 {
		writes, rev := n.writes, n.rev
		n.settle()
		if n.rev == rev && n.writes <= writes+1 {
			return
		}
	}
	n.t.Fatal("the controller does not come to rest")
}

// state is all that a chassis does as its settings say: what it tells the switch and
// the Southbound database and the slow path, the bridges that it makes, what it asks
// for. Sorted lines. view is what the slow path was told last.
func (n *network) state(view *punt.View) []string {
	out := n.text()
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	self := n.w.Self()
	add("chassis %s on %s, zones %v, other_config %v", self.Name, self.Hostname, self.TransportZones, self.OtherConfig)
	for _, id := range self.Encaps {
		e := n.w.SB.Encap.Get(id)
		add("encap %s %s %v", e.Type, e.IP, e.Options)
	}
	for row := range n.w.VSW.OpenVSwitch.All() {
		add("switch %v", row.OtherConfig)
	}
	for br := range n.w.VSW.Bridge.All() {
		add("bridge %s %s %s", br.Name, br.DatapathType, br.FailMode.V)
		for _, id := range br.Ports {
			port := n.w.VSW.Port.Get(id)
			in := n.w.VSW.Interface.Get(port.Interfaces[0])
			add("port %s of %s: %s %v %v", port.Name, br.Name, in.Type, port.ExternalIDs, in.Options)
		}
	}
	for zone, num := range n.zones.All() {
		add("zone %s %d", zone, num)
	}
	for table, conds := range n.conditions() {
		for _, c := range conds {
			add("condition %s %s %s %v", table, c.Column, c.Op, c.Value)
		}
	}
	if v, changed := n.side.slow.TakeView(); changed {
		*view = v
	}
	add("view %+v", *view)
	slices.Sort(out)
	return out
}
