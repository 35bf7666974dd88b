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
// between the last time that its counters were read and its replacement is lost. Where the counters ask for it, filters get other places in their
// chains.
func (t *Target) Counters(ctx context.Context) iter.Seq2[offload.Counter, error] {
	return func(yield func(offload.Counter, error) bool) {
		for _, d := range t.devices {
			agrees, err := t.read(ctx, d)
			if err == nil && agrees && d.reorder() {
				var again bool
				again, err = t.pass(ctx, d)
				agrees = !again
			}
			t.suspect = t.suspect || !agrees
			if err != nil {
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

// read notes what the filters of a device have seen. agrees is false when filters are gone, or are there that should not be.
func (t *Target) read(ctx context.Context, d *device) (agrees bool, err error) {
	if !d.adopted {
		return false, nil // nothing of it is known, until Apply looks
	}
	if err := t.connect(); err != nil {
		return false, err
	}
	held := d.held()
	agrees = true
	for in, err := range t.conn.Walk(ctx, flower.Scope{Hook: d.hook, Terse: true}) {
		if err != nil {
			if !t.exists(d) {
				return false, nil // it took its filters with it; Apply will notice
			}
			if ctx.Err() != nil {
				t.broken()
			}
			return false, err
		}
		if h := held[in.Key]; h.held != nil && in.Cookie() == h.filter.Actions[0].Cookie {
			now := tallyOf(in.Status.Hits(), &h.filter)
			if h.cool(now); h.in != nil {
				d.used(h.in, h.held, now)
			}
			h.seen, h.inHW = now, in.Status.HW == flower.InHW
			delete(held, in.Key)
		} else if _, ours := t.owners.markOf(&in); ours {
			agrees = false
		}
	}
	return agrees && len(held) == 0, nil
}

// known is a filter with its chain; in is nil for those of the switchboard and for strays, which are of no table.
type known struct {
	*held
	in *chain
}

// held are the filters that the kernel has according to what is known.
func (d *device) held() map[flower.Key]known {
	all := map[flower.Key]known{}
	for _, c := range append(d.sorted(), d.board) {
		for _, h := range c.have {
			if all[h.filter.Key] = (known{h, c}); c == d.board {
				all[h.filter.Key] = known{held: h}
			}
		}
		for _, h := range c.stray {
			all[h.filter.Key] = known{held: h}
		}
	}
	return all
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
