package vtepdb

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

const schemaPath = "/usr/share/openvswitch/vtep.ovsschema" // Debian package openvswitch-vtep

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a planner at a real database, with a logical network in memory that obeys its claims and sightings.
type bench struct {
	*testing.T
	server  *ovsdbtest.Server
	replica *rows.Replica
	now     time.Time
	plan    *Planner
	said    []Problem // what was reported
	writes  int       // transactions

	// The Southbound database.
	chassis   map[ovsdb.UUID]Chassis
	ports     map[ovsdb.UUID]*Port
	datapaths map[ovsdb.UUID]int64
	learned   map[ovsdb.UUID]Learned
	groups    map[ovsdb.UUID]Group
}

const owner = "5b000000-0000-4000-8000-000000000001"

func newBench(t *testing.T) *bench {
	t.Helper()
	capability.Need(t, "ovs", schemaPath)
	b := &bench{T: t, server: ovsdbtest.Start(t, schemaPath, "hardware_vtep"), now: time.Unix(1_700_000_000, 0),
		chassis: map[ovsdb.UUID]Chassis{}, ports: map[ovsdb.UUID]*Port{}, datapaths: map[ovsdb.UUID]int64{}, learned: map[ovsdb.UUID]Learned{},
		groups: map[ovsdb.UUID]Group{}}
	b.replica = rows.NewReplica(rows.Config{SessionConfig: ovsdb.SessionConfig{Remote: b.server.Remote, Logger: slog.New(slog.DiscardHandler)}})
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- b.replica.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-end
	})
	b.plan = b.planner()
	b.await("the connection", func() bool { return b.replica.State().Connected })
	return b
}

func (b *bench) planner() *Planner {
	return New(Config{DB: b.replica.DB(), Now: func() time.Time { return b.now }, Report: func(p Problem) { b.said = append(b.said, p) }})
}

// await takes what comes from the database until cond holds.
func (b *bench) await(what string, cond func() bool) {
	b.Helper()
	deadline := time.After(time.Minute)
	for {
		for c, ok := b.replica.Next(); ok; c, ok = b.replica.Next() {
			b.plan.OnRows(c)
		}
		if cond() {
			return
		}
		select {
		case <-b.replica.Ready():
		case <-deadline:
			b.Fatalf("waited a minute for %s; %+v", what, b.replica.State())
		}
	}
}

// commit executes a transaction, and returns when the replica has it.
func (b *bench) commit(tx *idl.Tx) idl.Result {
	b.Helper()
	mark := ovsdb.NewUUID().String()
	global := b.global()
	// What the transaction is recognised by: its own rows may be gone again already.
	tx.Mutate("Global", global, "other_config", "delete", []string{"test-mark"})
	tx.Mutate("Global", global, "other_config", "insert", map[string]string{"test-mark": mark})
	var res *idl.Result
	b.replica.Commit(tx, func(r idl.Result) { res = &r })
	b.await("a transaction", func() bool {
		g := b.replica.DB().Global.Get(global)
		return res != nil && (res.Err != nil || g != nil && g.OtherConfig["test-mark"] == mark)
	})
	if res.Err != nil {
		b.Fatal(res.Err)
	}
	return *res
}

// global is the row of the table Global, which is made when it is missing.
func (b *bench) global() ovsdb.UUID {
	for g := range b.replica.DB().Global.All() {
		return g.UUID
	}
	var tx idl.Tx
	tx.Insert("Global", nil)
	b.replica.Commit(&tx, nil)
	b.await("the row", func() bool { return b.replica.DB().Global.Len() == 1 })
	return b.global()
}

// change changes the switch's database as somebody else would.
func (b *bench) change(f func(*idl.Tx)) {
	b.Helper()
	var tx idl.Tx
	f(&tx)
	b.commit(&tx)
}

// tell tells a planner all of the logical network.
func (b *bench) tell(p *Planner) {
	p.SetOwner(owner)
	for id, key := range b.datapaths {
		p.SetDatapath(id, key)
	}
	for id, c := range b.chassis {
		p.SetChassis(id, &c)
	}
	for id, port := range b.ports {
		copied := *port
		p.SetPort(id, &copied)
	}
	for id, l := range b.learned {
		p.SetLearned(id, &l)
	}
	for id, g := range b.groups {
		p.SetGroup(id, &g)
	}
}

// settle lets the planner have its way.
func (b *bench) settle() {
	b.Helper()
	for range 50 {
		b.tell(b.plan)
		b.plan.Settle()
		var tx idl.Tx
		_, whole := b.plan.Write(&tx)
		sent := tx.Len() > 0
		if sent {
			b.writes++
			b.commit(&tx)
		}
		if obeyed := b.obey(b.plan); !obeyed && !sent && whole && !b.plan.HasWork() {
			return
		}
	}
	b.Fatalf("does not come to an end: %+v", b.plan.pending)
}

// obey does in the Southbound database what a planner wants.
func (b *bench) obey(p *Planner) (changed bool) {
	roll := p.Roll()
	for _, r := range roll.Chassis {
		want := Chassis{Name: r.Name, IP: r.IPs[0], VTEP: true, Identity: r.Identity}
		id, _, ok := p.chassisOf(r.Name)
		if !ok {
			id = ovsdb.NewUUID()
		}
		if b.chassis[id] != want {
			b.setChassis(id, &want)
			changed = true
		}
	}
	for id, c := range b.chassis {
		if roll.Identity != "" && c.Identity == roll.Identity && !roll.Keep[c.Name] {
			b.setChassis(id, nil)
			changed = true
		}
	}
	p.Claims(func(c Claim) bool {
		port := *c.Port
		port.Chassis, port.Up = c.Chassis, c.Up
		b.setPort(c.ID, &port)
		changed = true
		return true
	})
	p.Sightings(func(s Sighting) bool {
		id := s.Row
		if id.IsZero() {
			id = ovsdb.NewUUID()
		}
		if s.Port == 0 {
			b.setLearned(id, nil)
		} else {
			b.setLearned(id, &Learned{s.Place, s.Port})
		}
		changed = true
		return true
	})
	return changed
}

func (b *bench) setChassis(id ovsdb.UUID, c *Chassis) {
	if delete(b.chassis, id); c != nil {
		b.chassis[id] = *c
	}
	b.plan.SetChassis(id, c)
}

func (b *bench) setPort(id ovsdb.UUID, port *Port) {
	if delete(b.ports, id); port != nil {
		b.ports[id] = port
		copied := *port
		port = &copied
	}
	b.plan.SetPort(id, port)
}

func (b *bench) setGroup(id ovsdb.UUID, g *Group) {
	if delete(b.groups, id); g != nil {
		b.groups[id] = *g
	}
	b.plan.SetGroup(id, g)
}

func (b *bench) setLearned(id ovsdb.UUID, l *Learned) {
	if delete(b.learned, id); l != nil {
		b.learned[id] = *l
	}
	b.plan.SetLearned(id, l)
}
