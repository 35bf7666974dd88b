package tc

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// device is one place where packets come in: the hook of a network device, with the chains of all segments that its packets can
// reach. The tables of segments that several devices reach are in each of them.
type device struct {
	site
	name    string
	ports   []*outlet // that come in here, by number
	shut    []*outlet // that would, but for what others have here
	board   *chain
	chains  map[flatten.SegmentID]*chain
	numbers map[uint32]bool // of chains, in use by sluice or by others
	gone    []uint32        // chains that nothing goes to any more, to be flushed

	kinds   kinds
	deep    map[flatten.SegmentID]bool      // their packets may have jumped as often as they can
	weak    [2]map[flatten.SegmentID]string // by program
	adopted bool                            // have is what the kernel has
	hooked  bool                            // it has a clsact qdisc
	foreign offload.Foreign                 // filters that are not this chassis'
	usage   usage
	paused  map[flatten.SegmentID]bool
}

// site is where filters are, and whose they are.
type site struct {
	hook  flower.Hook
	owner owner
}

func newDevice(hook flower.Hook, name string) *device {
	d := &device{site: site{hook: hook}, name: name, paused: map[flatten.SegmentID]bool{}}
	d.forget()
	return d
}

// maxJumps is how often a packet can go from chain to chain: the kernel drops it after 16 times (tcf_classify), of which one is
// the switchboard's.
const maxJumps = 15

// reach finds the segments that packets of the device can come to, and those from which they cannot go on.
func (d *device) reach(tables map[flatten.SegmentID]*table) {
	all, now := map[flatten.SegmentID]bool{}, map[flatten.SegmentID]bool{}
	for _, p := range d.ports {
		if id := flatten.IngressID(p.Ofport); tables[id] != nil {
			now[id], all[id] = true, true
		}
	}
	for range maxJumps {
		next := map[flatten.SegmentID]bool{}
		for id := range now {
			for to := range tables[id].jumps {
				if tables[to] != nil {
					next[to], all[to] = true, true
				}
			}
		}
		now = next
	}
	if !maps.Equal(d.deep, now) {
		for id := range all {
			if c := d.chains[id]; c != nil && d.deep[id] != now[id] {
				c.stale = true
			}
		}
	}
	d.deep = now
	changed := map[flatten.SegmentID]bool{}
	for id, c := range d.chains {
		if !all[id] {
			d.gone = append(d.gone, c.number)
			delete(d.chains, id)
			changed[id] = true
		}
	}
	for id := range all {
		if d.chains[id] == nil {
			d.chains[id] = newChain(id, d.number(id))
			changed[id] = true
		}
	}
	for id, c := range d.chains { // who jumps there has the numbers of chains in its forms
		for to := range tables[id].jumps {
			if changed[to] {
				c.renew()
				break
			}
		}
	}
}

// number is a free number for the chain of a segment. It begins at one that follows from the segment, so that listings stay alike.
func (d *device) number(id flatten.SegmentID) uint32 {
	n := uint32(id) % (1 << 20)
	if _, root := id.Ingress(); !root {
		n = 1<<20 + uint32(uint64(id)%(1<<27-1<<20))
	}
	for n == 0 || d.numbers[n] {
		n = n%(1<<27) + 1
	}
	d.numbers[n] = true
	return n
}

// where are the programs of all ports.
func (d *device) where() (list []program) {
	for _, p := range d.ports {
		for _, g := range p.programs() {
			if !slices.Contains(list, g) {
				list = append(list, g)
			}
		}
	}
	slices.Sort(list)
	return list
}

// compile makes the rules and filters of all chains that are stale.
func (d *device) compile(tables map[flatten.SegmentID]*table, ports map[uint32]*outlet) {
	d.reach(tables)
	kinds := allPlain
	for _, p := range d.ports {
		if t := tables[flatten.IngressID(p.Ofport)]; t != nil && t.tagged {
			kinds |= allTagged
		}
	}
	fresh := false
	for id, c := range d.chains {
		if kinds != d.kinds {
			c.renew()
		}
		c.stale = c.stale || c.table != tables[id]
		fresh = fresh || c.stale
	}
	d.kinds = kinds
	if fresh {
		d.weak = [2]map[flatten.SegmentID]string{}
		for _, c := range d.chains { // what failed for what follows is looked at again
			c.stale = c.stale || slices.ContainsFunc(c.rules, func(r *rule) bool { return r.failed != nil })
		}
	}
	where := d.where()
	for again := true; again; again = d.weaken() {
		for id, c := range d.chains {
			if c.stale {
				d.compileOne(tables[id], c, where, ports)
			}
		}
	}
	d.lay(tables)
}

func (d *device) compileOne(t *table, c *chain, where []program, ports map[uint32]*outlet) {
	p := &place{tunnel: d.tunnel(), tracked: t.Tracked, kinds: d.kinds, owner: d.owner}
	p.inPort, _ = c.segment.Ingress()
	if _, root := c.segment.Ingress(); !root {
		p.inPort = 0
	}
	c.table = t
	c.rules = t.compile(p, &view{d, ports}, &c.no, where, d, d.deep[c.segment], c.forms)
	maps.DeleteFunc(c.forms, func(id flatten.PathID, _ *form) bool { return !t.paths[id] })
	c.place(d.site, where)
	c.stale = false
}

// tunnel is the type of the tunnels that end in the device.
func (d *device) tunnel() string {
	for _, p := range d.ports {
		if typ := p.tunnelType(); typ != "" {
			return typ
		}
	}
	return ""
}

// closed implements obstacles.
func (d *device) closed(to flatten.SegmentID, g program) *offload.Failure {
	if c := d.chains[to]; c != nil {
		return c.broken(g)
	}
	return nil
}

// weakness implements obstacles.
func (d *device) weakness(to flatten.SegmentID, g program) string { return d.weak[g][to] }

// weaken finds the segments whose packets may have to be handed to the fallback because something failed in them or behind them,
// and tells whether chains are stale now.
func (d *device) weaken() (stale bool) {
	for _, g := range d.where() {
		weak := map[flatten.SegmentID]string{}
		for id, c := range d.chains {
			if why := c.fragile(g); why != "" {
				weak[id] = why
			}
		}
		for more := true; more; {
			more = false
			for id, c := range d.chains {
				if weak[id] != "" {
					continue
				}
				for _, r := range c.rules {
					if r.jump != nil && r.lives(g) && weak[r.jump.To] != "" {
						weak[id], more = weak[r.jump.To], true
						break
					}
				}
			}
		}
		for _, c := range d.chains {
			for _, r := range c.rules {
				if r.jump != nil && r.lives(g) && (r.dirty && weak[r.jump.To] != "" || d.closed(r.jump.To, g) != nil) {
					c.stale, stale = true, true
				}
			}
		}
		d.weak[g] = weak
	}
	return stale
}

// view is what actions can refer to from one device.
type view struct {
	*device
	all map[uint32]*outlet
}

func (v *view) port(number uint32) (outlet, bool) {
	p := v.all[number]
	if p == nil || p.Ifindex == 0 {
		return outlet{}, false
	}
	return *p, true
}

func (v *view) chain(id flatten.SegmentID) (uint32, error) {
	if c := v.chains[id]; c != nil {
		return c.number, nil
	}
	return 0, fmt.Errorf("jump to %s: it is not there", id)
}

// failures are those of all rules.
func (d *device) failures() (list []offload.Failure) {
	if d.foreign.Why != "" {
		list = d.lost(errors.New(d.foreign.Why))
	}
	where := d.where()
	for k, f := range d.board.barred {
		other := k
		other.where ^= inDevice ^ inKernel
		if d.board.want[other] == nil { // nor in the other program
			list = append(list, *f)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(d.chains)) {
		if c := d.chains[id]; !slices.ContainsFunc(where, func(g program) bool { return c.broken(g) == nil }) {
			for _, f := range c.barred {
				list = append(list, *f)
				break
			}
		}
		for _, r := range d.chains[id].rules {
			works := slices.ContainsFunc(where, r.lives)
			if r.failed != nil && !works {
				list = append(list, *r.failed)
			}
		}
	}
	return list
}

// sorted are the chains by number.
func (d *device) sorted() []*chain {
	return slices.SortedFunc(maps.Values(d.chains), func(a, b *chain) int { return cmp.Compare(a.number, b.number) })
}
