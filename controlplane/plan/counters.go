package plan

import (
	"iter"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// Traffic is packets and bytes.
type Traffic struct{ Packets, Bytes uint64 }

func (t *Traffic) add(packets, bytes uint64) { t.Packets += packets; t.Bytes += bytes }

// Credit is what entries of a target have seen: in the device itself, in the kernel
// for the device, and how much of it traps have handed to the fallback.
type Credit struct{ Device, Kernel, Trapped Traffic }

// take adds what c has seen more than before.
func (x *Credit) take(c, before offload.Counter) {
	if c.Packets < before.Packets || c.Bytes < before.Bytes || c.HWPackets < before.HWPackets || c.HWBytes < before.HWBytes {
		before = offload.Counter{} // it was installed anew
	}
	packets, bytes := c.Packets-before.Packets, c.Bytes-before.Bytes
	if c.Trap {
		x.Trapped.add(packets, bytes)
		return
	}
	device := Traffic{min(c.HWPackets-before.HWPackets, packets), min(c.HWBytes-before.HWBytes, bytes)}
	x.Device.add(device.Packets, device.Bytes)
	x.Kernel.add(packets-device.Packets, bytes-device.Bytes)
}

// entryKey is an entry of a target.
type entryKey struct {
	path flatten.PathID
	trap bool
}

// seen is what an entry has counted.
type seen struct {
	last  offload.Counter
	at    time.Time // of last
	rate  float64   // packets per second, of late
	total Credit
}

// softRate is what a rule of the fallback has counted.
type softRate struct {
	packets uint64
	at      time.Time
	rate    float64
}

// halfTime is when half of a rate has been forgotten.
const halfTime = 30 * time.Second

// smooth is a rate of so many packets more since then.
func smooth(rate float64, packets uint64, passed time.Duration) float64 {
	if passed <= 0 {
		return rate
	}
	now := float64(packets) / passed.Seconds()
	keep := float64(halfTime) / float64(halfTime+passed)
	return rate*keep + now*(1-keep)
}

// Observe takes the counters of the target, and of rules in the fallback: the packets
// that matched each since it was made. Both may be incomplete. Room goes to paths with
// more packets.
func (p *Planner) Observe(now time.Time, target iter.Seq[offload.Counter], fallback iter.Seq2[ir.RuleID, uint64]) {
	p.now = now
	for c := range target {
		p.count(now, c)
	}
	for id, packets := range fallback {
		r := p.rates[id]
		switch {
		case p.flat.Rule(id) == nil:
		case r == nil:
			p.rates[id] = &softRate{packets: packets, at: now}
		default:
			more := packets - r.packets
			if packets < r.packets {
				more = packets
			}
			r.rate = smooth(r.rate, more, now.Sub(r.at))
			r.packets, r.at = packets, now
		}
	}
	p.settle()
	p.displace()
}

// count credits one counter to its path and the rules that its packets went through.
func (p *Planner) count(now time.Time, c offload.Counter) {
	s := p.places[c.Segment]
	if s == nil {
		return
	}
	i, ok := s.find(c.Path)
	if !ok {
		return
	}
	k := entryKey{c.Path, c.Trap}
	x := p.seen[k]
	if x == nil {
		x = &seen{at: now}
		p.seen[k] = x
	}
	var more Credit
	more.take(c, x.last)
	x.rate = smooth(x.rate, more.Device.Packets+more.Kernel.Packets+more.Trapped.Packets, now.Sub(x.at))
	x.last, x.at = c, now
	if more == (Credit{}) {
		return
	}
	x.total.plus(more)
	p.sum(s, s.seg.Paths[i], c.Trap, more)
	for r := range s.seg.Paths[i].Lineage() {
		if p.credit[r.ID] == nil {
			p.credit[r.ID] = &RuleCredit{}
		}
		p.credit[r.ID].plus(more)
		p.credit[r.ID].At = now
	}
}

func (x *Credit) plus(o Credit) {
	x.Device.add(o.Device.Packets, o.Device.Bytes)
	x.Kernel.add(o.Kernel.Packets, o.Kernel.Bytes)
	x.Trapped.add(o.Trapped.Packets, o.Trapped.Bytes)
}

// uncount notes that entries of a table which are not in the one after it will count
// from 0 when they are installed again.
func (p *Planner) uncount(before, after *offload.Table) {
	if before == nil {
		return
	}
	stay := map[entryKey]bool{}
	if after != nil {
		for _, e := range after.Entries {
			stay[entryKey{e.Path.ID, e.Trap}] = true
		}
	}
	for _, e := range before.Entries {
		k := entryKey{e.Path.ID, e.Trap}
		x := p.seen[k]
		if x == nil || stay[k] {
			continue
		}
		x.last = offload.Counter{}
		if s := p.places[before.Segment]; s == nil {
			delete(p.seen, k)
		} else if _, ok := s.find(k.path); !ok {
			delete(p.seen, k)
		}
	}
}

// measured is how long what an entry counted says something about its path when it
// is not installed any more.
const measured = time.Minute

// heat is how many packets per second a path has, as far as it is known: by its own
// counter or, of one that has none, no more than any rule of its lineage has in the
// fallback.
func (p *Planner) heat(path *flatten.Path) float64 {
	var newest *seen
	for _, trap := range []bool{false, true} {
		x := p.seen[entryKey{path.ID, trap}]
		if x != nil && p.now.Sub(x.at) < measured && (newest == nil || x.at.After(newest.at)) {
			newest = x
		}
	}
	if newest != nil {
		return newest.rate
	}
	least, known := 0.0, false
	for r := range path.Lineage() {
		if x := p.rates[r.ID]; x != nil && (!known || x.rate < least) {
			least, known = x.rate, true
		}
	}
	return least
}

// Credited is what the target has seen of packets that went through a rule.
func (p *Planner) Credited(rule ir.RuleID) Credit {
	if x := p.credit[rule]; x != nil {
		return x.Credit
	}
	return Credit{}
}

// RuleCredit is the Credit of a rule, and when counters have shown last that it became more.
type RuleCredit struct {
	Credit
	At time.Time
}

// Idle is how long ago packets of a target went through the rules of a stage, as far as
// counters have shown by now; rules that had none are left out.
func (p *Planner) Idle(now time.Time, stage ir.Stage) iter.Seq2[ir.RuleID, time.Duration] {
	return func(yield func(ir.RuleID, time.Duration) bool) {
		for r, x := range p.Credits() {
			if r.Stage == stage && !yield(r.ID, now.Sub(x.At)) {
				return
			}
		}
	}
}

// Credits are the rules that packets of a target went through, as far as counters have shown by now.
func (p *Planner) Credits() iter.Seq2[*ir.Rule, RuleCredit] {
	return func(yield func(*ir.Rule, RuleCredit) bool) {
		for id, x := range p.credit {
			if r := p.flat.Rule(id); r != nil && !yield(r, *x) {
				return
			}
		}
	}
}
