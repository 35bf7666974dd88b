package logical

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/lflow"
	"github.com/sluice-gw/sluice/controlplane/node/rules"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// result is what became of one flow.
type result struct {
	id     ovsdb.UUID
	rules  []ir.Rule
	deps   []dep
	reason string // why it is degraded; "" when it is not
	// unbuilt says that nothing is wrong with the flow: the reason is what this program
	// cannot do.
	unbuilt bool
}

// parallelFrom is the number of flows from which on all cores compile.
const parallelFrom = 256

// batch is how many flows are compiled before their rules are filed and Early is
// called: enough to keep all cores busy, few enough for the targets to start soon.
const batch = 4096

// Run compiles the marked flows. It tells whether any rule changed.
func (l *Logical) Run() bool {
	if len(l.dirty) == 0 {
		return false
	}
	jobs := make([]*job, 0, min(len(l.dirty), batch))
	changed := false
	for id := range l.dirty {
		j := l.job(id)
		if j == nil {
			changed = l.finish(result{id: id}) || changed
			continue
		}
		if jobs = append(jobs, j); len(jobs) == batch {
			changed = l.compileAll(jobs) || changed
			jobs = jobs[:0]
			l.Early()
		}
	}
	clear(l.dirty)
	return l.compileAll(jobs) || changed
}

// compileAll compiles flows, on all cores when there are many, and files their rules.
func (l *Logical) compileAll(jobs []*job) (changed bool) {
	l.considered += uint64(len(jobs))
	workers := 1
	if len(jobs) >= parallelFrom {
		workers = runtime.GOMAXPROCS(0)
	}
	results := make([]result, len(jobs))
	var wg sync.WaitGroup
	for w := range workers {
		work := func() {
			for i := w; i < len(jobs); i += workers {
				results[i] = l.compile(jobs[i])
			}
		}
		if workers == 1 {
			work()
			continue
		}
		wg.Go(work)
	}
	wg.Wait()
	for i := range results {
		changed = l.finish(results[i]) || changed
	}
	return changed
}

// job is one flow with the datapaths on which it is to be compiled.
type job struct {
	row   *sb.LogicalFlow
	views []*lflow.View
	deps  []dep
}

// job prepares a flow; nil when it has no rules on this chassis and nothing can
// give it any but a change of its own row or of the local datapaths.
func (l *Logical) job(id ovsdb.UUID) *job {
	row := l.World.SB.LogicalFlow.Get(id)
	if row == nil {
		return nil
	}
	j := &job{row: row}
	dps := []ovsdb.UUID{row.LogicalDatapath}
	if g := l.World.SB.LogicalDPGroup.Get(row.LogicalDPGroup); g != nil {
		dps = g.Datapaths
	}
	for _, dp := range dps {
		if v := l.view(dp); v != nil {
			j.views = append(j.views, v)
		}
	}
	if len(j.views) == 0 {
		return nil
	}
	// ovn-northd says which port a flow is about: a flow about a port that does
	// not matter here need not be looked at.
	if port := row.Tags["in_out_port"]; port != "" {
		j.deps = append(j.deps, on(depRelated, port))
		if !l.related(port) {
			j.views = nil
		}
	}
	return j
}

func (l *Logical) compile(j *job) result {
	row := j.row
	res := result{id: row.UUID, deps: j.deps}
	f := flowOf(row)
	if m := row.ControllerMeter.Or(""); m != "" {
		res.deps = append(res.deps, on(depMeter, m))
		if l.World.SB.MeterByName.One(m) != nil {
			f.Meter = m
		}
	}
	templates := map[viewKind][]ir.Rule{} // rules that are the same on every datapath of a kind
	for _, v := range j.views {
		if template, ok := templates[kindOf(v)]; ok {
			for _, r := range template {
				res.rules = append(res.rules, ir.NewRule(r.Stage, r.Priority, v.Key, r.Match, r.Product, r.Program, r.Owner))
			}
			continue
		}
		rs, deps, err := l.compiler.Compile(f, v)
		res.addDeps(v.Key, &deps)
		if err != nil {
			res.reason = err.Error()
			continue
		}
		if missing := l.missing(deps.Meters); missing != nil {
			rs, res.reason = unlimited(rs, missing)
		}
		res.rules = append(res.rules, rs...)
		if len(deps.Ports)+len(deps.PortGroups)+len(deps.Residents)+len(deps.Watch)+len(deps.Collectors) == 0 {
			templates[kindOf(v)] = rs
		}
	}
	if res.reason == "" && len(res.rules) > 0 {
		res.reason = l.lacking(res.rules[0].Program.Ops, &res)
		res.unbuilt = res.reason != ""
	}
	return res
}

func flowOf(row *sb.LogicalFlow) *lflow.Flow {
	return &lflow.Flow{UUID: row.UUID, Ingress: row.Pipeline == "ingress", Table: int(row.TableID), Priority: int(row.Priority),
		Match: row.Match, Actions: row.Actions, ACLConntrack: row.Tags[lflow.TagACLConntrack] == "true"}
}

// viewKind is what compilations see of a datapath that ask no question about it.
type viewKind struct{ isSwitch, snatZoneCommon bool }

func kindOf(v *lflow.View) viewKind { return viewKind{v.Action.Switch, v.Action.SNATZoneCommon} }

func (r *result) addDeps(key uint32, d *lflow.Deps) {
	one := func(x dep) {
		if !slices.Contains(r.deps, x) {
			r.deps = append(r.deps, x)
		}
	}
	add := func(kind depKind, names []string) {
		for _, n := range names {
			one(on(kind, n))
		}
	}
	for _, n := range d.Ports {
		one(dep{depPort, key, n})
	}
	for _, id := range d.Collectors {
		one(on(depCollector, strconv.FormatUint(uint64(id), 10)))
	}
	add(depResident, d.Residents)
	add(depAddressSet, d.AddressSets)
	add(depTemplate, d.Templates)
	add(depMeter, d.Meters)
	add(depWatch, d.Watch)
	for _, n := range d.PortGroups {
		one(on(depPortGroup, sbPortGroup(key, n)))
	}
}

func (l *Logical) finish(r result) bool {
	l.file(r.id, r.deps)
	owner := ir.Owner{Kind: ir.OwnerLogicalFlow, UUID: r.id}
	if r.reason != "" {
		row := l.World.SB.LogicalFlow.Get(r.id)
		if !l.reported[r.reason] { // once for each reason: there can be thousands of such flows
			l.reported[r.reason] = true
			level := slog.LevelWarn
			if r.unbuilt {
				level = slog.LevelInfo
			}
			l.World.Log.Log(context.Background(), level, fmt.Sprintf("degraded: logical flow %s (%s table %d, match %q, actions %q): %s; more like it are counted only",
				r.id, row.Pipeline, row.TableID, row.Match, row.Actions, r.reason))
		}
		l.degraded[r.id] = lflow.Degraded{Reason: r.reason, Flow: *flowOf(row)}
	} else {
		delete(l.degraded, r.id)
	}
	return l.set.Put(rules.Key{Owner: owner}, r.rules)
}
