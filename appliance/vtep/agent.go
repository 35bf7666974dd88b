package vtep

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/vlog"
	"github.com/sluice-gw/sluice/vtepdb"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// AgentConfig says which databases an Agent joins.
type AgentConfig struct {
	Name               string // of the switch that is registered, for people
	Pair               string // the chassis that it shares with switches of another database; "": none
	Identity           string // UUID that the row in Global has of the switch's database; with another one nothing is written. "": any
	Switch, Southbound string // remotes, as in ovsdb.SessionConfig
	// Accept, if there is one, gives the connections that the switch makes to us, see ovsdb.SessionConfig; Switch is the passive connection method then.
	Accept        func(context.Context) (net.Conn, error)
	SwitchTLS     *tls.Config
	SouthboundTLS *tls.Config
	Release       string // of OVN, that this program is of: "26.03.0"
	Log           *slog.Logger
	Reconnect     *slog.Logger // of the connections
	Messages      *slog.Logger // all that is sent and received, at level debug
}

// Agent is the controller of one switch's database.
type Agent struct {
	cfg   AgentConfig
	log   *slog.Logger
	warn  *slog.Logger // limited: switches provoke it
	queue *unixctl.Queue
	exit  unixctl.Exits

	// Owned by the goroutine of Run.
	vtep     *rows.Replica
	sb       *sb.Replica
	plan     *vtepdb.Planner
	net      network
	down, up lane
	asked    uint64 // version of the plan of which the conditions are
	text     string // of the conditions
	seq      uint64
	rolled   uint64 // version of the plan of which the chassis are in order
	taken    map[string]string
	seen     map[string]bool

	probe    time.Duration    // in force for the Southbound database
	settings []vtepdb.Problem // of settings that are not the planner's
	pinned   bool             // nothing is written because of matchKey
	foreign  bool             // nor because the database is not the one that it is to be
	leaving  bool
}

// errExit ends the run of an agent that was told to exit.
var errExit = errors.New("exit")

// NewAgent returns an Agent that does nothing before Run.
func NewAgent(cfg AgentConfig) *Agent {
	a := &Agent{cfg: cfg, log: cfg.Log, warn: vlog.Limit(cfg.Log, 10, 20), queue: unixctl.NewQueue(), exit: make(unixctl.Exits),
		taken: map[string]string{}, seen: map[string]bool{}, probe: probe}
	a.vtep = rows.NewReplica(rows.Config{SessionConfig: ovsdb.SessionConfig{Remote: cfg.Switch, Accept: cfg.Accept, TLS: cfg.SwitchTLS, Probe: probe,
		Logger: cfg.Reconnect, Messages: cfg.Messages}})
	drifts := vlog.Limit(cfg.Log, 5, 10) // whoever changes rows changes many
	a.plan = vtepdb.New(vtepdb.Config{DB: a.vtep.DB(), Switch: cfg.Name, Pair: cfg.Pair, Now: time.Now, Report: func(p vtepdb.Problem) {
		if p.Code == vtepdb.Drifted {
			drifts.Warn(p.Text)
			return
		}
		a.warn.Warn(p.Text)
	}})
	a.sb = sb.NewReplica(sb.Config{SessionConfig: ovsdb.SessionConfig{Remote: cfg.Southbound, TLS: cfg.SouthboundTLS, Probe: probe,
		Logger: cfg.Reconnect, Messages: cfg.Messages}, Conditions: a.firstConditions()})
	a.net = network{db: a.sb.DB(), plan: a.plan}
	a.down, a.up = a.lane("the switch's database"), a.lane("the Southbound database")
	return a
}

// firstConditions are in force until the switches are known: no ports.
func (a *Agent) firstConditions() map[string][]idl.Condition {
	where := map[string][]idl.Condition{"Port_Binding": {}, "FDB": {}, "IGMP_Group": {}}
	for _, t := range unread {
		where[t] = []idl.Condition{}
	}
	a.seq = 1
	return where
}

// Run works until ctx ends or Exit is called, which is no error.
func (a *Agent) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.vtep.Run(ctx) })
	g.Go(func() error { return a.sb.Run(ctx) })
	g.Go(func() error { return a.loop(ctx) })
	if err := g.Wait(); !errors.Is(err, errExit) {
		return err
	}
	return nil
}

// batch bounds the change sets that are taken before their consequences are sent.
const batch = 1000

func (a *Agent) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		a.take()
		wake := a.settle()
		var due <-chan time.Time
		if !wake.IsZero() {
			timer.Reset(max(time.Until(wake), time.Millisecond))
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-a.vtep.Ready():
		case <-a.sb.Ready():
		case <-due:
		case f := <-a.queue.C():
			f()
		case req := <-a.exit:
			req.Done <- a.leave(ctx, req.Option)
			return errExit
		}
	}
}

// take hands over what has come in.
func (a *Agent) take() {
	for range batch {
		v, moreV := a.vtep.Next()
		if moreV {
			a.plan.OnRows(v)
		}
		s, moreS := a.sb.Next()
		if moreS {
			a.net.onRows(s)
		}
		if !moreV && !moreS {
			return
		}
	}
}

// settle derives what is wanted and sends it. The time is when to do so again though nothing happens.
func (a *Agent) settle() (wake time.Time) {
	a.plan.Settle()
	a.follow()
	a.ask()
	if !a.complete() || a.foreign || a.pinned && !a.leaving {
		return time.Time{}
	}
	soonest := func(at time.Time) {
		if !at.IsZero() && (wake.IsZero() || at.Before(wake)) {
			wake = at
		}
	}
	soonest(a.sendDown())
	soonest(a.sendUp())
	soonest(a.plan.Wake())
	return wake
}

// ask tells the Southbound database which rows are needed.
func (a *Agent) ask() {
	if a.vtep.State().Database == nil || a.leaving {
		return // nothing is known of the switch; or what is to be taken back is to stay in sight
	}
	if a.asked == a.plan.Version() && !a.net.peers && !a.net.chassisRows {
		return
	}
	a.asked, a.net.peers = a.plan.Version(), false
	if where, text := conditions(a.sb.DB(), a.plan); text != a.text {
		a.text = text
		a.seq = a.sb.SetConditions(where)
	}
}

// complete tells whether all that matters was read at some time, so that what is not there is not there. Databases that are away
// afterwards leave what was read.
func (a *Agent) complete() bool {
	s := a.sb.State()
	return a.vtep.State().Database != nil && s.Database != nil && s.Conditions >= a.seq
}

// sendDown writes the switch's database.
func (a *Agent) sendDown() time.Time {
	ok, wake := a.down.idle(a.vtep.State().Connected)
	if !ok {
		return wake
	}
	var first vtepdb.Inserted
	tx, wake := a.down.parts.Build(func(tx *idl.Tx) (whole bool) {
		first, whole = a.plan.Write(tx)
		return whole
	})
	if tx.Len() == 0 {
		if wake.IsZero() && a.plan.HasWork() && !a.held() {
			return time.Now() // rows that were looked at have made others due
		}
		return wake
	}
	a.down.busy = true
	a.down.sent++
	db := a.vtep.DB()
	a.vtep.Commit(tx, func(r idl.Result) {
		id := r.UUID(first.Name)
		a.down.done(tx, r, func() bool {
			switch {
			case id.IsZero():
				return true
			case first.Table == "Ucast_Macs_Remote":
				return db.UcastMacsRemote.Get(id) != nil
			case first.Table == "Logical_Switch":
				return db.LogicalSwitch.Get(id) != nil
			case first.Table == "Mcast_Macs_Remote":
				return db.McastMacsRemote.Get(id) != nil
			}
			return db.PhysicalLocatorSet.Get(id) != nil
		})
	})
	return time.Time{}
}

// held tells whether something waits for its time.
func (a *Agent) held() bool { return !a.plan.Wake().IsZero() }

// sendUp writes the Southbound database.
func (a *Agent) sendUp() time.Time {
	ok, wake := a.up.idle(a.sb.State().Connected)
	if !ok {
		return wake
	}
	var first inserted
	tx, wake := a.up.parts.Build(func(tx *idl.Tx) bool {
		due := a.rolled != a.plan.Version() || a.net.chassisRows || len(a.up.refused) > 0
		s := southbound{roll: due, db: a.sb.DB(), tx: tx, taken: a.taken, seen: a.seen, log: a.warn, limit: maxOps}
		whole := s.write(a.plan)
		first = s.first
		return whole
	})
	if tx.Len() == 0 {
		a.rolled, a.net.chassisRows = a.plan.Version(), false
		return wake
	}
	a.up.busy = true
	a.up.sent++
	tx.Comment("sluice vtep: " + a.cfg.Name)
	db := a.sb.DB()
	a.sb.Commit(tx, func(r idl.Result) {
		id := r.UUID(first.name)
		a.up.done(tx, r, func() bool {
			return id.IsZero() || db.Chassis.Get(id) != nil || db.FDB.Get(id) != nil
		})
	})
	return time.Time{}
}

// leaveLimit is how long an exit waits for the databases.
const leaveLimit = 10 * time.Second

// leave ends the agent's work. With cleanup it takes back first all that it has written.
func (a *Agent) leave(ctx context.Context, cleanup bool) error {
	if !cleanup {
		return nil
	}
	limit := time.NewTimer(leaveLimit)
	defer limit.Stop()
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		a.take()
		if !a.leaving { // an agent that has just started may not have read yet what there is to be taken back
			a.plan.Settle()
			a.follow()
			if a.foreign {
				return fmt.Errorf("%[1]s: the switch says that its database is another than the one that it is registered with (sluice vtep show %[1]s), so nothing is taken back", a.cfg.Name)
			}
			if a.ask(); a.complete() {
				a.plan.Withdraw()
				a.leaving = true // somebody wants it, whatever ovn-northd there is
			}
		}
		var wake time.Time
		if a.leaving {
			wake = a.settle()
		}
		if a.leaving && a.complete() && !a.down.busy && !a.up.busy && wake.IsZero() && !a.plan.HasWork() {
			return nil
		}
		if !wake.IsZero() {
			tick.Reset(max(time.Until(wake), time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-a.vtep.Ready():
		case <-a.sb.Ready():
		case <-tick.C:
		case <-limit.C:
			err := fmt.Errorf("%s: the databases have not answered for %v; what is left there of this switch stays (chassis: ovn-sbctl chassis-del NAME)", a.cfg.Name, leaveLimit)
			a.log.Warn(err.Error())
			return err
		}
	}
}

// Exit ends Run; with cleanup what the agent has written into both databases is taken back before, else all of it stays.
func (a *Agent) Exit(ctx context.Context, cleanup bool) error {
	return a.exit.Ask(ctx, cleanup)
}
