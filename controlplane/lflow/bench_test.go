package lflow

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"sync"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/testkit/central"
	"github.com/sluice-gw/sluice/test/load"
	"github.com/sluice-gw/sluice/test/ovsrpc"
)

// deployment is what ovn-northd makes of a generated configuration, as the controller
// of a chassis on which every datapath is local sees it.
type deployment struct {
	db    *sb.DB
	views map[ovsdb.UUID]*View
	jobs  []job
}

type job struct {
	flow Flow
	on   []*View
}

// northd generates a configuration, runs a real ovn-northd on it and reads the result.
func northd(b *testing.B, z load.Size) *deployment {
	b.Helper()
	c := central.Start(b)
	client, err := ovsrpc.Dial(context.Background(), c.NB.Remote[len("unix:"):], "OVN_Northbound")
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	if err := load.Full(client, z); err != nil {
		b.Fatal(err)
	}
	c.Configure("sync")

	r := sb.NewReplica(sb.Config{SessionConfig: ovsdb.SessionConfig{Remote: c.SB.Remote, Logger: slog.New(slog.DiscardHandler)}})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	b.Cleanup(func() { cancel(); running.Wait() })
	for !r.State().Connected {
		<-r.Ready()
		for more := true; more; {
			_, more = r.Next()
		}
	}
	d := &deployment{db: r.DB(), views: map[ovsdb.UUID]*View{}}
	for dp := range d.db.DatapathBinding.All() {
		e := env{d, dp.UUID, uint32(dp.TunnelKey)}
		d.views[dp.UUID] = &View{Key: e.key, Env: e, Action: action.Env{Switch: dp.ExternalIDs["logical-switch"] != "", Port: e.Port, Resident: e.Resident}}
	}
	for row := range d.db.LogicalFlow.All() {
		j := job{flow: Flow{UUID: row.UUID, Ingress: row.Pipeline == "ingress", Table: int(row.TableID), Priority: int(row.Priority),
			Match: row.Match, Actions: row.Actions}}
		dps := []ovsdb.UUID{row.LogicalDatapath}
		if g := d.db.LogicalDPGroup.Get(row.LogicalDPGroup); g != nil {
			dps = g.Datapaths
		}
		for _, dp := range dps {
			j.on = append(j.on, d.views[dp])
		}
		d.jobs = append(d.jobs, j)
	}
	return d
}

type env struct {
	d   *deployment
	dp  ovsdb.UUID
	key uint32
}

func (e env) AddressSet(name string) (*expr.Set, bool) {
	row := e.d.db.AddressSetByName.One(name)
	if row == nil {
		return nil, false
	}
	s, _ := expr.ParseSet(row.Addresses)
	return s, true
}

func (e env) PortGroup(name string) ([]string, bool) {
	row := e.d.db.PortGroupByName.One(fmt.Sprint(e.key, "_", name))
	if row == nil {
		return nil, false
	}
	return row.Ports, true
}

func (e env) Resident(string) bool { return true }

func (e env) Port(name string) (uint32, bool) {
	if pb := e.d.db.PortBindingByLogicalPort.One(name); pb != nil && pb.Datapath == e.dp {
		return uint32(pb.TunnelKey), true
	}
	for _, mc := range e.d.db.MulticastGroupByDatapath.Get(e.dp) {
		if mc.Name == name {
			return uint32(mc.TunnelKey), true
		}
	}
	return 0, name == "none"
}

// BenchmarkColdCompile compiles all that ovn-northd wrote for 100 switches of 100
// ports with ACLs, load balancers and a gateway, with a compiler that knows nothing.
func BenchmarkColdCompile(b *testing.B) {
	d := northd(b, load.Size{Switches: 100, Ports: 100})
	var rules, failed int
	for b.Loop() {
		rules, failed = d.compile(b)
	}
	flows := 0
	for _, j := range d.jobs {
		flows += len(j.on)
	}
	b.ReportMetric(float64(len(d.jobs)), "rows")
	b.ReportMetric(float64(flows), "lflows")
	b.ReportMetric(float64(rules), "rules")
	b.ReportMetric(float64(failed), "failed")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(flows), "ns/lflow")
	if flows < 50_000 {
		b.Fatalf("%d logical flows are too few to tell anything", flows)
	}
}

func (d *deployment) compile(b *testing.B) (rules, failed int) {
	c, err := NewCompiler(action.OptionTable{}, action.OptionTable{})
	if err != nil {
		b.Fatal(err)
	}
	workers := runtime.GOMAXPROCS(0)
	type sum struct {
		rules int
		bad   map[string]bool
	}
	sums := make([]sum, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			s := sum{bad: map[string]bool{}}
			for i := w; i < len(d.jobs); i += workers {
				for _, v := range d.jobs[i].on {
					rs, _, err := c.Compile(&d.jobs[i].flow, v)
					if err != nil {
						s.bad[err.Error()] = true
					}
					s.rules += len(rs)
				}
			}
			sums[w] = s
		})
	}
	wg.Wait()
	bad := map[string]bool{}
	for _, s := range sums {
		rules += s.rules
		maps.Copy(bad, s.bad)
	}
	return rules, len(bad)
}
