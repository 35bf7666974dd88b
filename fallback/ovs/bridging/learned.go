package bridging

import (
	"fmt"
	"time"

	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/wire"
)

// Learned is a station that the switch has learned.
type Learned struct {
	Segment uint64
	MAC     wire.MAC
	At      Attachment // of one that is forgotten, as news of it: zero, which is none
	// Held says that it has not been learned from a frame lately but is kept by Hold.
	Held bool
	// Aging is the aging time that was in force when it was learned, or held.
	Aging uint16
}

// Sighted is a station with what the switch has counted of frames to it.
type Sighted struct {
	Learned
	Packets uint64
	Idle    time.Duration // since the last
}

// Priorities and cookies ("MACS", "HELD") of learned flows and of held ones, which only those that are learned come before: where a station was seen last they know.
// Above the word a cookie has the aging time, so that what was learned with another one can be told, and removed at once without what was learned since.
const (
	stationPriority = 100
	learnedCookie   = 0x4d414353
	heldPriority    = 90
	heldCookie      = 0x48454c44
)

// ReadLearned reads a flow of the switch; ok is false for any other.
func ReadLearned(f *ofp.Flow) (l Learned, ok bool) {
	if l, ok = ReadForgotten(f); !ok {
		return l, false
	}
	ok = false
	for a, err := range f.Actions.All() {
		load, is := a.(ofp.SetField)
		if err != nil || !is || load.Field != dest {
			return l, false
		}
		l.At, ok = attachment(load.Value.Lo), true
	}
	return l, ok
}

// ReadForgotten reads a flow that is gone, of which it does not matter where it led to.
func ReadForgotten(f *ofp.Flow) (l Learned, ok bool) {
	switch {
	case f.Table != stations:
		return l, false
	case uint32(f.Cookie) == heldCookie && f.Priority == heldPriority:
		l.Held = true
	case uint32(f.Cookie) != learnedCookie || f.Priority != stationPriority:
		return l, false
	}
	l.Aging = uint16(f.Cookie >> 32)
	l.Segment, l.MAC, ok = destination(f)
	return l, ok
}

// ReadRemote reads a flow of the table Remotes: that of a station behind a tunnel.
func ReadRemote(f *ofp.Flow) (segment uint64, mac wire.MAC, ok bool) {
	if f.Table != Remotes {
		return 0, mac, false
	}
	return destination(f)
}

// destination is the one station in a segment that a flow is for.
func destination(f *ofp.Flow) (segment uint64, mac wire.MAC, ok bool) {
	is, ok1 := f.Match.Term(ofp.Metadata)
	dst, ok2 := f.Match.Term(ofp.EthDst)
	if !ok1 || !ok2 || !is.Exact() || !dst.Exact() {
		return 0, mac, false
	}
	for i := range mac {
		mac[i] = byte(dst.Value.Lo >> (40 - 8*i))
	}
	return is.Value.Lo, mac, true
}

func (l Learned) where(b *builder) ofp.Match {
	return b.match(test{ofp.Metadata, l.Segment, 0}, test{ofp.EthDst, l.MAC.Uint64(), 0})
}

// Flow is the flow of the station, learned or held, to be removed.
func (l Learned) Flow() (flowset.Flow, error) {
	b := &builder{}
	f := flowset.Flow{Table: stations, Priority: stationPriority, Match: l.where(b)}
	if l.Held {
		f.Priority = heldPriority
	}
	return f, b.err
}

// cookie is that of flows about stations while an aging time is in force.
func cookie(word uint32, aging uint16) uint64 { return uint64(aging)<<32 | uint64(word) }

// Hold keeps a station known for some seconds more, by a flow besides what is learned, whose time is renewed by frames only. It is for stations whose frames the
// switch does not see because they are offloaded, and for those that were learned while another aging time was in force than now.
func (l Learned) Hold(seconds, aging uint16) (*ofp.FlowMod, error) {
	b := &builder{}
	m := &ofp.FlowMod{Command: ofp.FlowAdd, Table: stations, Priority: heldPriority, Cookie: cookie(heldCookie, aging), HardTimeout: seconds, Match: l.where(b),
		Actions: b.actions([]ofp.Action{set(dest, l.At.id())})}
	if b.err != nil {
		return nil, fmt.Errorf("hold station %s: %w", l.MAC, b.err)
	}
	return m, nil
}

// ForgetAged removes all that was learned while an aging time was in force.
func ForgetAged(aging uint16) *ofp.FlowMod {
	return &ofp.FlowMod{Command: ofp.FlowDelete, Table: stations, Cookie: cookie(learnedCookie, aging), CookieMask: ^uint64(0)}
}
