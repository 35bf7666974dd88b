package controller

import (
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// What ovn-northd means by its rows is not the same in all releases.

// TestACLConntrackTag: a logical flow tagged acl_ct_translation looks at the connection's ports, as long as it is tagged.
func TestACLConntrackTag(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm1", 1, "", "")
	n.plug("vm1", nil)
	n.flow("sw", "acl", 7, "ip4 && tcp.dst == 99", "next;")
	n.flow("sw", "other", 8, "ip4 && tcp.dst == 99", "next;")
	check := func(name, want string) {
		t.Helper()
		n.settle()
		if got := strings.Join(n.rulesOf(ir.OwnerLogicalFlow, name), "\n"); !strings.Contains(got, want) {
			t.Errorf("flow %s: %s\nwant %s", name, got, want)
		}
	}
	const packet, connection = "match(eth.type=2048, ip.proto=6, tcp.dst=99)", "match(ct_state=32/48, ct_proto=6, ct_tp.dst=99, eth.type=2048)"
	for tag, want := range map[string]string{"true": connection, "false": packet} {
		n.changeSB(func(tx *idl.Tx) {
			tx.Update("Logical_Flow", n.id["acl"], map[string]any{"tags": map[string]string{"acl_ct_translation": tag}})
		})
		check("acl", want)
		check("other", packet)
	}
}

// TestRegistersOfReleases: where a balanced connection's own destination is depends on the release of ovn-northd, whether it
// says so (25.03 to 26.03) or not (since then).
func TestRegistersOfReleases(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, localIDs)
	n.datapath("sw", "logical-switch", 1)
	n.port("sw", "vm1", 1, "", "")
	n.plug("vm1", nil)
	n.row("lb", "Load_Balancer", map[string]any{"name": "lb", "protocol": "tcp", "vips": map[string]string{"10.0.0.9:80": "10.0.0.1:8080"},
		"datapaths": []any{n.id["sw"]}, "options": map[string]string{"hairpin_orig_tuple": "true"}})
	n.flow("sw", "affinity", 8, "ip4 && tcp", `commit_lb_aff(vip = "10.0.0.9:80", backend = "10.0.0.1:8080", proto = tcp, timeout = 60); next;`)
	for _, r := range []struct {
		version, option          string
		hairpin, ip, port, other string
	}{
		{"24.09.4-20.37.0-77.0", "", "reg1=0xa000009, reg2=80/65535", "reg4", "reg8[0..15]", "reg2["},
		{"25.09.5-21.5.0-81.11", "true", "reg4=0xa000009", "reg4", "reg2[0..15]", "reg8["},
		{"26.03.90-21.10.0-82.15", "", "reg4=0xa000009", "reg4", "reg2[0..15]", "reg8["},
		{"26.09.0-21.11.0-82.15", "", "reg4=0xa000009", "reg4", "reg2[0..15]", "reg8["},
		{"24.03.10-20.33.0-76.8", "", "reg1=0xa000009, reg2=80/65535", "reg4", "reg8[0..15]", "reg2["},
	} {
		options := map[string]string{"northd_internal_version": r.version}
		if r.option != "" {
			options["register_consolidation"] = r.option
		}
		n.changeSB(func(tx *idl.Tx) {
			for g := range n.w.SB.SBGlobal.All() {
				tx.Update("SB_Global", g.UUID, map[string]any{"options": options})
			}
		})
		n.settle()
		hairpin := strings.Join(n.rulesOf(ir.OwnerLoadBalancer, "lb"), "\n")
		affinity := strings.Join(n.rulesOf(ir.OwnerLogicalFlow, "affinity"), "\n")
		if !strings.Contains(hairpin, r.hairpin) {
			t.Errorf("%s: hairpin rules\n%s\nwant %s", r.version, hairpin, r.hairpin)
		}
		if !strings.Contains(affinity, r.ip) || !strings.Contains(affinity, r.port) || strings.Contains(affinity, r.other) {
			t.Errorf("%s: affinity\n%s\nwant %s and %s, not %s", r.version, affinity, r.ip, r.port, r.other)
		}
		before := n.text()
		n.Recompute("test")
		n.settle()
		if diff := difference(before, n.text()); diff != "" {
			t.Errorf("%s: recompute changes the rules:\n%s", r.version, diff)
		}
	}
}
