package preview

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-gw/sluice/appliance/admin"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// picture is what is offloaded in a world.
type picture struct {
	words    *admin.Planned
	status   admin.OffloadStatus
	need     Room
	ports    map[string]uint32 // OpenFlow numbers
	segments map[flatten.SegmentID][]plan.Status
	degraded map[string]string // logical flows that are not wholly in force: a flow by reason
}

// Room is how much of a target is used, or would be if it had room for all.
type Room struct {
	Entries int `json:"entries"`
	Tables  int `json:"tables"`
}

// tables are what a target holds that does as it is told.
type tables map[flatten.SegmentID]int // entries

// follow does all that p has to tell.
func (t tables) follow(p *plan.Planner) {
	now := time.Time{} // nothing is refused, so nothing is tried again
	for d, ok := p.Delta(now); ok; d, ok = p.Delta(now) {
		if d.Reset {
			clear(t)
		}
		for _, x := range d.Put {
			t[x.Segment] = len(x.Entries)
		}
		for _, id := range d.Del {
			delete(t, id)
		}
	}
}

func (t tables) room() (r Room) {
	for _, n := range t {
		r.Entries += n
		r.Tables++
	}
	return r
}

// look has a chassis compute what it would offload to a target.
func look(ctx context.Context, w *world, who identity, caps offload.Caps) (*picture, error) {
	c, err := newChassis(ctx, w, who)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := c.rest(ctx, w); err != nil {
		return nil, err
	}
	d, _ := c.told.Take()
	v := reconcile.View{Target: caps.Target, Setting: c.Devices(), Planner: reconcile.NewPlanner(), Revision: c.sent, Complete: true}
	endless := caps
	endless.Entries, endless.Tables = 0, 0
	v.Planner.SetCaps(endless)
	v.Planner.SetPorts(v.Setting.Ports, nil)
	v.Planner.Apply(d)
	t := tables{}
	t.follow(v.Planner)
	x := &picture{need: t.room(), ports: map[string]uint32{}, segments: map[flatten.SegmentID][]plan.Status{}, degraded: map[string]string{}}
	for _, g := range c.Status().Degraded {
		x.degraded[g.Reason] = g.Example
	}
	v.Planner.SetCaps(caps)
	t.follow(v.Planner)
	x.words, err = admin.NewPlanned(c.Controller, v, func(ids []ovsdb.UUID) (map[ovsdb.UUID]map[string]string, error) { return c.ask(ctx, ids) })
	if err != nil {
		return nil, err
	}
	if why := x.words.Obstacle(); why != "" {
		return nil, errors.New("nothing is offloaded on this chassis, so that there is nothing to plan: " + why)
	}
	x.status = x.words.Status()
	for _, p := range v.Setting.Ports {
		x.ports[p.Name] = p.Ofport
	}
	for s := range v.Planner.Paths() {
		x.segments[s.Segment.ID] = append(x.segments[s.Segment.ID], s)
	}
	return x, nil
}
