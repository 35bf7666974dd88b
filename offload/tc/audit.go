package tc

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// Drift is how the kernel's filters differed from what Apply had left, in numbers of filters.
type Drift struct {
	Missing int // were gone
	Changed int // did or matched something else
	Extra   int // had sluice's cookie and belonged to nothing
	// Foreign are filters of others at the same places. They are left alone; in front of sluice's they decide first.
	Foreign int
}

// Any tells whether anything had to be repaired.
func (d Drift) Any() bool { return d.Missing+d.Changed+d.Extra > 0 }

// Audit reads all filters, compares them with what they shall be, and repairs what differs. The report has the failures that there are
// then, as Apply's has.
func (t *Target) Audit(ctx context.Context) (total Drift, report offload.Report, err error) {
	for _, hook := range slices.SortedFunc(maps.Keys(t.devices), compareHooks) {
		d := t.devices[hook]
		found, err := t.dump(ctx, d)
		if err != nil && err != errDeviceGone {
			return total, report, fmt.Errorf("audit %s: %w", d.name, err)
		}
		drift := d.compare(found)
		d.adopted = d.adopted && !drift.Any()
		total.Missing += drift.Missing
		total.Changed += drift.Changed
		total.Extra += drift.Extra
		total.Foreign += drift.Foreign
	}
	report, err = t.Apply(ctx, offload.Delta{})
	return total, report, err
}

// compare holds what was found against what shall be there.
func (d *device) compare(found []flower.Installed) (drift Drift) {
	held := map[flower.Key]*held{}
	for _, c := range append(d.sorted(), d.board) {
		for _, h := range c.have {
			held[h.filter.Key] = h
		}
	}
	for i := range found {
		in := &found[i]
		h := held[in.Key]
		delete(held, in.Key)
		_, ours := markOf(in.Cookie())
		switch {
		case h != nil && in.Difference(&h.filter) != "":
			drift.Changed++
		case h != nil:
		case ours:
			drift.Extra++
		default:
			drift.Foreign++
		}
	}
	drift.Missing = len(held)
	return drift
}
