package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/test/hil/scenario"
	"github.com/sluice-gw/sluice/test/lab"
)

// unmeasured tells scenarios with times that an emulated machine does not keep, and those in which what counts packets is removed.
func unmeasured(s *scenario.Scenario) bool { return s.Name == "gateway-failover" || s.NeedsOffload() }

// A seat is a way to bypass the datapath of Open vSwitch.
type seat struct {
	name    string
	options lab.Options
}

// seats are those, and the way by that datapath.
func seats() ([]seat, error) {
	controller, err := lab.ParseController("sluice")
	if err != nil {
		return nil, err
	}
	common := lab.Options{Controller: controller, Datapath: lab.Kernel, Timeout: guest.Patience, SwitchConfig: []string{"max-idle=3600000"}}
	ours, theirs := common, common
	ours.Offload = "software"
	theirs.SwitchConfig = append([]string{"hw-offload=true", "tc-policy=skip_hw"}, common.SwitchConfig...)
	return []seat{{bySluice, ours}, {bySwitch, theirs}, {datapath, common}}, nil
}

// coverage plays scenarios with the offload of sluice and with that of Open vSwitch, and compares how many of the packets ended in TC.
func coverage(ctx context.Context, o options, progress func(string, ...any)) ([]part, error) {
	all, err := scenario.All()
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(s *scenario.Scenario) bool {
		if len(o.scenarios) > 0 {
			return !slices.Contains(o.scenarios, s.Name)
		}
		return unmeasured(s)
	})
	seats, err := seats()
	if err != nil {
		return nil, err
	}
	seats = seats[:2]
	whole := part{Name: "coverage: unicast IP packets that ended in TC, of those that ended there or in a flow of the datapath of Open vSwitch", Columns: []string{bySluice, bySwitch}}
	tracked := part{Name: "coverage: of these packets those that went through connection tracking", Columns: whole.Columns}
	whole.Notes = []string{"Each section's packets are sent twice; those of the second time count. First packets, which ovs-vswitchd forwards, and what goes to the controller count in no column.",
		"A filter for all types counts as one of IP: of its packets some may be ARP's answers.",
		"Of what was merged on its way (TCP) TC counts each segment, the datapath of Open vSwitch the whole as one."}
	ends := map[string]map[string]ended{} // by seat and scenario
	var failed error
	for _, seat := range seats {
		ends[seat.name] = map[string]ended{}
		player := scenario.NewPlayer(scenario.Namespaces(ctx, seat.options))
		for _, s := range all {
			var e ended
			var counted error
			count := func() tally {
				t, err := countEverywhere(ctx)
				counted = errors.Join(counted, err)
				return t
			}
			var stayed []string
			player.Again = func(play func()) {
				before := count()
				play()
				of, flows := count().since(before)
				e, stayed = e.plus(of), append(stayed, flows...)
			}
			r := player.Play(s)
			progress("%s, %s: %d of %d packets in TC, tracked %d of %d (%.0f s)", s.Name, seat.name, e.inTC, e.all(), e.trackedTC, e.trackedTC+e.trackedSwitch, r.Took.Seconds())
			for _, flow := range stayed {
				progress("  in Open vSwitch: %s", flow)
			}
			if counted != nil {
				return []part{whole, tracked}, errors.Join(failed, counted)
			}
			if err := r.Failure(); err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s, %s: %w", s.Name, seat.name, err))
				continue
			}
			ends[seat.name][s.Name] = e
		}
		failed = errors.Join(failed, player.Close())
	}
	sums := map[string]ended{}
	for _, s := range all {
		if _, both := ends[bySwitch][s.Name]; !both {
			continue
		}
		if _, both := ends[bySluice][s.Name]; !both {
			continue
		}
		for _, c := range whole.Columns {
			sums[c] = sums[c].plus(ends[c][s.Name])
		}
		whole.Rows = append(whole.Rows, shares(s.Name, ended.share, ends[bySluice][s.Name], ends[bySwitch][s.Name]))
		tracked.Rows = append(tracked.Rows, shares(s.Name, ended.trackedShare, ends[bySluice][s.Name], ends[bySwitch][s.Name]))
	}
	whole.Rows = append(whole.Rows, shares("all", ended.share, sums[bySluice], sums[bySwitch]).demand(bySluice, bySwitch, 1))
	tracked.Rows = append(tracked.Rows, shares("all", ended.trackedShare, sums[bySluice], sums[bySwitch]).demand(bySluice, bySwitch, 1))
	return []part{whole, tracked}, failed
}

func shares(name string, of func(ended) (float64, bool), ours, theirs ended) row {
	r := row{Name: name, Unit: "%", Values: map[string]float64{}}
	if x, ok := of(ours); ok {
		r.Values[bySluice] = x
	}
	if x, ok := of(theirs); ok {
		r.Values[bySwitch] = x
	}
	return r
}
