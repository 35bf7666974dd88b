package tc

import (
	"context"
	"reflect"

	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// adopt reads what the kernel has at the device's hook, and takes as many of sluice's filters as possible for those that shall be
// there: chains are known by the segments that the filters' cookies name, entries by their paths. Filters without such a cookie, and
// those of another chassis, are left alone.
func (t *Target) adopt(ctx context.Context, d *device) error {
	old, barred := d.chains, d.board.barred
	d.forget()
	d.owner, d.board.barred = t.owners.now, barred
	found, err := t.dump(ctx, d)
	if err != nil {
		return err
	}
	d.taken(found, &t.owners)
	byChain := map[uint32][]*stranger{}
	for i := range found {
		in := &found[i]
		d.numbers[in.Chain] = true
		if m, ours := t.owners.markOf(in); ours {
			byChain[in.Chain] = append(byChain[in.Chain], &stranger{in, m})
		}
	}
	for number, list := range byChain {
		if number == 0 {
			d.board.takeStrays(list)
			continue
		}
		id, ok := t.segmentOf(list)
		if !ok || t.tables[id] == nil || d.chains[id] != nil {
			d.gone = append(d.gone, number)
			continue
		}
		c := newChain(id, number)
		if was := old[id]; was != nil {
			c.no, c.barred = was.no, was.barred
		}
		c.takeStrays(list)
		d.chains[id] = c
	}
	d.compile(t.tables, t.ports)
	for _, c := range d.chains {
		c.recognise()
	}
	d.board.recognise()
	d.adopted = true
	return nil
}

// forget drops what is known of what the kernel has.
func (d *device) forget() {
	d.chains, d.board, d.gone = map[flatten.SegmentID]*chain{}, newChain(0, 0), nil
	d.numbers, d.adopted, d.hooked = map[uint32]bool{0: true}, false, false
}

// stranger is a filter of sluice's that was found, with its mark.
type stranger struct {
	*flower.Installed
	mark mark
}

// flowerKind is the name of the classifier (flower.Installed.Kind).
const flowerKind = "flower"

// segmentOf is the segment that most of a chain's filters name.
func (t *Target) segmentOf(list []*stranger) (best flatten.SegmentID, ok bool) {
	votes := map[flatten.SegmentID]int{}
	for _, in := range list {
		m := in.mark
		id, known := t.segments[m.path()]
		switch m.role {
		case rolePath, roleTrap:
			if !known {
				continue
			}
		case roleEnd:
			id = m.segment()
		default:
			continue
		}
		if votes[id]++; votes[id] > votes[best] || votes[id] == votes[best] && id < best {
			best, ok = id, true
		}
	}
	return best, ok
}

// takeStrays takes filters over that nothing is known of yet.
func (c *chain) takeStrays(list []*stranger) {
	c.levels, c.trapLevels = map[flatten.PathID]level{}, map[string]level{}
	for _, in := range list {
		m := in.mark
		c.handle = max(c.handle, in.Handle)
		c.stray = append(c.stray, &held{filter: plain(in.Installed), mark: m})
		if m.role == rolePath || m.role == roleTrap {
			c.levels[m.path()] = levelOf(in.Prio)
		}
		if m.role == roleTrap {
			c.trapLevels[matchText(match{in.Protocol, in.Match}, program(in.Prio%2))] = levelOf(in.Prio)
		}
	}
}

// plain is a filter as it was asked for: without what the kernel fills in.
func plain(in *flower.Installed) flower.Filter {
	f := in.Filter
	f.Actions = append([]flower.Action(nil), f.Actions...)
	for i := range f.Actions {
		if f.Actions[i].Index < numbered {
			f.Actions[i].Index = 0
		}
	}
	return f
}

// recognise finds those of the strays that shall be there, as they are or with other actions.
func (c *chain) recognise() {
	type at struct {
		prio uint16
		mark mark
	}
	byMark := map[at]filterKey{}
	for k, w := range c.want {
		byMark[at{w.filter.Prio, w.mark}] = k
	}
	var rest []*held
	for _, h := range c.stray {
		k, ok := byMark[at{h.filter.Prio, h.mark}]
		if !ok || c.have[k] != nil {
			rest = append(rest, h)
			continue
		}
		w := c.want[k]
		shall := w.filter
		shall.Handle = h.filter.Handle
		in := flower.Installed{Filter: h.filter, Kind: flowerKind}
		switch {
		case in.Difference(&shall) == "":
			h.filter = shall // in the form in which it is compared from now on
		case !reflect.DeepEqual(h.filter.Match, shall.Match) || h.filter.Protocol != shall.Protocol || h.filter.Flags != shall.Flags:
			rest = append(rest, h)
			continue
		}
		h.wide, h.known = w.wide, true
		c.have[k] = h
	}
	c.stray, c.levels, c.trapLevels = rest, nil, nil
}
