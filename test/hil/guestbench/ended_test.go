package main

import (
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// filter is one of a chain with actions, which has counted n packets.
func filter(chain uint32, n uint64, match flower.Match, actions ...flower.Action) flower.Installed {
	in := flower.Installed{Filter: flower.Filter{Key: flower.Key{Chain: chain}, Match: match, Actions: actions}}
	in.Status.Actions = make([]flower.ActionStatus, len(actions))
	for i := range in.Status.Actions {
		in.Status.Actions[i].Stats.Packets = n
	}
	return in
}

// Packets count once, where they end; those behind connection tracking are known by the chains that they came through.
func TestEndedInFilters(t *testing.T) {
	ip := flower.Match{EthType: flower.EtherIPv4}
	group := ip
	group.EthDst = flower.Masked[flower.MAC]{Value: flower.MAC{1}, Mask: flower.MAC{1}}
	before, now := tally{}, tally{}
	chain := []flower.Installed{
		filter(0, 100, ip, flower.GotoChain(1)),
		filter(1, 30, ip, flower.Redirect(7)),
		filter(1, 1, ip, flower.Action{Op: flower.Gact{}, Control: flower.Pass}),
		filter(1, 40, ip, flower.Action{Op: flower.CT{Zone: 5}, Control: flower.Goto(2)}),
		filter(2, 40, ip, flower.GotoChain(3)),
		filter(3, 38, ip, flower.Mirror(7), flower.Redirect(8)),
		filter(3, 2, ip, flower.Action{Op: flower.Gact{}, Control: flower.Drop}),
		filter(3, 5, group, flower.Redirect(8)),
		filter(3, 6, flower.Match{EthType: flower.EtherARP}, flower.Redirect(8)),
	}
	for i := range chain {
		chain[i].Key.Handle = uint32(i)
	}
	now.add("hv1", chain)
	before.add("hv1", []flower.Installed{chain[1]})
	now["hv1 recirc_id(0x1)"], before["hv1 recirc_id(0x1)"] = meter{packets: 9, tracked: true, actions: "3"}, meter{packets: 10, tracked: true} // it is another one
	now["hv1 recirc_id(0)"], before["hv1 recirc_id(0)"] = meter{packets: 12}, meter{packets: 10}
	e, stayed := now.since(before)
	if want := (ended{inTC: 40, trackedTC: 40, inSwitch: 11, trackedSwitch: 9}); e != want {
		t.Errorf("%+v, want %+v", e, want)
	}
	if want := []string{"9: hv1 recirc_id(0x1) 3", "2: hv1 recirc_id(0) "}; !slices.Equal(stayed, want) {
		t.Errorf("%q, want %q", stayed, want)
	}
}

// The words for tc(8) of what a rule of each kind comes to are tried in the guest; here that what has none is refused.
func TestCommandRefuses(t *testing.T) {
	f := filter(1, 0, flower.Match{EthType: flower.EtherIPv4}, flower.Action{Op: flower.Skbedit{}, Control: flower.Pass})
	if text, err := command(&f.Filter, func(int32) string { return "p1" }); err == nil {
		t.Errorf("got %q", text)
	}
}
