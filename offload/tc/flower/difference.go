package flower

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Difference says in what the kernel's filter is not the one that is wanted, in a line of text of each, or "" if it is that one.
// What the kernel fills in where nothing was asked for is no difference: handle, indexes of actions, and defaults. Of an action
// that is only named by its index (the zero value of its operation) only the kind is compared.
func (in *Installed) Difference(want *Filter) string {
	if in.Kind != kindFlower {
		return fmt.Sprintf("it is a filter of classifier %q", in.Kind)
	}
	filled := *want
	// The only keys of which the kernel drops what is not selected.
	filled.Match.IPFlags.Value &= filled.Match.IPFlags.Mask
	filled.Match.Tunnel.Flags.Value &= filled.Match.Tunnel.Flags.Mask
	filled.Actions = make([]Action, len(want.Actions))
	copy(filled.Actions, want.Actions)
	if filled.Handle == 0 {
		filled.Handle = in.Handle
	}
	for i := range min(len(filled.Actions), len(in.Actions)) {
		filled.Actions[i].fill(&in.Actions[i])
	}
	var have, wanted nl.Encoder
	if err := filled.encode(&wanted); err != nil {
		return "what is wanted cannot be: " + err.Error()
	}
	if err := in.Filter.encode(&have); err != nil {
		return "what is there cannot be written: " + err.Error()
	}
	if bytes.Equal(have.Bytes(), wanted.Bytes()) {
		return ""
	}
	return difference(in.Filter, filled)
}

// difference finds the first lines of text that differ.
func difference(have, want Filter) string {
	lines := func(f Filter) []string {
		in := Installed{Filter: f, Kind: kindFlower}
		return strings.Split(in.Text(Style{}), "\n")
	}
	a, b := lines(want), lines(have)
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = strings.TrimSpace(a[i])
		}
		if i < len(b) {
			y = strings.TrimSpace(b[i])
		}
		if x != y {
			return fmt.Sprintf("wanted %q, there is %q", x, y)
		}
	}
	return "parts that have no text"
}

// fill takes over what the kernel has chosen, and sets the defaults that it would.
func (a *Action) fill(have *Action) {
	if a.Index == 0 {
		a.Index = have.Index
	} else if isBare(a.Op) && a.Op.Kind() == have.Op.Kind() && a.Index == have.Index {
		*a = *have
	}
	switch op := a.Op.(type) {
	case VLAN:
		a.Op = op.filled()
	case MPLS:
		a.Op = op.filled()
	case Police:
		a.Op = op.filled()
	}
}

func (v VLAN) filled() VLAN {
	if v.What.hasTag() && v.TPID == 0 {
		v.TPID = EtherVLAN
	}
	if v.What == VLANPush && !v.Prio.Set {
		v.Prio = Some[uint8](0)
	}
	return v
}

func (m MPLS) filled() MPLS {
	if m.What.pushes() && m.Proto == 0 {
		m.Proto = EtherMPLS
	}
	if m.What.pushes() && m.TTL == 0 {
		m.TTL = 255
	}
	return m
}

// filled sets the MTU that the kernel takes for 0: 255 cells of the rate table, or without a rate any size.
func (p Police) filled() Police {
	switch {
	case p.MTU != 0:
	case p.Rate != 0:
		p.MTU = 255 << p.cellLog()
	default:
		p.MTU = 0xffffffff
	}
	return p
}

// isBare tells operations that say nothing, for actions that are only named.
func isBare(op Op) bool {
	switch op := op.(type) {
	case Gact:
		return op == Gact{}
	case Mirred:
		return op == Mirred{}
	case Police:
		return op == Police{}
	case Skbedit:
		return op == Skbedit{}
	case Sample:
		return op == Sample{}
	}
	return false
}
