package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc"
)

// maxRules is how many rules the addresses are enough for.
const maxRules = 100000

// kinds are what a gateway has most of: to a neighbour of a router, to one behind a tunnel, out of a tunnel, into connection tracking, out of
// it, and to a translated address. %[1]x is an IPv4 address of the rule's own, %[2]x an Ethernet address of its own.
var kinds = []string{
	"phy_to_log 20 match(in_port=1, vlan.tci=0/0x1000, eth.type=0x800, eth.dst=0x020000000f00, ip4.dst=%#[1]x) { dec_ttl; eth.src = 0x020000000f01; eth.dst = %#[2]x; to_port 3; }",
	"phy_to_log 20 match(in_port=1, vlan.tci=0/0x1000, eth.type=0x800, eth.dst=%#[2]x, ip4.dst=%#[1]x) { tun.id = 7; tun.opt = 0x20003; to_port 2; }",
	"phy_to_log 20 match(in_port=2, tun.id=7, tun.opt=0x20003/0x7fffffff, eth.dst=%#[2]x, vlan.tci=0/0x1000, eth.type=0x800) { to_port 3; }",
	"phy_to_log 20 match(in_port=3, vlan.tci=0/0x1000, eth.type=0x800, ip4.src=%#[1]x) { ct zone=5 next=ingress.1; }",
	"ingress.1 20 match(vlan.tci=0/0x1000, eth.type=0x800, ct_state=34/34, ip4.src=%#[1]x) { to_port 1; }",
	"phy_to_log 20 match(in_port=4, vlan.tci=0/0x1000, eth.type=0x800, ip4.dst=%#[1]x) { ip4.dst = 0x0a000903; dec_ttl; eth.dst = %#[2]x; to_port 3; }",
}

// address is the IPv4 address of rule i, and mac its Ethernet address.
func address(i int) uint32 { return 0x0a400000 + uint32(i) }
func mac(i int) uint64     { return 0x020000100000 + uint64(i) }

// manyRules are so many rules of all kinds. Those that come out of connection tracking are for the addresses of those that go there.
func manyRules(n int) ([]ir.Rule, error) {
	var text strings.Builder
	for i := range n {
		k := i % len(kinds)
		host := i - k
		fmt.Fprintf(&text, kinds[k]+"\n", address(host), mac(host))
	}
	return parseRules(text.String())
}

func parseRules(text string) (rules []ir.Rule, err error) {
	for line := range strings.Lines(text) {
		r, err := ir.ParseRule(strings.TrimSpace(line))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// tables are the rules as the planner would place them: all paths that are not traps.
func tables(rules []ir.Rule) (list []offload.Table) {
	f := flatten.New(flatten.Config{CanTags: true, Paths: 2 * maxRules})
	f.Apply(backend.Delta{Put: rules})
	for s := range f.Segments() {
		t := offload.Table{Segment: s.ID, Tracked: s.Tracked, Zone: s.Zone}
		for _, p := range s.Paths {
			if !p.Trap() {
				t.Entries = append(t.Entries, offload.Entry{Path: p, Match: p.Match})
			}
		}
		list = append(list, t)
	}
	return list
}

// install has the target make the kernel agree with tables.
func install(ctx context.Context, target *tc.Target, tables []offload.Table) error {
	report, err := target.Apply(ctx, offload.Delta{Put: tables, Ports: ports(), Reset: true, Chassis: "bench"})
	if err == nil && len(report.Failures) > 0 {
		f := report.Failures[0]
		err = fmt.Errorf("%d entries were refused; the first of %v: %s", len(report.Failures), f.Segment, f.Detail)
	}
	if err != nil {
		return errors.Join(errors.New("install rules"), err)
	}
	return nil
}

// uninstall removes all of it.
func uninstall(ctx context.Context, target *tc.Target) error {
	_, err := target.Apply(ctx, offload.Delta{Reset: true, Chassis: "bench"})
	return err
}
