package controller

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/testkit/central"
)

// flow makes a logical flow at the start of a switch's ingress pipeline.
func (n *network) flow(dp, name string, priority int, match, actions string) {
	n.t.Helper()
	n.row(name, "Logical_Flow", map[string]any{"logical_datapath": n.id[dp], "pipeline": "ingress", "table_id": 0,
		"priority": priority, "match": match, "actions": actions})
}

// TestLevelOfDegradations: what this program cannot do is no trouble that somebody could mend, and every switch has
// such flows; a flow that is wrong is.
func TestLevelOfDegradations(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm1", 1, "", "")
	n.plug("vm1", nil)
	n.flow("sw", "monitor", 1, "1", "handle_svc_check(inport);")
	n.row("svc", "Service_Monitor", map[string]any{"ip": "10.0.0.1", "port": 80, "logical_port": "vm1"}) // the network asks for it
	n.flow("sw", "wrong", 2, "eth.sorc == 1", "next;")
	if got := n.degraded(); len(got) != 2 {
		t.Errorf("degraded: %q", got)
	}
	for reason, level := range map[string]string{"handle_svc_check is not supported yet": "INFO", "eth.sorc": "WARN"} {
		found := false
		for line := range strings.Lines(n.log.String()) {
			if strings.Contains(line, "degraded: ") && strings.Contains(line, reason) {
				found = true
				if !strings.Contains(line, "level="+level) {
					t.Errorf("want level %s: %s", level, line)
				}
			}
		}
		if !found {
			t.Errorf("the log does not name %q", reason)
		}
	}
}

// TestMissingMeter: a flow does what it shall also while the meter of its log is not there.
func TestMissingMeter(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm1", 1, "", "")
	n.plug("vm1", nil)
	n.flow("sw", "acl", 7, "tcp.dst == 99", `log(name="acl1", verdict=drop, severity=info, meter="m1");`)
	want := []string{`meter "m1" is not defined in the Southbound Meter table: what it is for is not limited`}
	if got := n.degraded(); !slices.Equal(got, want) {
		t.Errorf("degraded: %q, want %q", got, want)
	}
	if got := n.rulesOf(ir.OwnerLogicalFlow, "acl"); len(got) == 0 || strings.Contains(strings.Join(got, ""), "m1") {
		t.Errorf("without the row: %q", got)
	}
	n.changeSB(func(tx *idl.Tx) {
		band := tx.Insert("Meter_Band", map[string]any{"action": "drop", "rate": 10})
		tx.Insert("Meter", map[string]any{"name": "m1", "unit": "pktps", "bands": []any{band}})
	})
	if got := n.degraded(); len(got) != 0 {
		t.Errorf("with the row: degraded: %q", got)
	}
	if got := n.rulesOf(ir.OwnerLogicalFlow, "acl"); len(got) == 0 || !strings.Contains(got[0], `meter="m1"`) {
		t.Errorf("with the row: %q", got)
	}
}

// degraded are the reasons for which logical flows are not wholly in force.
func (n *network) degraded() []string {
	n.settle()
	var out []string
	for _, d := range n.Status().Degraded {
		out = append(out, d.Reason)
	}
	slices.Sort(out)
	return out
}

// TestEVPNLookups: on a chassis that is not set up for EVPN there is nothing that its
// lookups could find; on one that is, they are named.
func TestEVPNLookups(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm1", 1, "", "")
	n.plug("vm1", nil)
	n.flow("sw", "fdb", 1, "1", "outport = get_fdb(eth.dst); remote_outport = get_remote_fdb(eth.dst); next;")
	n.flow("sw", "arp", 2, "arp.op == 1", "reg0[5] = chk_evpn_arp(arp.tpa); next;")
	if got := n.degraded(); len(got) != 0 {
		t.Errorf("without EVPN: degraded: %q", got)
	}
	n.setLocal("ovn-evpn-vxlan-ports", "4789")
	if got, want := n.degraded(), []string{evpnARP, evpnFDB}; !slices.Equal(got, want) {
		t.Errorf("with EVPN: degraded: %q, want %q", got, want)
	}
	if !strings.Contains(n.log.String(), evpnFDB) || !strings.Contains(n.log.String(), evpnARP) {
		t.Error("the log does not say so")
	}
	n.changeVSW(func(tx *idl.Tx) {
		for row := range n.w.VSW.OpenVSwitch.All() {
			tx.Mutate("Open_vSwitch", row.UUID, "external_ids", "delete", []string{"ovn-evpn-vxlan-ports"})
		}
	})
	if got := n.degraded(); len(got) != 0 {
		t.Errorf("without EVPN again: degraded: %q", got)
	}
}

const (
	evpnFDB = "get_remote_fdb always answers none: EVPN is not supported, nothing is sent to VTEPs"
	evpnARP = "chk_evpn_arp always answers 0: EVPN is not supported, nothing is learned from VTEPs"
)

// TestNothingIsDegradedUnasked: ovn-northd makes flows for what is not built yet for
// every switch and router. They are named when the network asks for it.
func TestNothingIsDegradedUnasked(t *testing.T) {
	t.Parallel()
	d := central.Start(t)
	c := startChassis(t, d.SB, localDB(t, localIDs))
	c.quiet(d)
	c.plug("vm1", nil)
	want := func(when string, reasons ...string) {
		t.Helper()
		c.quiet(d)
		got := c.Status().Degraded
		if len(got) != len(reasons) {
			t.Fatalf("%s: degraded: %+v, want %q", when, got, reasons)
		}
		for i, r := range reasons {
			if !strings.Contains(got[i].Reason, r) {
				t.Errorf("%s: degraded: %s, want %s", when, got[i].Reason, r)
			}
		}
	}
	d.Configure(`ls-add sw -- lr-add lr
		lsp-add sw vm1 -- lsp-set-addresses vm1 '00:00:00:00:00:01 10.0.0.1 fd00::1'
		lrp-add lr lr-sw 00:00:00:00:ff:01 10.0.0.254/24 fd00::fe/64
		lsp-add sw sw-lr -- lsp-set-type sw-lr router -- lsp-set-addresses sw-lr router -- lsp-set-options sw-lr router-port=lr-sw
		lb-add lb 10.0.0.9:80 10.0.0.1:80
		ls-lb-add sw lb`)
	want("nobody asks")
	d.Configure(`set load_balancer lb ip_port_mappings:10.0.0.1=vm1:10.0.0.200
		-- --id=@hc create Load_Balancer_Health_Check vip='"10.0.0.9:80"' -- add load_balancer lb health_check @hc`)
	want("services are monitored", "handle_svc_check")
	d.Configure(`clear load_balancer lb health_check -- clear load_balancer lb ip_port_mappings`)
	want("no more")
	d.Configure("set logical_router_port lr-sw options:prefix=true options:prefix_delegation=true")
	want("a prefix is asked for", "handle_dhcpv6_reply")
	d.Configure("clear logical_router_port lr-sw options")
	want("no more")
}

// TestRefusedRows: what of a row is not in force is in the status as long as it is
// so, with the table, and in the log once.
func TestRefusedRows(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm1", 1, "", "qdisc_queue_id:x qos_max_rate:1")
	n.port("sw", "ln", 2, "localnet", "network_name:phys")
	n.plug("vm1", nil)
	n.settle()
	n.changeSB(func(tx *idl.Tx) {
		tx.Update("Port_Binding", n.id["vm1"], map[string]any{"port_security": []string{"nonsense"}})
	})
	n.row("mac", "MAC_Binding", map[string]any{"logical_port": "vm1", "ip": "10.0.0.x", "mac": "00:00:00:00:00:01", "datapath": n.id["sw"]})
	n.row("station", "FDB", map[string]any{"dp_key": 1, "port_key": 1, "mac": "nonsense"})
	n.row("set", "Address_Set", map[string]any{"name": "set", "addresses": []string{"10.0.0.1", "nonsense"}})
	n.row("lb", "Load_Balancer", map[string]any{"name": "lb", "protocol": "tcp", "vips": map[string]string{"10.0.0.9:80": "nonsense"},
		"datapaths": []ovsdb.UUID{n.id["sw"]}})
	n.flow("sw", "flow", 1, "ip4.src == $set", "next;")
	want := []RefusedRow{
		{"Address_Set", `address set set: "nonsense" is no address and is left out`},
		{"FDB", `ignoring an FDB row: bad mac "nonsense"`},
		{"Load_Balancer", `load balancer lb: bad address "nonsense" is left out of hairpin handling`},
		{"MAC_Binding", `ignoring the MAC_Binding of vm1: bad ip "10.0.0.x" or mac "00:00:00:00:00:01"`},
		{"Port_Binding", `lport vm1 is not shaped: options:qdisc_queue_id="x" is not a number of 0 to 61440`},
		{"Port_Binding", `lport vm1: port_security "nonsense"`},
	}
	check := func(when string) {
		t.Helper()
		n.settle()
		got := n.Status().RefusedRows
		same := slices.EqualFunc(got, want, func(a, b RefusedRow) bool { return a.Table == b.Table && strings.HasPrefix(a.Text, b.Text) })
		if !same {
			t.Errorf("%s: refused rows %q, want %q", when, got, want)
		}
	}
	check("at first")
	n.Recompute("test")
	check("after a recompute")
	for _, w := range want {
		quoted := strings.ReplaceAll(w.Text, `"`, `\"`)
		if c := strings.Count(n.log.String(), `level=WARN msg="`+quoted); c != 1 {
			t.Errorf("%s is logged %d times", w.Text, c)
		}
	}
	n.changeSB(func(tx *idl.Tx) {
		tx.Update("Port_Binding", n.id["vm1"], map[string]any{"port_security": []string{"00:00:00:00:00:01"}, "options": map[string]string{}})
		tx.Update("Address_Set", n.id["set"], map[string]any{"addresses": []string{"10.0.0.1"}})
		tx.Update("Load_Balancer", n.id["lb"], map[string]any{"vips": map[string]string{"10.0.0.9:80": "10.0.0.2:80"}})
		tx.Delete("MAC_Binding", n.id["mac"])
		tx.Delete("FDB", n.id["station"])
	})
	want = nil
	check("when all is put right")
}
