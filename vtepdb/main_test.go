package vtepdb

import (
	"context"
	"log/slog"
	"reflect"
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

	// Of a pair over two databases: see Config, and the bench of the other one.
	sw, pair string
	peer     *bench

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
	return New(Config{DB: b.replica.DB(), Switch: b.sw, Pair: b.pair, Now: func() time.Time { return b.now }, Report: func(p Problem) { b.said = append(b.said, p) }})
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

// settle lets the planner have its way, and tells whether it changed something.
func (b *bench) settle() (changed bool) {
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
		obeyed := b.obey(b.plan)
		if changed = changed || obeyed || sent; !obeyed && !sent && whole && !b.plan.HasWork() {
			return changed
		}
	}
	b.Fatalf("does not come to an end: %+v", b.plan.pending)
	return changed
}

// planners are those that are told of the Southbound database.
func (b *bench) planners() []*Planner {
	if b.peer != nil {
		return []*Planner{b.plan, b.peer.plan}
	}
	return []*Planner{b.plan}
}

// held tells whether another chassis has an address.
func (b *bench) held(want Chassis) bool {
	for _, c := range b.chassis {
		for _, m := range c.Members {
			if c.Name != want.Name && shareAddress(want.Members, m) {
				return true
			}
		}
	}
	return false
}

// obey does in the Southbound database what a planner wants.
func (b *bench) obey(p *Planner) (changed bool) {
	roll := p.Roll()
	for id, c := range b.chassis {
		switch left, shared := roll.Left[c.Name]; {
		case roll.Identity == "" || roll.Keep[c.Name] || !p.registered(c):
		case shared:
			want := chassisOf(left)
			b.setChassis(id, &want)
			changed = true
		default:
			b.setChassis(id, nil)
			changed = true
		}
	}
	for _, r := range roll.Chassis {
		want := chassisOf(r)
		id, _, ok := p.chassisOf(r.Name)
		if !ok {
			id = ovsdb.NewUUID()
		}
		if b.held(want) {
			if want = b.chassis[id]; !ok {
				continue
			}
			want.Members = ReadMembers(Records(r.Members))
		}
		if !reflect.DeepEqual(b.chassis[id], want) {
			b.setChassis(id, &want)
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

// chassisOf is the row of a registration as it is read again.
func chassisOf(r Registration) Chassis {
	c := Chassis{Name: r.Name, IP: r.IPs[0], VTEP: true, Identity: r.Identity}
	if c.Members = ReadMembers(Records(r.Members)); !r.Recorded {
		c.Members = []Member{{Identity: r.Identity, Switches: []string{r.Name}, IPs: r.IPs, Bound: r.LogicalSwitches, ServiceNode: r.ServiceNode, BFD: r.BFD}}
	}
	return c
}

func (b *bench) setChassis(id ovsdb.UUID, c *Chassis) {
	if delete(b.chassis, id); c != nil {
		b.chassis[id] = *c
	} else {
		for at, port := range b.ports { // the reference is a weak one
			if port.Chassis == id {
				released := *port
				released.Chassis = ovsdb.UUID{}
				b.setPort(at, &released)
			}
		}
	}
	for _, p := range b.planners() {
		p.SetChassis(id, c)
	}
}

func (b *bench) setPort(id ovsdb.UUID, port *Port) {
	if delete(b.ports, id); port != nil {
		b.ports[id] = port
	}
	for _, p := range b.planners() {
		if port == nil {
			p.SetPort(id, nil)
			continue
		}
		copied := *port
		p.SetPort(id, &copied)
	}
}

func (b *bench) setGroup(id ovsdb.UUID, g *Group) {
	if delete(b.groups, id); g != nil {
		b.groups[id] = *g
	}
	for _, p := range b.planners() {
		p.SetGroup(id, g)
	}
}

func (b *bench) setLearned(id ovsdb.UUID, l *Learned) {
	if delete(b.learned, id); l != nil {
		b.learned[id] = *l
	}
	for _, p := range b.planners() {
		p.SetLearned(id, l)
	}
}
