package tc

import "github.com/sluice-gw/sluice/offload/tc/flower"

// A level is the place of an entry in its chain: entries with packets in common have different levels, in their order, and all
// others share them, so that the kernel looks up few priorities. Levels begin at 1. Each has a block of priorities: one for each
// protocol that filters of the level can have, for the kernel and for the device.
//
// When a table changes, an entry keeps its level as long as those before it that it overlaps are still before it. New tables use
// every levelGap-th level, so that there is room for what comes between.
type level uint16

const (
	levelGap  = 16
	prioBlock = 16
	lastLevel = level(0xffff/prioBlock - 2) // the one behind it is that of the end of the chain
	endLevel  = lastLevel + 1
)

// protocols are those that filters have, in the order of a level's priorities.
var protocols = [...]flower.EtherType{flower.EtherAll, flower.EtherIPv4, flower.EtherIPv6, flower.EtherARP, flower.EtherVLAN}

// prio is the priority of a filter.
func (l level) prio(protocol flower.EtherType, where program) uint16 {
	p := uint16(l) * prioBlock
	for i, x := range protocols {
		if x == protocol {
			p += 2 * uint16(i)
		}
	}
	return p + uint16(where)
}

// levelOf is the level of a priority.
func levelOf(prio uint16) level { return level(prio / prioBlock) }

// assignLevels gives all rules their levels. before says which a rule had, 0 for none; it is nil for a new table. A rule without
// room has level 0.
func assignLevels(rules []*rule, before func(*rule) level) {
	if before != nil && placed(rules, before, 1) {
		return
	}
	if !placed(rules, nil, levelGap) {
		placed(rules, nil, 1)
	}
}

func placed(rules []*rule, before func(*rule) level, gap level) (all bool) {
	const none = lastLevel + 1
	front := &overlaps[*rule]{}
	for _, r := range rules {
		low := level(0) // the highest of those that must be in front
		front.each(r.wide, func(o *rule) bool {
			if !(o.trap && r.trap) {
				low = max(low, o.level)
			}
			return true
		})
		r.level = min((low/gap+1)*gap, none)
		if before != nil {
			r.level = min(max(low+1, before(r)), none)
		}
		front.add(r.wide, r)
	}
	all = true
	for _, r := range rules {
		if r.level == none {
			r.level, all = 0, false
		}
	}
	return all
}
