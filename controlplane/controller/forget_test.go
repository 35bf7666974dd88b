package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/testkit/central"
)

// wantForgotten compares the connections that the switch was told to forget since the
// last call, "PROTO VIP BACKEND" each.
func (c *hypervisor) wantForgotten(when string, want ...string) {
	c.t.Helper()
	got := []string{}
	for _, f := range c.forgot {
		got = append(got, fmt.Sprint(f.Proto, " ", f.Dst, " ", f.Backend))
	}
	c.forgot = nil
	slices.Sort(got)
	if !slices.Equal(got, want) {
		c.t.Errorf("%s: forgotten are %q, want %q", when, got, want)
	}
}

// canFlush makes the datapath of the integration bridge one that can forget single
// connections, or not.
func (c *hypervisor) canFlush(can string) {
	c.t.Helper()
	c.changeVSW(func(tx *idl.Tx) {
		for root := range c.w.VSW.OpenVSwitch.All() {
			dp := tx.Insert("Datapath", map[string]any{"capabilities": map[string]string{"ct_flush": can}})
			tx.Update("Open_vSwitch", root.UUID, map[string]any{"datapaths": map[string]any{"system": dp}})
		}
	})
}

// TestBackendsThatGoAreForgotten: options:ct_flush of a load balancer ends the
// connections to backends that it loses, in whatever way, and only these.
func TestBackendsThatGoAreForgotten(t *testing.T) {
	t.Parallel()
	d := central.Start(t)
	c := startChassis(t, d.SB, localDB(t, localIDs))
	c.quiet(d)
	c.canFlush("true")
	c.plug("vm1", nil)
	d.Configure(`ls-add sw
		lsp-add sw vm1
		lb-add lb 10.0.0.9:80 10.0.1.1:8080,10.0.1.2:8080 udp
		lb-add plain 10.0.0.8:80 10.0.1.1:8080,10.0.1.2:8080
		lb-add any 10.0.0.7 10.0.1.1,10.0.1.2
		set load_balancer lb options:ct_flush=true
		set load_balancer any options:ct_flush=true
		ls-lb-add sw lb
		ls-lb-add sw plain
		ls-lb-add sw any`)
	c.quiet(d)
	c.Recompute("test")
	c.wantForgotten("at first")
	d.Configure(`set load_balancer lb vips:'"10.0.0.9:80"'='"10.0.1.2:8080,10.0.1.3:8080"'
		set load_balancer plain vips:'"10.0.0.8:80"'='"10.0.1.2:8080"'`)
	c.quiet(d)
	c.wantForgotten("a backend went", "17 10.0.0.9:80 10.0.1.1:8080")
	d.Configure("lb-del any")
	c.quiet(d)
	c.wantForgotten("a load balancer went", "0 10.0.0.7:0 10.0.1.1:0", "0 10.0.0.7:0 10.0.1.2:0")
	d.Configure(`lb-add twin 10.0.0.9:80 10.0.1.2:8080 udp
		set load_balancer twin options:ct_flush=true
		ls-lb-add sw twin`)
	c.quiet(d)
	d.Configure("ls-lb-del sw lb")
	c.quiet(d)
	c.wantForgotten("another load balancer has one of its backends", "17 10.0.0.9:80 10.0.1.3:8080")
	d.Configure(`set load_balancer twin options:ct_flush=false
		set load_balancer twin vips:'"10.0.0.9:80"'='"10.0.1.4:8080"'`)
	c.quiet(d)
	c.wantForgotten("a backend went together with the option", "17 10.0.0.9:80 10.0.1.2:8080")
	d.Configure(`set load_balancer twin vips:'"10.0.0.9:80"'='"10.0.1.5:8080"'`)
	c.quiet(d)
	c.wantForgotten("without the option")
}

// TestSwitchCannotForget: an Open vSwitch that cannot flush connections is named.
func TestSwitchCannotForget(t *testing.T) {
	t.Parallel()
	d := central.Start(t)
	c := startChassis(t, d.SB, localDB(t, localIDs))
	c.quiet(d)
	c.canFlush("false")
	c.plug("vm1", nil)
	d.Configure(`ls-add sw
		lsp-add sw vm1
		lb-add lb 10.0.0.9:80 10.0.1.1:8080,10.0.1.2:8080
		set load_balancer lb options:ct_flush=true
		ls-lb-add sw lb`)
	c.quiet(d)
	if r := c.Status().RefusedRows; len(r) != 1 || r[0].Table != "Load_Balancer" || !strings.Contains(r[0].Text, "load balancer lb: options:ct_flush is not done") {
		t.Errorf("refused rows %v", r)
	}
	d.Configure(`set load_balancer lb vips:'"10.0.0.9:80"'='"10.0.1.2:8080"'`)
	c.quiet(d)
	c.wantForgotten("when it cannot")
	c.canFlush("true")
	c.quiet(d)
	if r := c.Status().RefusedRows; len(r) != 0 {
		t.Errorf("refused rows %v when it can", r)
	}
	d.Configure(`set load_balancer lb vips:'"10.0.0.9:80"'='"10.0.1.3:8080"'`)
	c.quiet(d)
	c.wantForgotten("when it can", "6 10.0.0.9:80 10.0.1.2:8080")
}

// TestTemplateLoadBalancer: the addresses of a load balancer may be variables of the
// chassis.
func TestTemplateLoadBalancer(t *testing.T) {
	t.Parallel()
	d := central.Start(t)
	c := startChassis(t, d.SB, localDB(t, localIDs))
	c.quiet(d)
	c.canFlush("true")
	c.plug("vm1", nil)
	d.Configure(`ls-add sw
		lsp-add sw vm1
		--template lb-add lb ^vip:^port ^backends tcp ipv4
		set load_balancer lb options:ct_flush=true
		ls-lb-add sw lb
		create Chassis_Template_Var chassis=hv1 variables={vip=10.0.0.9,port=80,backends='"10.0.1.1:8080,10.0.1.2:8080"'}`)
	c.quiet(d)
	if r := c.Status().RefusedRows; len(r) != 0 {
		t.Errorf("refused rows %v", r)
	}
	if rules := strings.Join(c.text(), "\n"); strings.Count(rules, "chk_lb_hairpin 100") != 2 {
		t.Errorf("no hairpin rules for two backends:\n%s", rules)
	}
	d.Configure(`set Chassis_Template_Var hv1 variables:backends='"10.0.1.2:8080"'`)
	c.quiet(d)
	c.wantForgotten("a backend went", "6 10.0.0.9:80 10.0.1.1:8080")
	if rules := strings.Join(c.text(), "\n"); strings.Count(rules, "chk_lb_hairpin 100") != 1 {
		t.Errorf("hairpin rules:\n%s", rules)
	}
}
