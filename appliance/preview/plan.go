package preview

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/appliance/admin"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// Plan is what a change would make of the offload.
type Plan struct {
	Change string       `json:"change"`
	Target string       `json:"target"` // what it was planned for, in words
	Mode   offload.Mode `json:"mode"`

	Before Picture `json:"before"`
	After  Picture `json:"after"`
	// Room is the bounds of the target, 0 for none.
	Room Room `json:"room"`

	Ports     []Row `json:"ports"`     // by name
	Datapaths []Row `json:"datapaths"` // by name
	// Reasons are those of paths in the fallback before or after, those that differ first.
	Reasons []Reason `json:"reasons"`

	// Leaving are paths after the change that packets go to which are offloaded before it, Joining those that packets go to
	// which are not. The lists have the first of them, up to 1000.
	LeavingPaths int    `json:"paths_leaving"`
	JoiningPaths int    `json:"paths_joining"`
	Leaving      []Move `json:"leaving"`
	Joining      []Move `json:"joining"`

	// Warnings are why the plan may be wrong.
	Warnings []string `json:"warnings"`
}

// Picture is how much is offloaded at a time.
type Picture struct {
	admin.OffloadPaths
	// Needed is what the target would hold if there was room for all that it can do.
	Needed Room `json:"needed"`
}

// Row is the paths of one port or datapath. One that is not there has none.
type Row struct {
	Name   string             `json:"name"`
	Before admin.OffloadPaths `json:"before"`
	After  admin.OffloadPaths `json:"after"`
}

// Reason is the paths that are in the fallback for one code and stage.
type Reason struct {
	Code   string `json:"code"`
	Stage  string `json:"stage,omitempty"`
	Before int    `json:"paths_before"`
	After  int    `json:"paths_after"`
}

// Move is a path to which packets go that another path sees to before the change.
type Move struct {
	// Port is one of those by which such packets come in, Packets what they are like where the path begins.
	Port    string            `json:"example_port"`
	Packets string            `json:"packets"`
	Before  admin.OffloadPath `json:"before"`
	After   admin.OffloadPath `json:"after"`
}

// listed bounds the lists of paths.
const listed = 1000

// Worse tells whether packets would leave the hardware.
func (p *Plan) Worse() bool { return p.LeavingPaths > 0 }

// newPlan describes a comparison.
func newPlan(c *comparison, o *Options) *Plan {
	was, is := c.before.status, c.after.status
	p := &Plan{Change: o.Change.String(), Target: o.Caps.Target, Mode: is.Mode, Room: Room{o.Caps.Entries, o.Caps.Tables},
		Before: Picture{was.Total, c.before.need}, After: Picture{is.Total, c.after.need},
		LeavingPaths: len(c.leaves), JoiningPaths: len(c.joins), Leaving: c.moves(c.leaves), Joining: c.moves(c.joins), Warnings: []string{}}
	ports, datapaths := rows{}, rows{}
	for i, s := range []*admin.OffloadStatus{&was, &is} {
		for _, x := range s.Ports {
			ports.put(i, x.Name, x.OffloadPaths)
		}
		for _, x := range s.Datapaths {
			datapaths.put(i, x.Name, x.OffloadPaths)
		}
	}
	p.Ports, p.Datapaths, p.Reasons = ports.sorted(), datapaths.sorted(), reasons(was.Reasons, is.Reasons)
	for _, why := range slices.Sorted(maps.Keys(c.after.degraded)) {
		if _, old := c.before.degraded[why]; !old {
			p.Warnings = append(p.Warnings, fmt.Sprintf("logical flows would not wholly be in force, offloaded or not: %s; one of them is %s", why, c.after.degraded[why]))
		}
	}
	if full(c.after.need, p.Room) {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the target has room for %s, and %s are needed: what has the fewest packets stays in the fallback, "+
			"and which that is depends on traffic, which a plan does not know", p.Room.bound(), c.after.need))
	}
	return p
}

// full tells whether more is needed than there is.
func full(need, room Room) bool {
	return room.Entries > 0 && need.Entries > room.Entries || room.Tables > 0 && need.Tables > room.Tables
}

// rows are rows by name, before and after.
type rows map[string]*[2]admin.OffloadPaths

func (r rows) put(i int, name string, n admin.OffloadPaths) {
	if r[name] == nil {
		r[name] = &[2]admin.OffloadPaths{}
	}
	// Datapaths may have the same name.
	r[name][i].Offloaded += n.Offloaded
	r[name][i].Fallback += n.Fallback
}

func (r rows) sorted() []Row {
	out := []Row{}
	for _, name := range slices.Sorted(maps.Keys(r)) {
		out = append(out, Row{name, r[name][0], r[name][1]})
	}
	return out
}

// reasons puts those of before and after side by side.
func reasons(before, after []admin.OffloadCause) []Reason {
	type key struct{ code, stage string }
	all := map[key]*Reason{}
	get := func(x admin.OffloadCause) *Reason {
		k := key{x.Code, x.Stage}
		if all[k] == nil {
			all[k] = &Reason{Code: x.Code, Stage: x.Stage}
		}
		return all[k]
	}
	for _, x := range before {
		get(x).Before += x.Paths
	}
	for _, x := range after {
		get(x).After += x.Paths
	}
	out := []Reason{}
	for _, r := range all {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(max(b.After-b.Before, b.Before-b.After), max(a.After-a.Before, a.Before-a.After)),
			cmp.Compare(b.After, a.After), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Stage, b.Stage))
	})
	return out
}

// moves describes moves, by port and segment.
func (c *comparison) moves(of map[flatten.PathID]move) []Move {
	ids := slices.SortedFunc(maps.Keys(of), func(a, b flatten.PathID) int {
		x, y := of[a], of[b]
		return cmp.Or(cmp.Compare(x.port, y.port), flatten.CompareIDs(x.after.Segment.ID, y.after.Segment.ID), cmp.Compare(a, b))
	})
	out := []Move{}
	for _, id := range ids[:min(len(ids), listed)] {
		m := of[id]
		out = append(out, Move{m.port, admin.MatchText(m.packets), c.before.words.Path(m.before), c.after.words.Path(m.after)})
	}
	return out
}
