package reconcile

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
)

// slow is a target that takes its time.
type slow struct {
	*target
	next chan struct{} // lets it go on
}

func (s slow) Apply(ctx context.Context, d offload.Delta) (offload.Report, error) {
	select {
	case <-s.next:
	case <-ctx.Done():
		return offload.Report{}, context.Cause(ctx)
	}
	return s.target.Apply(ctx, d)
}

// TestLookMeanwhile: who looks gets an answer while the target is being told something, and who changes something waits.
func TestLookMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &target{tables: map[string]int{}}
		s := slow{x, make(chan struct{})}
		r := startWith(t, x, s)
		r.mail.Send(backend.Delta{Revision: 7, Reset: true, Put: rules(t), Complete: true}, on)
		synctest.Wait()
		look := func() (v View) {
			if err := r.r.Do(t.Context(), func(now View) { v = now }); err != nil {
				t.Fatal(err)
			}
			return v
		}
		if v := look(); v.Placing == 0 || v.Revision != 0 || !v.Complete {
			t.Errorf("%d entries are being placed, revision %d is", v.Placing, v.Revision)
		}
		heated := make(chan error, 1)
		go func() { heated <- r.r.Heat(t.Context(), map[ir.RuleID]uint64{}) }()
		synctest.Wait()
		select {
		case err := <-heated:
			t.Errorf("the planner was changed while the target was busy (%v)", err)
		default:
		}
		close(s.next)
		if err := <-heated; err != nil {
			t.Error(err)
		}
		if v := look(); v.Placing != 0 || v.Revision != 7 {
			t.Errorf("%d entries are being placed, revision %d is", v.Placing, v.Revision)
		}
	})
}
