package reconcile

import (
	"context"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/offload"
)

// View is what others may look at of a Reconciler.
type View struct {
	Target   string
	Setting  device.Setting
	Planner  *plan.Planner
	Revision backend.Revision // of the rules that are placed
	Complete bool             // the rules are whole: without that nothing is placed
	Usage    []offload.Usage  // of the target's devices
	Err      error            // why the target cannot be reached; nil if it can
	Audit    Audit
	Placing  int // entries of tables that the target is told at this moment
}

// Do has f called on the goroutine of the Reconciler and waits for it. f only looks: it is called also while the target is being told something, which may take long.
func (r *Reconciler) Do(ctx context.Context, f func(View)) error {
	done := make(chan struct{})
	return hand(ctx, r.looks, func(v View) { defer close(done); f(v) }, done)
}

// act has f called on the goroutine of the Reconciler when the target is not busy, and waits for it.
func (r *Reconciler) act(ctx context.Context, f func()) error {
	done := make(chan struct{})
	return hand(ctx, r.acts, func() { defer close(done); f() }, done)
}

func hand[F any](ctx context.Context, to chan<- F, f F, done <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case to <- f:
		<-done
		return nil
	}
}

// ask has the target asked or told something, and meanwhile lets others look. work must not touch what they see.
func (r *Reconciler) ask(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	for {
		select {
		case <-done:
			return
		case f := <-r.looks:
			f(r.view())
		}
	}
}

func (r *Reconciler) view() View {
	return View{r.cfg.Target.Name(), r.setting, r.plan, r.settled, r.complete, r.usage, r.err, r.audit, r.placing}
}

// apply tells the target a change.
func (r *Reconciler) apply(ctx context.Context, d offload.Delta) (report offload.Report, err error) {
	for i := range d.Put {
		r.placing += len(d.Put[i].Entries)
	}
	r.ask(func() { report, err = r.cfg.Target.Apply(ctx, d) })
	r.placing = 0
	return report, err
}
