package flowset

import (
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// Flow is a flow as it is to be: one that executes actions and lives until it is removed.
type Flow struct {
	Table    uint8
	Priority uint16
	Cookie   uint64
	Match    ofp.Match // canonical, as MatchBuilder makes it
	Actions  ofp.Actions
	// Evicts is executed just before the flow is added or changed, in the same bundle: it is for flows that the switch has learned and that the flow
	// knows better. A flow that is there already evicts nothing. nil for nothing.
	Evicts *ofp.FlowMod
}

// String is the flow in the words of ovs-ofctl(8).
func (f Flow) String() string { return f.mod().Flow().String() }

// mod is the message that adds the flow.
func (f *Flow) mod() *ofp.FlowMod {
	return &ofp.FlowMod{Command: ofp.FlowAdd, Table: f.Table, Priority: f.Priority, Cookie: f.Cookie, Match: f.Match, Actions: f.Actions}
}

// key is what a switch tells flows apart by: table, priority and match.
type key string

func keyOf(table uint8, priority uint16, m ofp.Match) key {
	b := make([]byte, 0, 3+len(m))
	b = append(b, table, byte(priority>>8), byte(priority))
	return key(append(b, m...))
}

// remove is the message that removes the flow of a key.
func (k key) remove() *ofp.FlowMod {
	return &ofp.FlowMod{Command: ofp.FlowDeleteStrict, Table: k[0], Priority: uint16(k[1])<<8 | uint16(k[2]), Match: ofp.Match(k[3:])}
}

// is tells whether a flow of the switch is this one.
func (f *Flow) is(have *ofp.Flow) bool {
	return have.Cookie == f.Cookie && have.IdleTimeout|have.HardTimeout == 0 && string(have.Actions) == string(f.Actions) && (len(f.Actions) == 0 || have.Plain())
}
