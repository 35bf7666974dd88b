package ovs

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// TestCounters has packets of one kind counted for the rules that they match, and no others.
func TestCounters(t *testing.T) {
	r := newRig(t)
	r.start()
	limited, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := r.be.Counters(limited); !errors.Is(err, errNoRules) {
		t.Errorf("before there are rules: %v", err)
	}
	var rules []ir.Rule
	for _, text := range []string{
		"phy_to_log 10 match(in_port=1) { call ingress.0; }",
		"ingress.0 20 match(eth.type=2048) { to_port 2; }",
		"ingress.0 10 match(eth.dst=9) { to_port 3; }",
	} {
		rule, err := ir.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule)
	}
	r.put(rules...)
	p, err := ir.NewPacket(ir.Exact(ir.EthDst, 9), ir.Exact(ir.EthType, 0x88b5))
	if err != nil {
		t.Fatal(err)
	}
	const packets = 5
	for range packets {
		r.sw.Appctl("netdev-dummy/receive", "p1", hex.EncodeToString(p.Frame()))
	}
	want := map[ir.RuleID]uint64{rules[0].ID: packets, rules[1].ID: 0, rules[2].ID: packets}
	for begin := time.Now(); ; { // the switch adds up after a while
		got, err := r.be.Counters(limited)
		if err != nil {
			t.Fatal(err)
		}
		if got[rules[0].ID] == packets && got[rules[1].ID] == 0 && got[rules[2].ID] == packets && len(got) == len(want) {
			break
		}
		if time.Since(begin) > patience {
			t.Fatalf("counted are %v, want %v", got, want)
		}
	}
	r.stop()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.be.Counters(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody is connected: %v", err)
	}
}

// TestIdle reads the tables of some stages only, and tells of rules that have matched packets how long ago that was: by the
// clock of the switch, which stands still but for the test.
func TestIdle(t *testing.T) {
	r := newRig(t)
	r.start()
	rules := rules(t, `
		phy_to_log 10 match(in_port=1) { call mac_cache_use; call lookup_fdb; }
		mac_cache_use 100 match(eth.src=1) { drop; }
		mac_cache_use 100 match(eth.src=2) { drop; }
		lookup_fdb 100 match(eth.src=1) { flags[8] = 1; }
		lookup_fdb 100 match(eth.src=2) { flags[8] = 1; }`)
	r.put(rules...)
	r.sw.Appctl("time/stop")
	p, err := ir.NewPacket(ir.Exact(ir.EthSrc, 1), ir.Exact(ir.EthType, 0x88b5))
	if err != nil {
		t.Fatal(err)
	}
	r.sw.Appctl("netdev-dummy/receive", "p1", hex.EncodeToString(p.Frame()))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		idle, err := r.be.Idle(ctx, ir.MACCacheUse, ir.LookupFDB)
		if err != nil {
			t.Fatal(err)
		}
		for id := range idle {
			if id != rules[1].ID && id != rules[3].ID {
				t.Fatalf("rule %016x has matched nothing, or is of another stage: %v", uint64(id), idle)
			}
		}
		use, lookup := idle[rules[1].ID], idle[rules[3].ID]
		if len(idle) == 2 && use == lookup && use >= 3*time.Second {
			break
		}
		r.sw.Appctl("time/warp", "1000") // the switch adds up after a while
	}
	if one, err := r.be.Idle(ctx, ir.LookupFDB); err != nil || len(one) != 1 {
		t.Errorf("of one stage: %v, %v", one, err)
	}
}
