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
