package controller

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/testkit/central"
)

// wayOf says by which tunnels an IPv4 packet leaves that comes from an interface, as
// "LOCAL>REMOTE" of the last digits of their addresses.
func (c *hypervisor) wayOf(iface string, ethDst, ipDst uint64) string {
	c.t.Helper()
	tunnels := map[int64]string{}
	for row := range c.w.VSW.Interface.All() {
		tunnels[row.OFPort.V] = row.Name
		if remote := row.Options["remote_ip"]; remote != "" {
			local := row.Options["local_ip"]
			tunnels[row.OFPort.V] = strings.TrimPrefix(local, "192.0.2.") + ">" + strings.TrimPrefix(remote, "192.0.2.")
		}
	}
	p, err := ir.NewPacket(ir.Exact(ir.InPort, uint64(c.w.VSW.InterfaceByName.One(iface).OFPort.V)), ir.Exact(ir.EthSrc, 0x0a0000000001),
		ir.Exact(ir.EthDst, ethDst), ir.Exact(ir.EthType, 0x0800), ir.Exact(ir.IP4Src, 0x0a000001), ir.Exact(ir.IP4Dst, ipDst),
		ir.Exact(ir.IPTTL, 64), ir.Exact(ir.IPProto, 17))
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := ir.NewPipeline(slices.Collect(maps.Values(c.rules))...).Evaluate(p, ir.PhyToLog, ir.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	var ways []string
	for _, o := range r.Outputs {
		ways = append(ways, tunnels[int64(o.Port)])
	}
	return strings.Join(ways, " ")
}

// TestEncapOfInterface: a packet leaves by the address of this chassis that the
// interface asks for, or else the default one, and goes to the address that the other
// port has, or else the other chassis's default: in its switch and behind a router.
func TestEncapOfInterface(t *testing.T) {
	t.Parallel()
	d := central.Start(t)
	c := startChassis(t, d.SB, localDB(t, localIDs))
	d.SBCtl("chassis-add hv2 geneve 192.0.2.21")
	d.Configure(`
	ls-add sw
	ls-add sw2
	lr-add lr
	lrp-add lr lr-sw 0a:00:00:00:ff:01 10.0.0.254/24
	lrp-add lr lr-sw2 0a:00:00:00:ff:02 10.0.2.254/24
	lsp-add sw sw-lr
	lsp-set-type sw-lr router
	lsp-set-addresses sw-lr router
	lsp-set-options sw-lr router-port=lr-sw
	lsp-add sw2 sw2-lr
	lsp-set-type sw2-lr router
	lsp-set-addresses sw2-lr router
	lsp-set-options sw2-lr router-port=lr-sw2
	lsp-add sw vm11
	lsp-add sw vm12
	lsp-add sw vm
	lsp-add sw far21
	lsp-add sw far22
	lsp-add sw far
	lsp-set-addresses far21 '0a:00:00:00:00:21 10.0.0.21'
	lsp-set-addresses far22 '0a:00:00:00:00:22 10.0.0.22'
	lsp-set-addresses far '0a:00:00:00:00:20 10.0.0.20'
	lsp-add sw2 routed22
	lsp-set-addresses routed22 '0a:00:00:00:02:22 10.0.2.22'`)
	c.quiet(d)
	hv2 := c.w.SB.ChassisByName.One("hv2")
	c.changeSB(func(tx *idl.Tx) {
		e := tx.Insert("Encap", map[string]any{"type": "geneve", "ip": "192.0.2.22", "chassis_name": "hv2"})
		tx.Mutate("Chassis", hv2.UUID, "encaps", "insert", []any{e})
	})
	for name, ip := range map[string]string{"far21": "192.0.2.21", "far22": "192.0.2.22", "routed22": "192.0.2.22", "far": ""} {
		d.SBCtl("lsp-bind " + name + " hv2")
		for e := range c.w.SB.Encap.All() {
			if e.IP == ip {
				d.SBCtl(fmt.Sprintf("set Port_Binding %s encap=%v", name, e.UUID))
			}
		}
	}
	for name, ip := range map[string]string{"vm11": "192.0.2.11", "vm12": "192.0.2.12", "vm": ""} {
		c.plug(name, map[string]string{"encap-ip": ip})
	}
	root := slices.Collect(c.w.VSW.OpenVSwitch.All())[0].UUID
	set := func(k, v string) {
		c.changeVSW(func(tx *idl.Tx) {
			tx.Mutate("Open_vSwitch", root, "external_ids", "delete", []string{k})
			tx.Mutate("Open_vSwitch", root, "external_ids", "insert", map[string]string{k: v})
		})
		c.quiet(d)
	}
	const mac, router = 0x0a0000000000, 0x0a000000ff01
	check := func(when, from string, ways ...string) {
		t.Helper()
		got := []string{c.wayOf(from, mac|0x21, 0x0a000015), c.wayOf(from, mac|0x22, 0x0a000016), c.wayOf(from, mac|0x20, 0x0a000014),
			c.wayOf(from, router, 0x0a000216)}
		if !slices.Equal(got, ways) {
			t.Errorf("%s, from %s: the ways to far21, far22, far and routed22 are %v, want %v", when, from, got, ways)
		}
	}
	set("ovn-encap-ip", "192.0.2.11,192.0.2.12")
	check("no default", "if-vm11", "11>21", "11>22", "11>21", "11>22")
	check("no default", "if-vm12", "12>21", "12>22", "12>21", "12>22")
	check("no default", "if-vm", "11>21", "11>22", "11>21", "11>22")

	set("ovn-encap-ip-default", "192.0.2.12")
	check("ours", "if-vm11", "11>21", "11>22", "11>21", "11>22")
	check("ours", "if-vm", "12>21", "12>22", "12>21", "12>22")

	mark := func(options string) {
		for e := range c.w.SB.Encap.All() {
			if e.IP == "192.0.2.22" {
				d.SBCtl(fmt.Sprintf("set Encap %v options%s", e.UUID, options))
			}
		}
		c.quiet(d)
	}
	mark(":is_default=true")
	check("theirs", "if-vm11", "11>21", "11>22", "11>22", "11>22")
	check("theirs", "if-vm", "12>21", "12>22", "12>22", "12>22")
	got := c.text()
	c.Recompute("test")
	c.quiet(d)
	if diff := difference(got, c.text()); diff != "" {
		t.Errorf("recompute changes the rules:\n%s", diff)
	}

	// Where there is no choice there is no rule for it.
	set("ovn-encap-ip", "192.0.2.11")
	for _, r := range c.rules {
		if text := r.String(); strings.Contains(text, "ct_zone[16") || strings.Contains(text, "ct_zone[0..15] =") || r.Stage == ir.RemoteOutput && strings.Contains(text, "ct_zone") {
			t.Errorf("with one address there is %s", text)
		}
	}
}
