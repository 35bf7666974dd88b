package tc

import (
	"context"
	"fmt"
	"iter"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// tally is what filters have seen, in bytes from the Ethernet header on.
type tally struct{ packets, bytes, hwPackets, hwBytes uint64 }

func (t *tally) add(o tally) {
	t.packets += o.packets
	t.bytes += o.bytes
	t.hwPackets += o.hwPackets
	t.hwBytes += o.hwBytes
}

// What the kernel does not count of packets that a device received, in bytes: their Ethernet header, which is taken off by then, and
// a VLAN header.
const (
	etherHeader = 14
	vlanHeader  = 4
)

// tallyOf corrects the kernel's counters for a filter. Devices count all headers. Of a filter that matches packets with and without
// a VLAN header it is not known how many had one.
func tallyOf(s flower.Stats, f *flower.Filter) tally {
	t := tally{s.Packets, s.Bytes, s.HWPackets, s.HWBytes}
	if s.Packets < s.HWPackets {
		return t
	}
	software := s.Packets - s.HWPackets
	if f.Hook == flower.Ingress(f.Hook.Ifindex) {
		t.bytes += etherHeader * software
	}
	if f.Match.VLAN.TPID != 0 {
		t.bytes += vlanHeader * software
	}
	return t
}

// Counters implements offload.Target. An entry that has several filters, or is on several devices, has the sum. What a filter saw
// between the last time that its counters were read and its replacement is lost.
func (t *Target) Counters(ctx context.Context) iter.Seq2[offload.Counter, error] {
	return func(yield func(offload.Counter, error) bool) {
		for _, d := range t.devices {
			if err := t.read(ctx, d); err != nil {
				yield(offload.Counter{}, fmt.Errorf("read the counters of %s: %w", d.name, err))
				return
			}
		}
		for _, c := range t.sum() {
			if !yield(*c, nil) {
				return
			}
		}
	}
}

// read notes what the filters of a device have seen.
func (t *Target) read(ctx context.Context, d *device) error {
	if !d.adopted {
		return nil // nothing of it is known, until Apply looks
	}
	if err := t.connect(); err != nil {
		return err
	}
	type place struct {
		*held
		in *chain
	}
	all := map[flower.Key]place{}
	for _, c := range d.chains {
		for _, h := range c.have {
			all[h.filter.Key] = place{h, c}
		}
	}
	for in, err := range t.conn.Walk(ctx, flower.Scope{Hook: d.hook, Terse: true}) {
		if err != nil {
			if !t.exists(d) {
				return nil // it took its filters with it; Apply will notice
			}
			if ctx.Err() != nil {
				t.broken()
			}
			return err
		}
		if h := all[in.Key]; h.held != nil && in.Cookie() == h.mark.cookie() {
			now := tallyOf(in.Status.Hits(), &h.filter)
			d.used(h.in, h.held, now)
			h.seen, h.inHW = now, in.Status.HW == flower.InHW
		}
	}
	return nil
}

// sum adds up what is known of each entry.
func (t *Target) sum() map[flatten.PathID]*offload.Counter {
	sums := map[flatten.PathID]*offload.Counter{}
	for _, d := range t.devices {
		for _, c := range d.chains {
			for _, h := range c.have {
				if h.mark.role != rolePath && h.mark.role != roleTrap {
					continue
				}
				s := sums[h.mark.path()]
				if s == nil {
					s = &offload.Counter{Segment: c.segment, Path: h.mark.path(), Trap: h.mark.role == roleTrap}
					sums[h.mark.path()] = s
				}
				sumInto(s, h.seen, h.inHW)
				sumInto(s, h.before, false)
			}
		}
	}
	return sums
}

// sumInto adds to a counter.
func sumInto(c *offload.Counter, x tally, inHW bool) {
	c.Packets += x.packets
	c.Bytes += x.bytes
	c.HWPackets += x.hwPackets
	c.HWBytes += x.hwBytes
	c.InHW = c.InHW || inHW
}
