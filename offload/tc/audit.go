package tc

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// Audit implements offload.Auditor. The filters of all devices are read; those of a device with a difference are adopted anew.
func (t *Target) Audit(ctx context.Context) (total offload.Drift, report offload.Report, err error) {
	t.suspect = false
	for _, hook := range slices.SortedFunc(maps.Keys(t.devices), compareHooks) {
		d := t.devices[hook]
		if !d.adopted || !t.exists(d) {
			continue // Apply looks; a device that goes takes its filters with it
		}
		found, err := t.dump(ctx, d)
		if err != nil && err != errDeviceGone {
			return total, report, fmt.Errorf("audit %s: %w", d.name, err)
		}
		drift := d.compare(found, &t.owners)
		was := d.foreign.Why
		d.taken(found, &t.owners)
		d.adopted = !drift.Any() && d.foreign.Why == was
		total.Missing += drift.Missing
		total.Changed += drift.Changed
		total.Extra += drift.Extra
	}
	if report, err = t.Apply(ctx, offload.Delta{Chassis: t.chassis}); err != nil {
		return total, report, err
	}
	for _, hook := range slices.SortedFunc(maps.Keys(t.devices), compareHooks) {
		if f := t.devices[hook].foreign; f.Entries > 0 {
			total.Foreign = append(total.Foreign, f)
		}
	}
	return total, report, nil
}

// Suspect implements offload.Auditor.
func (t *Target) Suspect() bool { return t.suspect }

// compare holds what was found against what shall be there.
func (d *device) compare(found []flower.Installed, o *owners) (drift offload.Drift) {
	held := d.held()
	for i := range found {
		in := &found[i]
		h := held[in.Key]
		delete(held, in.Key)
		_, ours := o.markOf(in)
		switch {
		case h.held != nil && in.Difference(&h.filter) != "":
			drift.Changed++
		case h.held == nil && ours:
			drift.Extra++
		}
	}
	drift.Missing = len(held)
	return drift
}

// taken finds filters of others, and among them those of programs that offload packets themselves: flower with a whole
// cookie, as Open vSwitch and other sluices have it. Where such are, sluice has none: each would decide about packets that the other knows nothing of.
func (d *device) taken(found []flower.Installed, o *owners) {
	d.foreign = offload.Foreign{Device: d.name}
	for i := range found {
		in := &found[i]
		if _, ours := o.markOf(in); ours {
			continue
		}
		d.foreign.Entries++
		switch _, of := markOf(in.Cookie()); {
		case in.Kind != flowerKind || len(in.Cookie().Bytes()) != cookieSize:
		case of != 0:
			d.foreign.Why = fmt.Sprintf("another chassis' sluice has filters there (cookie %s): if no such sluice runs in this network namespace, "+
				"remove them with \"tc qdisc del dev %s clsact\"", in.Cookie(), d.name)
		default:
			d.foreign.Why = fmt.Sprintf("another program offloads packets there, as Open vSwitch does until it is restarted with other_config:hw-offload=false "+
				"(filter %s with cookie %s)", in.Key, in.Cookie())
		}
	}
}
