package bridging

import (
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// test is one term of a match; mask 0 stands for the whole field.
type test struct {
	field       ofp.Field
	value, mask uint64
}

// builder collects flows, and the first thing that went wrong.
type builder struct {
	cookie uint64
	flows  []flowset.Flow
	mb     ofp.MatchBuilder
	enc    ofp.Encoder
	err    error
}

func (b *builder) match(tests ...test) ofp.Match {
	b.mb.Reset()
	for _, t := range tests {
		if t.mask == 0 {
			b.mb.Set(t.field, t.value)
		} else {
			b.mb.SetMasked(t.field, ofp.V(t.value), ofp.V(t.mask))
		}
	}
	m, err := b.mb.Append(nil)
	b.fail(err)
	return m
}

// matchAll is a match of one term and others.
func (b *builder) matchAll(one test, others []ofp.Term) ofp.Match {
	b.mb.Reset()
	b.mb.Set(one.field, one.value)
	for _, t := range others {
		b.mb.SetMasked(t.Field, t.Value, t.Mask)
	}
	m, err := b.mb.Append(nil)
	b.fail(err)
	return m
}

func (b *builder) actions(actions []ofp.Action) ofp.Actions {
	b.enc.Reset(nil)
	for _, a := range actions {
		a.Append(&b.enc)
	}
	encoded, err := b.enc.Actions()
	b.fail(err)
	return slices.Clip(encoded)
}

func (b *builder) fail(err error) {
	if b.err == nil && err != nil {
		b.err = fmt.Errorf("bridging: %w", err)
	}
}

func (b *builder) flow(table uint8, priority uint16, match ofp.Match, actions ...ofp.Action) *flowset.Flow {
	b.flows = append(b.flows, flowset.Flow{Table: table, Priority: priority, Cookie: b.cookie, Match: match, Actions: b.actions(actions)})
	return &b.flows[len(b.flows)-1]
}

func set(f ofp.Field, v uint64) ofp.Action { return ofp.Set(f, ofp.V(v)) }

// to goes on in tables, one after the other.
func to(tables ...uint8) (actions []ofp.Action) {
	for _, t := range tables {
		actions = append(actions, ofp.Resubmit{Table: t})
	}
	return actions
}
