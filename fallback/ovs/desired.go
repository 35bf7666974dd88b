package ovs

import (
	"cmp"
	"errors"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// claim is what one rule wants of a flow. Rules with the same stage, priority and
// match want the same flow.
type claim struct {
	rule    ir.RuleID
	actions string // shared by all flows with the same program
	cookie  uint32
	kind    ir.OwnerKind
	conj    bool // actions are conjunction()s, which add up
}

// flow is one wanted flow.
type flow struct {
	key    string // table, priority, match: see flowKey
	first  claim
	others []claim // of more rules; sorted with first by rule, so that the winner does not depend on history
	seen   uint32  // generation of the last comparison with the switch
}

// record is what one rule put into the tables.
type record struct {
	flow   *flow
	more   *extra // nil for most
	cookie uint32
}

type extra struct {
	flows  []*flow
	groups []uint32
	meters []string
	conj   uint32
	learns bool
	cookie uint32
}

// desired is all that the switch shall hold, in OpenFlow form.
type desired struct {
	low   lowerer
	flows map[string]*flow
	rules map[ir.RuleID]record
	conjs map[uint32]ir.RuleID
	gen   uint32

	touched  map[string]bool // keys to be brought up to date in the switch
	refused  map[string]bool // keys that the switch does not take: left out until they change
	learners map[uint32]int  // cookies of rules that learn flows
	failed   map[ir.RuleID]backend.Failure
	waiting  map[ir.RuleID]ir.Rule // rules whose meters are not defined yet
	keyBuf   []byte
}

func newDesired(p *Profile) *desired {
	d := &desired{flows: map[string]*flow{}, rules: map[ir.RuleID]record{}, conjs: map[uint32]ir.RuleID{},
		touched: map[string]bool{}, refused: map[string]bool{}, learners: map[uint32]int{}, failed: map[ir.RuleID]backend.Failure{},
		waiting: map[ir.RuleID]ir.Rule{}}
	d.low = lowerer{profile: p, groups: newGroups(), meters: newMeters(), tunIndex: -1}
	return d
}

// apply changes the wanted state by a delta.
func (d *desired) apply(x backend.Delta) {
	d.low.begin()
	defer d.low.end()
	for _, id := range x.Del {
		d.remove(id)
	}
	for _, name := range x.DelMeters {
		d.low.meters.drop(name)
	}
	for _, m := range x.Meters {
		d.low.meters.define(meterConfig(m), m.Name)
	}
	if len(x.Meters) > 0 {
		for _, r := range d.waiting {
			d.put(&r)
		}
	}
	for i := range x.Put {
		d.put(&x.Put[i])
	}
}

// put adds a rule or notes why that cannot be.
func (d *desired) put(r *ir.Rule) {
	if have, ok := d.rules[r.ID]; ok {
		if have.cookie == r.Owner.Cookie() {
			return
		}
		d.remove(r.ID) // the same rule of another row: the flow gets its cookie
	}
	err := d.add(r)
	if err == nil {
		delete(d.failed, r.ID)
		delete(d.waiting, r.ID)
		return
	}
	d.remove(r.ID)
	d.failed[r.ID] = backend.Failure{Rule: r.ID, Owner: r.Owner, Kind: backend.Unsupported, Detail: err.Error()}
	if errors.Is(err, errNoMeter) {
		d.waiting[r.ID] = *r
	}
}

func (d *desired) add(r *ir.Rule) error {
	table, err := d.low.profile.Table(r.Stage)
	if err != nil {
		return err
	}
	actions, groups, meters, err := d.low.actions(r.Program, r.Owner.Cookie())
	if err != nil {
		return err
	}
	rec := record{cookie: r.Owner.Cookie()}
	learns := hasCookie(r.Program.Ops)
	if len(groups) > 0 || len(meters) > 0 || r.Product != nil || learns {
		rec.more = &extra{groups: slices.Clone(groups), meters: slices.Clone(meters), learns: learns, cookie: r.Owner.Cookie()}
		if learns {
			d.learners[r.Owner.Cookie()]++
		}
		d.low.groups.ref(groups, 1)
		d.low.meters.ref(meters, 1)
	}
	d.rules[r.ID] = rec // remove undoes what was done when something below fails
	if r.Product != nil {
		return d.addProduct(r, table, actions)
	}
	m, err := d.low.match(r.Datapath, r.Match, 0)
	if err != nil {
		return err
	}
	rec.flow = d.claim(table, r.Priority, m, claim{r.ID, actions, r.Owner.Cookie(), r.Owner.Kind, false})
	d.rules[r.ID] = rec
	return nil
}

// addProduct writes a product of dimensions as a conjunctive match: one flow for
// each alternative, and one that the switch uses when every dimension matched.
func (d *desired) addProduct(r *ir.Rule, table uint8, actions string) error {
	rec := d.rules[r.ID]
	id := uint32(r.ID) | 1<<31 // apart from ids that ovn-controller gave
	for d.conjs[id] != 0 && d.conjs[id] != r.ID {
		id = (id + 1) | 1<<31
	}
	d.conjs[id] = r.ID
	rec.more.conj = id
	m, err := d.low.match(r.Datapath, r.Match, id)
	if err != nil {
		return err
	}
	rec.flow = d.claim(table, r.Priority, m, claim{r.ID, actions, r.Owner.Cookie(), r.Owner.Kind, false})
	d.rules[r.ID] = rec
	for i, dim := range r.Product.Dims {
		var e ofp.Encoder
		ofp.Conjunction{ID: id, Clause: uint8(i), N: uint8(len(r.Product.Dims))}.Append(&e)
		a, err := e.Actions()
		if err != nil {
			return err
		}
		actions := string(a)
		for _, alt := range dim {
			both, ok := r.Match.And(alt)
			if !ok {
				continue // this alternative contradicts the rest: it adds nothing
			}
			m, err := d.low.match(r.Datapath, both, 0)
			if err != nil {
				return err
			}
			f := d.claim(table, r.Priority, m, claim{r.ID, actions, 0, r.Owner.Kind, true})
			rec.more.flows = append(rec.more.flows, f)
		}
	}
	return nil
}

func (d *desired) claim(table uint8, priority uint16, m ofp.Match, c claim) *flow {
	d.keyBuf = flowKey(d.keyBuf[:0], table, priority, m)
	f := d.flows[string(d.keyBuf)]
	switch {
	case f == nil:
		f = &flow{key: string(d.keyBuf), first: c}
		d.flows[f.key] = f
	default:
		all := append([]claim{f.first}, f.others...)
		if slices.Contains(all, c) {
			return f
		}
		all = append(all, c)
		slices.SortFunc(all, func(a, b claim) int {
			return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.actions, b.actions))
		})
		f.first, f.others = all[0], slices.Clip(all[1:])
	}
	d.touch(f.key)
	return f
}

func (d *desired) unclaim(f *flow, rule ir.RuleID) {
	if f == nil {
		return
	}
	all := slices.DeleteFunc(append([]claim{f.first}, f.others...), func(c claim) bool { return c.rule == rule })
	if len(all) == 0 {
		delete(d.flows, f.key)
	} else {
		f.first, f.others = all[0], slices.Clip(all[1:])
		if len(f.others) == 0 {
			f.others = nil
		}
	}
	d.touch(f.key)
}

func (d *desired) remove(id ir.RuleID) {
	delete(d.failed, id)
	delete(d.waiting, id)
	rec, ok := d.rules[id]
	if !ok {
		return
	}
	delete(d.rules, id)
	d.unclaim(rec.flow, id)
	if rec.more == nil {
		return
	}
	for _, f := range rec.more.flows {
		if d.flows[f.key] == f {
			d.unclaim(f, id)
		}
	}
	d.low.groups.ref(rec.more.groups, -1)
	d.low.meters.ref(rec.more.meters, -1)
	delete(d.conjs, rec.more.conj)
	if rec.more.learns {
		if d.learners[rec.more.cookie]--; d.learners[rec.more.cookie] == 0 {
			delete(d.learners, rec.more.cookie)
		}
	}
}

func (d *desired) touch(key string) {
	d.touched[key] = true
	delete(d.refused, key)
}

// used is the claim whose actions the switch gets. Plain actions win over
// conjunction()s, which Open vSwitch does not allow beside them: the packet
// matches the plain rule and, at the same priority, either may be used.
func (f *flow) used() claim {
	if f.first.conj {
		for _, c := range f.others {
			if !c.conj {
				return c
			}
		}
	}
	return f.first
}

// want is what the switch shall have for a flow. Conjunction()s add up.
func (f *flow) want() (actions string, cookie uint64) {
	c := f.used()
	if !c.conj || f.others == nil {
		return c.actions, uint64(c.cookie)
	}
	conj := []byte(c.actions)
	for _, c := range f.others {
		conj = append(conj, c.actions...)
	}
	return string(conj), 0
}

// mod is the message that brings one flow up to date.
func (d *desired) mod(key string) *ofp.FlowMod {
	table, priority, m := splitKey(key)
	f := d.flows[key]
	if f == nil {
		return &ofp.FlowMod{Command: ofp.FlowDeleteStrict, Table: table, Priority: priority, Match: m}
	}
	actions, cookie := f.want()
	return &ofp.FlowMod{Command: ofp.FlowAdd, Table: table, Priority: priority, Match: m,
		Cookie: cookie, Actions: ofp.Actions(actions)}
}
