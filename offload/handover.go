package offload

import (
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// A packet that was already translated, committed or copied cannot be handed over as it came. Where a target can mark packets
// (Caps.Handover), the fallback takes over where the table begins that the packet has got to: the mark says which table, and the rules
// made here do what Table.Entry says. The state of the connection goes with the packet: its kernel is the same.
//
// Packets that came by the uplink of another bridge (Port.Bridge) get to the integration bridge by their patch port, if that bridge floods
// by others as well. A bridge behind a patch port does not see the state of the connection; like an invalid packet, which has none, such a
// packet goes through connection tracking once more, which for a packet that has been there finds what it found before.

// HandoverMark is set in the mark (skb->mark) of all packets that are handed over with one, besides the number of the table. Nothing else
// may use marks with this bit on packets that come in by the integration bridge.
const HandoverMark = 1 << 31

// Priorities of rules in the first stage.
const (
	handoverByBridge = ir.HandoverPriority + 2
	handoverFlooded  = ir.HandoverPriority + 1
	handoverPriority = ir.HandoverPriority
)

// anyMark matches packets that are handed over with a mark.
func anyMark() ir.Term { return ir.Masked(ir.PktMark, HandoverMark, HandoverMark) }

// HandoverRules are the rules by which the fallback takes packets over that have a mark: those for all tables, given the ports of the
// integration bridge.
func HandoverRules(ports []Port) []ir.Rule {
	to := ir.NewProgram(ir.Call{Stage: ir.Handover})
	rules := []ir.Rule{entryRule(ir.PhyToLog, handoverPriority, to, anyMark())}
	for _, p := range ports {
		if p.Bridge == nil {
			continue
		}
		in := ir.Exact(ir.InPort, uint64(p.Ofport))
		vlan := ir.Masked(ir.VLANTCI, 0, vlanPresent)
		if p.Bridge.VLAN != 0 {
			vlan = ir.Masked(ir.VLANTCI, vlanPresent|uint64(p.Bridge.VLAN), vlanPresent|vlanID)
		}
		rules = append(rules, entryRule(ir.PhyToLog, handoverByBridge, to, anyMark(), in, vlan),
			entryRule(ir.PhyToLog, handoverFlooded, ir.NewProgram(), anyMark(), in))
	}
	return rules
}

const (
	vlanPresent = 0x1000 // of VLANTCI
	vlanID      = 0x0fff
	ethIPv4     = 0x0800
	ethIPv6     = 0x86dd
)

// TableRules are those for one table, which has an Entry and a Mark.
func (t *Table) TableRules() []ir.Rule {
	mark := ir.Exact(ir.PktMark, uint64(t.Mark))
	state := []ir.Term{mark}
	if popsVLAN(t.Entry) {
		state = append(state, ir.Masked(ir.VLANTCI, vlanPresent, vlanPresent)) // OpenFlow wants to know that there is what is taken off
	}
	if t.Tracked {
		state = append(state, ir.Masked(ir.CTState, ir.CTTrk, ir.CTTrk))
	}
	begin := []ir.Op{ir.Set{Dst: ir.All(ir.PktMark)}}
	var rules []ir.Rule
	for _, typ := range []uint64{ethIPv4, ethIPv6} { // OpenFlow wants to know that a packet has the headers that are written
		is := ir.Exact(ir.EthType, typ)
		rules = append(rules, entryRule(ir.Handover, 2, ir.NewProgram(append(begin[:1:1], of(t.Entry, typ)...)...), append(state[:len(state):len(state)], is)...))
		if t.Tracked {
			again := ir.CT{Zone: ir.ZoneRef{Const: t.Zone}, Next: ir.Handover}
			rules = append(rules, entryRule(ir.Handover, 1, ir.NewProgram(again), mark, is))
		}
	}
	if !t.Tracked {
		rules = append(rules, entryRule(ir.Handover, 1, ir.NewProgram(append(begin[:1:1], of(t.Entry, 0)...)...), state...))
	}
	return rules
}

// popsVLAN tells whether ops take a VLAN header off that a packet comes with.
func popsVLAN(ops []ir.Op) bool {
	pushed := 0
	for _, op := range ops {
		switch op := op.(type) {
		case ir.PushVLAN:
			pushed++
		case ir.PopVLAN:
			if pushed--; pushed < 0 {
				return true
			}
		case ir.Clone:
			if pushed == 0 && popsVLAN(op.Ops) {
				return true
			}
		}
	}
	return false
}

// of are the operations that do something to packets of an Ethernet type, 0 for one that is not IP.
func of(ops []ir.Op, typ uint64) (list []ir.Op) {
	for _, op := range ops {
		var f ir.Field
		switch op := op.(type) {
		case ir.Set:
			f = op.Dst.Field
		case ir.Copy:
			f = op.Dst.Field
		case ir.DecTTL:
			f = ir.IPTTL
		}
		switch {
		case f == ir.IP4Src || f == ir.IP4Dst:
			if typ != ethIPv4 {
				continue
			}
		case f == ir.IP6Src || f == ir.IP6Dst || f == ir.IP6Label:
			if typ != ethIPv6 {
				continue
			}
		case f >= ir.IPProto && f <= ir.IPFrag:
			if typ == 0 {
				continue
			}
		}
		list = append(list, op)
	}
	return list
}

func entryRule(stage ir.Stage, priority uint16, program *ir.Program, terms ...ir.Term) ir.Rule {
	return ir.NewRule(stage, priority, 0, ir.MustMatch(terms...), nil, program, ir.Owner{})
}

// Handovers are the rules by which the fallback takes over: all that are wanted at a time.
type Handovers struct {
	Version uint64 // greater than that of those before
	Rules   []ir.Rule
	// Tables are the tables that rules are for, where they are for one.
	Tables map[ir.RuleID]flatten.SegmentID
}
