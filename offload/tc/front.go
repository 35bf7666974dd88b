package tc

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// The kernel tries one priority of a chain after the other, and in each one mask after the other, until a filter matches. Each try costs
// about a fifth of what a packet takes that is forwarded by the first. So the entries that many packets meet are put in front of the others, with those
// that must stay before them, at levels that new tables leave free. What becomes of packets is the same in any such order. The filters of a
// device stay where they are: how it looks packets up is its own matter, and it may have no room for the time of a move.
const (
	frontEntries = 16   // of a chain, that are hot at the same time, at most
	frontNeeds   = 64   // entries that must stay before one of them, at most
	frontShare   = 64   // the part of the chain's packets that each has, at least: one of so many
	frontWorth   = 1000 // packets of late, below which a chain stays as it is
	frontPause   = 15   // readings of the counters between two looks at a chain
)

// cool lets what a filter has seen count half as much as before with each reading.
func (h *held) cool(now tally) {
	h.heat /= 2
	if h.read && now.packets >= h.seen.packets {
		h.heat += now.packets - h.seen.packets
	}
}

// at is the level of a rule in a program.
func (r *rule) at(g program) level {
	if g == inKernel && r.early != 0 {
		return r.early
	}
	return r.level
}

// reorder finds out which entries are to be in front, and tells whether they are others than before.
func (d *device) reorder() (changed bool) {
	where := d.where()
	for _, c := range d.sorted() {
		if c.reorder() {
			c.place(d.site, where)
			changed = true
		}
	}
	return changed
}

func (c *chain) reorder() (changed bool) {
	if c.rest > 0 {
		c.rest--
		return false
	}
	heat, all := map[flatten.PathID]uint64{}, uint64(0)
	for k, h := range c.have {
		if k.where == inKernel && (h.mark.role == rolePath || h.mark.role == roleTrap) && h.heat > 0 {
			heat[h.mark.path()] += h.heat
			all += h.heat
		}
	}
	if all < frontWorth {
		return false
	}
	c.rest = frontPause
	hot := slices.DeleteFunc(slices.Collect(maps.Keys(heat)), func(id flatten.PathID) bool { return heat[id] < all/frontShare })
	slices.SortFunc(hot, func(a, b flatten.PathID) int { return cmp.Or(cmp.Compare(heat[b], heat[a]), cmp.Compare(a, b)) })
	was, before := c.hot, c.tries(heat)
	c.hot = hot[:min(len(hot), frontEntries)]
	c.advance()
	if c.tries(heat) > before/5*4 {
		c.hot = was // it is not worth the moves
		c.advance()
		return false
	}
	return true
}

// advance gives the hot entries levels in front of the others, and to those that must stay before them, as far as there is room.
func (c *chain) advance() {
	for _, r := range c.rules {
		r.early = 0
	}
	c.home = map[flatten.PathID]level{}
	if len(c.hot) == 0 {
		return
	}
	o := orderOf(c.rules)
	for _, id := range c.hot {
		n, ok := o.places[id]
		if !ok {
			continue
		}
		list := o.needs(n)
		if !o.raise(list) {
			for _, n := range list {
				c.rules[n].early = 0
			}
		}
	}
	for _, r := range c.rules {
		if r.early != 0 {
			c.home[r.path] = r.level
		}
	}
}

// order is the rules of a chain, to be asked which must stay before which.
type order struct {
	rules  []*rule
	places map[flatten.PathID]int32
	file   overlaps[int32]
	twins  map[*rule]bool // traps that come to the same filter as others, of which there is one: they stay where they are
}

func orderOf(rules []*rule) *order {
	o := &order{rules: rules, places: map[flatten.PathID]int32{}, twins: map[*rule]bool{}}
	traps := map[string]*rule{}
	for i, r := range rules {
		o.places[r.path] = int32(i)
		o.file.add(r.wide, int32(i))
		if r.lives(inKernel) {
			continue
		}
		for _, m := range r.asked.matches {
			text := matchText(inKernel.form(m), inKernel)
			if other := traps[text]; other != nil {
				o.twins[other], o.twins[r] = true, true
			}
			traps[text] = r
		}
	}
	return o
}

// before calls f with the rules that must stay before one, until f returns false.
func (o *order) before(n int32, f func(int32) bool) {
	o.file.each(o.rules[n].wide, func(p int32) bool {
		return p >= n || o.rules[p].trap && o.rules[n].trap || f(p)
	})
}

// needs are a rule and all that must go to the front with it, in the order of the table; none if that is too many, something of it must stay, or it is there already.
func (o *order) needs(n int32) []int32 {
	var list []int32
	taken, stays := map[int32]bool{}, false
	take := func(n int32) bool {
		if r := o.rules[n]; r.level >= levelGap && r.early == 0 && !taken[n] {
			taken[n], list = true, append(list, n)
			stays = stays || o.twins[r]
		}
		return len(list) <= frontNeeds && !stays
	}
	take(n)
	for i := 0; i < len(list); i++ {
		if o.before(list[i], take); len(list) > frontNeeds || stays {
			return nil
		}
	}
	slices.Sort(list)
	return list
}

// raise gives rules that are closed under needs levels in front; false if there is no room.
func (o *order) raise(list []int32) bool {
	for _, n := range list {
		low := level(0)
		o.before(n, func(p int32) bool {
			low = max(low, o.rules[p].at(inKernel))
			return true
		})
		if o.rules[n].early = low + 1; low+1 >= levelGap {
			return false
		}
	}
	return true
}

// shapeOf tells matches with different masks apart.
func shapeOf(m ir.Match) uint64 {
	h := fnv.New64a()
	var b [17]byte
	for t := range m.Terms() {
		b[0] = byte(t.Field)
		binary.BigEndian.PutUint64(b[1:], t.Mask.Hi)
		binary.BigEndian.PutUint64(b[9:], t.Mask.Lo)
		_, _ = h.Write(b[:]) // it does not fail
	}
	return h.Sum64()
}

// tries is how many masks the kernel tries for the packets that entries have met of late, twice: of the masks of one priority it is half on the
// average.
func (c *chain) tries(heat map[flatten.PathID]uint64) (sum uint64) {
	type filter struct {
		prio  uint16
		shape uint64
		heat  uint64
	}
	byProtocol := map[flower.EtherType][]filter{}
	for _, r := range c.rules {
		if r.goneIn[inKernel] || r.level == 0 {
			continue
		}
		for i := range r.asked.matches {
			p := r.asked.matches[i].Protocol()
			f := filter{r.at(inKernel).prio(p, inKernel), r.shape, heat[r.path] / uint64(len(r.asked.matches))}
			if p != flower.EtherAll {
				byProtocol[p] = append(byProtocol[p], f)
				continue
			}
			for _, p := range protocols[1:] {
				byProtocol[p] = append(byProtocol[p], f)
				f.heat = 0 // most is of the first, IPv4
			}
		}
	}
	for _, list := range byProtocol {
		slices.SortFunc(list, func(a, b filter) int { return cmp.Compare(a.prio, b.prio) })
		front := uint64(0)
		for len(list) > 0 {
			masks, heat, n := map[uint64]bool{}, uint64(0), 0
			for ; n < len(list) && list[n].prio == list[0].prio; n++ {
				masks[list[n].shape] = true
				heat += list[n].heat
			}
			sum += heat * (2*front + uint64(len(masks)) + 1)
			front += uint64(len(masks))
			list = list[n:]
		}
	}
	return sum
}
