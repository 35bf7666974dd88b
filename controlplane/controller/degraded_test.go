package controller

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// flow makes a logical flow at the start of a switch's ingress pipeline.
func (n *network) flow(dp, name string, priority int, match, actions string) {
	n.t.Helper()
	n.row(name, "Logical_Flow", map[string]any{"logical_datapath": n.id[dp], "pipeline": "ingress", "table_id": 0,
		"priority": priority, "match": match, "actions": actions})
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
