package bridging

import (
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// Filter is the access list of an attachment, for frames that come in there and for those that go out there. The first entry that a frame matches decides, and what
// matches none passes.
type Filter struct{ In, Out []Entry }

// Entry is one of a list.
type Entry struct {
	Deny bool
	// Any are its matches: a frame matches the entry if all terms of one hold, as it is without its VLAN tag. No two are the same.
	Any [][]ofp.Term
}

// MaxEntries is how many a list has at most for one direction: each has a priority of its own.
const MaxEntries = 0xffff

// judge has the frames of one attachment go on in a table as its list says.
func (b *builder) judge(table uint8, at test, list []Entry, pass []ofp.Action) {
	for i, e := range list {
		actions := pass
		if e.Deny {
			actions = nil
		}
		for _, terms := range e.Any {
			b.flow(table, uint16(MaxEntries-i), b.matchAll(at, terms), actions...)
		}
	}
	b.flow(table, 0, b.match(at), pass...)
}
