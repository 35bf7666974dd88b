package ir_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/ir/irtest"
)

// The IDs below are kept in targets (OpenFlow cookies, tc cookies): a change of
// any of them makes a restarted controller replace rules that are right.
func TestRuleIDIsStable(t *testing.T) {
	tests := []struct {
		text string
		id   ir.RuleID
	}{
		{"phy_to_log 0 match(any) { drop; }", 0x703932b6e90bb8ad},
		{"ingress.0 100 datapath=7 match(inport=3, eth.src=0x500000000001) { call ingress.1; }", 0xbd7d63a500d64944},
		{"egress.5 65535 datapath=16711680 match(ct_state=32/33) { ct zone=ct_zone[0..15] commit exec {ct_mark[0] = 1;}; }", 0xb8bfc933a04d3ca3},
		{"local_output 1 match(any) any-of(tcp.src=1 | tcp.src=2) any-of(ip4.src=1 | ip4.src=2) { to_port 4; }", 0xf8cce614b1b9911b},
	}
	for _, tt := range tests {
		r, err := ir.ParseRule(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if r.ID != tt.id {
			t.Errorf("%s: ID %#x, want %#x", tt.text, uint64(r.ID), uint64(tt.id))
		}
	}
}

func TestRuleIDFollowsContentNotOwner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := irtest.Rule().Draw(t, "a"), irtest.Rule().Draw(t, "b")
		if (a.ID == b.ID) != (a.String() == b.String()) {
			t.Fatalf("%s (%x) and %s (%x)", a, a.ID, b, b.ID)
		}
		owned := ir.NewRule(a.Stage, a.Priority, a.Datapath, a.Match, a.Product, a.Program, ir.Owner{Kind: ir.OwnerChassis, UUID: [16]byte{1}})
		if owned.ID != a.ID {
			t.Fatalf("the owner changes the ID of %s", a)
		}
	})
}

// Alternatives moved to the other dimension are another product.
func TestProductHashSeesDimensions(t *testing.T) {
	m := func(n uint64) ir.Match { return ir.MustMatch(ir.Exact(ir.Reg0, n)) }
	id := func(dims ...[]ir.Match) ir.RuleID {
		return ir.NewRule(ir.Output, 1, 0, ir.Match{}, ir.NewProduct(dims), ir.NewProgram(), ir.Owner{}).ID
	}
	if id([]ir.Match{m(1), m(2)}, []ir.Match{m(3)}) == id([]ir.Match{m(1)}, []ir.Match{m(2), m(3)}) {
		t.Error("same ID")
	}
}

func TestOwner(t *testing.T) {
	o := ir.Owner{Kind: ir.OwnerLogicalFlow, UUID: [16]byte{0x12, 0x34, 0x56, 0x78, 0x9a}}
	if o.Cookie() != 0x12345678 {
		t.Errorf("Cookie = %#x", o.Cookie())
	}
	if o.Kind.String() != "Logical_Flow" || ir.OwnerKind(200).String() != "OwnerKind(200)" {
		t.Errorf("String = %s, %s", o.Kind, ir.OwnerKind(200))
	}
}
