package preview

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/node/config"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/coverage"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/tlsconf"
)

// chassis is a controller in memory, in a world. Its switch does all that it is told at once. It belongs to the goroutine
// that made it.
type chassis struct {
	*controller.Controller
	sb   *sb.Replica
	vsw  *vsw.Replica
	sent backend.Revision // newest revision of the rules
	told *reconcile.Mailbox

	end   context.CancelFunc
	group sync.WaitGroup
}

// identity is who a chassis is, as far as its database does not say.
type identity struct{ name, hostname string }

// newChassis starts one. It must be closed.
func newChassis(ctx context.Context, w *world, who identity) (*chassis, error) {
	quiet := slog.New(slog.DiscardHandler) // what is of interest is in the controller's status
	c := &chassis{told: reconcile.NewMailbox(),
		sb:  sb.NewReplica(sb.Config{SessionConfig: ovsdb.SessionConfig{Remote: w.sb.remote(), Logger: quiet}}),
		vsw: vsw.NewReplica(vsw.Config{SessionConfig: ovsdb.SessionConfig{Remote: w.vsw.remote(), Logger: quiet}})}
	var run context.Context
	run, c.end = context.WithCancel(ctx)
	c.group.Go(func() { _ = c.vsw.Run(run) }) // what ends them before us is in their states
	c.group.Go(func() { _ = c.sb.Run(run) })
	for !c.vsw.State().Connected {
		if err := c.wait(ctx); err != nil {
			c.close()
			return nil, err
		}
		for more := true; more; {
			_, more = c.vsw.Next()
		}
	}
	store := punt.NewMailbox()
	c.Controller = controller.New(controller.Config{SB: c.sb, VSW: c.vsw, NameFlag: who.name, Hostname: who.hostname,
		Send: func(d backend.Delta) { c.sent = d.Revision }, Busy: func() bool { return true }, Offload: c.told.Send,
		SlowPath: punt.New(punt.Config{Switch: noSwitch{}, Store: store, Log: quiet}), Store: store,
		Coverage: &coverage.Registry{}, Log: quiet, Now: time.Now})
	c.OnVSW(&vsw.Changes{})
	return c, nil
}

// noSwitch is where the slow path sends packets; none come in here.
type noSwitch struct{}

func (noSwitch) PacketOut(punt.PacketOut)           {}
func (noSwitch) Resume(punt.PacketIn, punt.Verdict) {}

func (c *chassis) close() {
	c.end()
	c.group.Wait()
}

// wait waits until there is something to do.
func (c *chassis) wait(ctx context.Context) error {
	var due <-chan time.Time
	if c.Controller != nil && !c.Wake().IsZero() {
		due = time.After(time.Until(c.Wake()))
	}
	select {
	case <-c.sb.Ready():
	case <-c.vsw.Ready():
	case <-due:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// turn takes what has come in, and does what follows.
func (c *chassis) turn() {
	for more := true; more; {
		v, ofVSW := c.vsw.Next()
		if ofVSW {
			c.OnVSW(v)
		}
		s, ofSB := c.sb.Next()
		if ofSB {
			c.OnSB(s)
		}
		more = ofVSW || ofSB
	}
	c.numberPorts()
	c.Settle()
	c.Acked(c.sent, nil)
	c.Settle()
}

// numberPorts gives new interfaces their OpenFlow ports, as ovs-vswitchd does, and always the same.
func (c *chassis) numberPorts() {
	var next int64
	names := map[string]ovsdb.UUID{}
	for row := range c.vsw.DB().Interface.All() {
		if row.OFPort.OK {
			next = max(next, row.OFPort.V)
		} else {
			names[row.Name] = row.UUID
		}
	}
	tx := &idl.Tx{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		next++
		tx.Update("Interface", names[name], map[string]any{"ofport": next})
	}
	if tx.Len() > 0 {
		c.vsw.Commit(tx, nil)
	}
}

// rounds bounds how often what a chassis writes may make others change something, which makes it change something.
const rounds = 20

// rest runs the controller until nothing changes any more in its world.
func (c *chassis) rest(ctx context.Context, w *world) error {
	for range rounds {
		before := c.sent
		n, err := w.advance(ctx)
		if err != nil {
			return err
		}
		for {
			c.turn()
			s := c.Status()
			if s.Refused != "" {
				return fmt.Errorf("the copy of the chassis does not register in the copy of the Southbound database: %s", s.Refused)
			}
			if s.Chassis == "" {
				return errors.New("the chassis has no name: set Open_vSwitch external_ids:system-id, or give --chassis")
			}
			if s.Complete && s.NbCfgDone == n {
				break
			}
			if err := c.wait(ctx); err != nil {
				return fmt.Errorf("the copy of the chassis did not come to rest (rules whole: %v; generation %d of %d; Southbound copy: %s %s; local copy: %s %s): %w",
					s.Complete, s.NbCfgDone, n, s.Southbound.Error, s.Southbound.Refusal, s.Local.Error, s.Local.Refusal, err)
			}
		}
		if c.sent == before {
			return nil
		}
	}
	return fmt.Errorf("the copies of the chassis and of the databases still change each other after %d rounds", rounds)
}

// ask reads external_ids of logical flows.
func (c *chassis) ask(ctx context.Context, ids []ovsdb.UUID) (found map[ovsdb.UUID]map[string]string, err error) {
	answered := false
	c.AskFlows(ids, func(m map[ovsdb.UUID]map[string]string, e error) { found, err, answered = m, e, true })
	for !answered {
		if err := c.wait(ctx); err != nil {
			return nil, err
		}
		c.turn()
	}
	return found, err
}

// configuration reads that of a chassis from its database.
func configuration(ctx context.Context, s *server, who identity) (cfg config.Config, files tlsconf.Files, err error) {
	r := vsw.NewReplica(vsw.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.remote(), Logger: slog.New(slog.DiscardHandler)}})
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { _ = r.Run(ctx) })
	for !r.State().Connected {
		select {
		case <-r.Ready():
			for more := true; more; {
				_, more = r.Next()
			}
		case <-ctx.Done():
			return cfg, files, context.Cause(ctx)
		}
	}
	src := config.Source{NameFlag: who.name, Hostname: who.hostname}
	for row := range r.DB().OpenVSwitch.All() {
		src.ExternalIDs, src.IfaceTypes = row.ExternalIDs, row.IfaceTypes
		if k := r.DB().SSL.Get(row.SSL); k != nil {
			files = tlsconf.Files{PrivateKey: k.PrivateKey, Certificate: k.Certificate, CACert: k.CACert}
		}
	}
	return config.Read(src), files, nil
}
