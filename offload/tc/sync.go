package tc

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"syscall"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// maxRounds is how often a device is tried to be made agree: refusals lead to other filters, which can be refused too.
const maxRounds = 16

// errDeviceGone says that the kernel has the device no more.
var errDeviceGone = errors.New("the device is gone")

// errUnsettled says that a device could not be made agree.
var errUnsettled = errors.New("the kernel's filters do not come to agree: something else changes them, or every form of a rule is refused in turn")

// sync makes one device agree, in the order that the package's comment justifies.
func (t *Target) sync(ctx context.Context, d *device) error {
	for range maxRounds {
		if !d.adopted {
			if err := t.adopt(ctx, d); err != nil {
				return err
			}
		}
		if d.foreign.Why != "" && len(d.ports) > 0 {
			d.shut, d.ports = d.ports, nil
		}
		d.compile(t.tables, t.ports)
		if len(d.chains) > 0 && !d.hooked {
			if err := t.hook(d); err != nil {
				d.forget()
				return err
			}
		}
		again, err := t.pass(ctx, d)
		if err != nil || !again {
			return err
		}
	}
	return errUnsettled
}

// pass makes all changes once. again says that something was refused, or that it is not known what the kernel has.
func (t *Target) pass(ctx context.Context, d *device) (again bool, err error) {
	changes := map[*chain]*difference{}
	var fresh, others []*chain // those that nothing goes to yet, then the others
	for _, c := range d.sorted() {
		x := c.difference()
		if x.empty() && len(c.stray) == 0 {
			continue
		}
		if changes[c] = x; len(c.have)+len(c.stray) == 0 {
			fresh = append(fresh, c)
		} else {
			others = append(others, c)
		}
	}
	d.pause(t.tables, changes)
	d.lay(t.tables)
	// What nothing shall go to any more is taken off the switchboard first, with what pauses.
	board := d.board.difference()
	if ok, err := t.change(ctx, d, d.board, &difference{replace: board.pausing(d.board), del: board.del}, true); !ok || err != nil {
		return true, err
	}
	if len(d.paused) > 0 {
		if err := t.drain(ctx, d, true); err != nil {
			return false, err
		}
	}
	for _, c := range slices.Concat(fresh, others) {
		if ok, err := t.change(ctx, d, c, changes[c], d.isPaused(c, t.tables)); !ok || err != nil {
			return true, err
		}
	}
	clear(d.paused)
	d.lay(t.tables)
	if ok, err := t.change(ctx, d, d.board, d.board.difference(), false); !ok || err != nil {
		return true, err
	}
	return false, t.flush(ctx, d)
}

// pausing are the replacements that stop an ingress.
func (x *difference) pausing(board *chain) []filterKey {
	return slices.DeleteFunc(slices.Clone(x.replace), func(k filterKey) bool { return board.want[k].mark.role != rolePause })
}

// pause finds the ingresses whose packets could see a part of the changes only: those that reach more than one chain that changes,
// or one in which a packet can meet two changes. They are left to the fallback meanwhile.
func (d *device) pause(tables map[flatten.SegmentID]*table, changes map[*chain]*difference) {
	for _, p := range d.ports {
		id := flatten.IngressID(p.Ofport)
		if d.chains[id] == nil || !d.entered(id) {
			continue
		}
		n, alone := 0, true
		for to := range reachable(tables, id) {
			c := d.chains[to]
			if c == nil || len(c.have)+len(c.stray) == 0 || changes[c] == nil || changes[c].moved && len(c.stray) == 0 {
				continue
			}
			n++
			alone = alone && c.independent(changes[c])
		}
		if n > 1 || !alone {
			d.paused[id] = true
		}
	}
}

// entered tells whether packets of an ingress come to its chain now.
func (d *device) entered(id flatten.SegmentID) bool {
	for _, h := range d.board.have {
		if h.mark.role == roleEntry && h.mark.segment() == id {
			return true
		}
	}
	return false
}

// reachable are the segments that packets of one can come to, with itself.
func reachable(tables map[flatten.SegmentID]*table, from flatten.SegmentID) map[flatten.SegmentID]bool {
	all := map[flatten.SegmentID]bool{}
	var visit func(flatten.SegmentID)
	visit = func(id flatten.SegmentID) {
		if all[id] || tables[id] == nil {
			return
		}
		all[id] = true
		for to := range tables[id].jumps {
			visit(to)
		}
	}
	visit(from)
	return all
}

// isPaused tells whether no packet comes to c.
func (d *device) isPaused(c *chain, tables map[flatten.SegmentID]*table) bool {
	for _, p := range d.ports {
		id := flatten.IngressID(p.Ofport)
		if !d.paused[id] && d.chains[id] != nil && reachable(tables, id)[c.segment] {
			return false
		}
	}
	return true
}

// flush removes the chains that nothing goes to any more.
func (t *Target) flush(ctx context.Context, d *device) error {
	if len(d.gone) == 0 {
		return nil
	}
	if err := t.drain(ctx, d, false); err != nil {
		return err
	}
	var requests []flower.Request
	for _, n := range d.gone {
		requests = append(requests, flower.FlushChain(d.hook, n))
	}
	outcomes, err := t.send(ctx, requests)
	for i, n := range d.gone {
		if i < len(outcomes) && outcomes[i].Err == nil {
			delete(d.numbers, n)
		} else {
			d.adopted = false // it is looked at again next time
		}
	}
	d.gone = nil
	return err
}

// request is one request with what it means for what the chain has.
type request struct {
	key    filterKey
	add    *flower.Filter
	del    *held
	stray  bool
	change flower.Request
}

// change carries a difference out. ok is false when something was refused, or when it is not known what the kernel has now. quiet
// says that no packet comes to the chain: then what goes, goes first.
func (t *Target) change(ctx context.Context, d *device, c *chain, x *difference, quiet bool) (ok bool, err error) {
	come, gone := c.requests(x)
	if quiet {
		return t.carry(ctx, d, c, append(gone, come...))
	}
	if len(x.move) > 0 {
		// A packet on its way may be past where a filter comes to and not yet where it goes from.
		if ok, err := t.carry(ctx, d, c, come); !ok || err != nil {
			return ok, err
		}
		if err := t.drain(ctx, d, x.moved); err != nil {
			return false, err
		}
		come = nil
	}
	return t.carry(ctx, d, c, append(come, gone...))
}

// drain waits until packets that are on their way have left the chains of a device. count has the counters read then, as those of filters that go are lost.
func (t *Target) drain(ctx context.Context, d *device, count bool) error {
	if err := t.cfg.Links.Drain(); err == nil && !count {
		return nil
	}
	// Where the kernel cannot be waited for, reading counters takes long enough for all packets but those on a processor that is stopped meanwhile.
	_, err := t.read(ctx, d)
	return err
}

// carry sends requests.
func (t *Target) carry(ctx context.Context, d *device, c *chain, requests []request) (ok bool, err error) {
	if len(requests) == 0 {
		return true, nil
	}
	list := make([]flower.Request, len(requests))
	for i := range requests {
		list[i] = requests[i].change
	}
	outcomes, err := t.send(ctx, list)
	if slices.ContainsFunc(outcomes, func(o flower.Outcome) bool { return errors.Is(o.Err, syscall.EINVAL) }) && t.unhooked(d) {
		d.adopted = false // somebody has removed the qdisc: nothing was refused
		return false, err
	}
	ok = true
	for i := range requests {
		switch good, known := c.settle(&requests[i], outcomes[i].Err); {
		case !known:
			d.adopted, ok = false, false
		case !good:
			ok = false
		}
		if errors.Is(outcomes[i].Err, syscall.ENODEV) && !t.exists(d) {
			return false, errDeviceGone
		}
	}
	return ok, err
}

// requests are those of a difference: for what comes, and for what goes.
func (c *chain) requests(x *difference) (come, gone []request) {
	come = make([]request, 0, len(x.add)+len(x.move)+len(x.replace))
	for _, h := range c.stray {
		gone = append(gone, request{del: h, stray: true, change: flower.Delete(h.filter.Key)})
	}
	moved := slices.SortedFunc(slices.Values(x.move), func(a, b filterKey) int { return cmp.Compare(c.have[b].filter.Prio, c.have[a].filter.Prio) })
	for _, k := range slices.Concat(x.del, moved) {
		h := c.have[k]
		gone = append(gone, request{key: k, del: h, change: flower.Delete(h.filter.Key)})
	}
	for _, k := range slices.Concat(x.add, x.move) {
		f := c.want[k].filter
		c.handle++
		f.Handle = c.handle
		come = append(come, request{key: k, add: &f, change: flower.Add(&f)})
	}
	for _, k := range x.replace {
		f := c.want[k].filter
		f.Handle = c.have[k].filter.Handle
		come = append(come, request{key: k, add: &f, change: flower.Replace(&f)})
	}
	return come, gone
}

// settle notes the outcome of a request. known is false when the kernel may have something else now than the chain says.
func (c *chain) settle(r *request, err error) (good, known bool) {
	var refusal *nl.Error
	isRefusal := errors.As(err, &refusal)
	var invalid *flower.InvalidError
	switch {
	case r.del != nil:
		if err != nil && !errors.Is(err, syscall.ENOENT) {
			return false, false
		}
		if r.stray {
			c.stray = slices.DeleteFunc(c.stray, func(h *held) bool { return h == r.del })
		} else if h := c.have[r.key]; h == r.del {
			delete(c.have, r.key)
		}
		return true, true
	case err == nil:
		w := c.want[r.key]
		h := &held{filter: *r.add, mark: w.mark, form: w.form, wide: w.wide, known: true, read: true}
		if old := c.have[r.key]; old != nil && old.mark == h.mark {
			h.before = old.before
			h.before.add(old.seen)
		}
		c.have[r.key] = h
		return true, true
	case isRefusal && (refusal.Errno == syscall.EEXIST || refusal.Errno == syscall.ENOENT || refusal.Errno == syscall.EBUSY || refusal.Errno == syscall.EAGAIN):
		return false, false // not what was thought to be there, or just not now
	case isRefusal || errors.As(err, &invalid):
		c.refuse(c.want[r.key], r.key, err)
		return false, true
	}
	return false, false
}

// refuse remembers what was refused, so that something else is wanted in its place.
func (c *chain) refuse(w *want, k filterKey, err error) {
	kind := kindOf(err)
	f := &offload.Failure{Segment: c.segment, Kind: kind, Detail: err.Error()}
	if w.rule == nil {
		f.Segment = w.mark.segment()
		c.barred[k] = f
		return
	}
	f.Path = w.rule.path
	list := c.no.path
	if w.mark.role == roleTrap {
		list = c.no.trap
	}
	list[refused{k.wide, k.where}] = f
	c.stale = true
}

func kindOf(err error) backend.Kind {
	for errno, kind := range map[syscall.Errno]backend.Kind{
		syscall.ENOSPC: backend.Full, syscall.ENOMEM: backend.Full, syscall.EEXIST: backend.Conflict, syscall.EINVAL: backend.Invalid,
		syscall.ENODEV: backend.Transient, syscall.EBUSY: backend.Transient, syscall.EAGAIN: backend.Transient,
	} {
		if errors.Is(err, errno) {
			return kind
		}
	}
	return backend.Unsupported
}
