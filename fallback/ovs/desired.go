package ovs

import (
	"cmp"
	"errors"
	"math"
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

// flow is one flow that is wanted, or was and is still to be deleted.
type flow struct {
	key     string // table, priority, match: see flowKey
	first   claim
	others  *[]claim // of more rules, nil for none; sorted with first by rule, so that the winner does not depend on history
	seen    uint32   // generation of the last comparison with the switch
	gone    bool     // nobody wants it any more
	dirty   bool     // among desired.touched
	refused bool     // the switch does not take it: left out until it changes
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

	touched  []*flow        // to be brought up to date in the switch
	learners map[uint32]int // cookies of rules that learn flows
	unlearn  []record       // rules that learned flows and are gone
	failed   map[ir.RuleID]backend.Failure
	waiting  map[ir.RuleID]ir.Rule // rules whose meters are not defined yet
	keyBuf   []byte
}

func newDesired(p *Profile) *desired {
	d := &desired{flows: map[string]*flow{}, rules: map[ir.RuleID]record{}, conjs: map[uint32]ir.RuleID{},
		learners: map[uint32]int{}, failed: map[ir.RuleID]backend.Failure{}, waiting: map[ir.RuleID]ir.Rule{}}
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
	_, several := split(r.Match)
	if len(groups) > 0 || len(meters) > 0 || r.Product != nil || learns || several {
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
	return d.addMatch(r, table, r.Match, 0, claim{r.ID, actions, r.Owner.Cookie(), r.Owner.Kind, false})
}

// addMatch claims the flow of a match, or the several that it takes.
func (d *desired) addMatch(r *ir.Rule, table uint8, m ir.Match, conj uint32, c claim) error {
	parts, several := split(m)
	if !several {
		parts = []ir.Match{m}
	}
	for _, part := range parts {
		x, err := d.low.match(r.Datapath, part, conj)
		if err != nil {
			return err
		}
		f := d.claim(table, r.Priority, x, c)
		rec := d.rules[r.ID]
		switch {
		case rec.flow == nil:
			rec.flow = f
			d.rules[r.ID] = rec
		default:
			rec.more.flows = append(rec.more.flows, f)
		}
	}
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
	if err := d.addMatch(r, table, r.Match, id, claim{r.ID, actions, r.Owner.Cookie(), r.Owner.Kind, false}); err != nil {
		return err
	}
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
			if err := d.addMatch(r, table, both, 0, claim{r.ID, actions, 0, r.Owner.Kind, true}); err != nil {
				return err
			}
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
	case f.gone:
		f.first, f.gone = c, false
	default:
		all := f.claims()
		if slices.Contains(all, c) {
			return f
		}
		all = append(all, c)
		slices.SortFunc(all, func(a, b claim) int {
			return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.actions, b.actions))
		})
		f.setClaims(all)
	}
	d.touch(f)
	return f
}

func (d *desired) unclaim(f *flow, rule ir.RuleID) {
	if f != nil {
		f.setClaims(slices.DeleteFunc(f.claims(), func(c claim) bool { return c.rule == rule }))
		d.touch(f)
	}
}

// claims are all claims, in an own slice.
func (f *flow) claims() []claim {
	switch {
	case f.gone:
		return nil
	case f.others == nil:
		return []claim{f.first}
	}
	return append([]claim{f.first}, *f.others...)
}

func (f *flow) setClaims(all []claim) {
	f.first, f.others, f.gone = claim{}, nil, len(all) == 0
	if len(all) > 0 {
		f.first = all[0]
	}
	if len(all) > 1 {
		rest := slices.Clone(all[1:])
		f.others = &rest
	}
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
		d.unclaim(f, id)
	}
	d.low.groups.ref(rec.more.groups, -1)
	d.low.meters.ref(rec.more.meters, -1)
	delete(d.conjs, rec.more.conj)
	if rec.more.learns {
		d.unlearn = append(d.unlearn, rec)
		if d.learners[rec.more.cookie]--; d.learners[rec.more.cookie] == 0 {
			delete(d.learners, rec.more.cookie)
		}
	}
}

func (d *desired) touch(f *flow) {
	f.refused = false
	if !f.dirty {
		f.dirty = true
		d.touched = append(d.touched, f)
	}
}

// takeTouched returns the flows to be brought up to date, and forgets those that
// are to be deleted.
func (d *desired) takeTouched() []*flow {
	touched := d.touched
	for _, f := range touched {
		if f.dirty = false; f.gone {
			delete(d.flows, f.key)
		}
	}
	d.touched = nil
	return touched
}

// takeUnlearn returns the messages that remove what was learned by rules that are gone
// and whose flows go on with other actions. With the flow it would go by itself; so it
// stays, and Open vSwitch goes by the cookie, which may be the same.
func (d *desired) takeUnlearn() (msgs []ofp.Message) {
	done := map[uint32]bool{}
	for _, rec := range d.unlearn {
		if rec.flow == nil || rec.flow.gone || done[rec.more.cookie] {
			continue
		}
		done[rec.more.cookie] = true
		for stage := range learned {
			if table, err := d.low.profile.Table(stage); err == nil {
				msgs = append(msgs, &ofp.FlowMod{Command: ofp.FlowDelete, Table: table, Cookie: uint64(rec.more.cookie), CookieMask: math.MaxUint64})
			}
		}
	}
	d.unlearn = nil
	return msgs
}

// used is the claim whose actions the switch gets. Plain actions win over
// conjunction()s, which Open vSwitch does not allow beside them: the packet
// matches the plain rule and, at the same priority, either may be used.
func (f *flow) used() claim {
	if f.first.conj && f.others != nil {
		for _, c := range *f.others {
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
	for _, c := range *f.others {
		conj = append(conj, c.actions...)
	}
	return string(conj), 0
}

// mod makes m the message that brings the flow up to date, in m's own memory.
func (f *flow) mod(m *ofp.FlowMod) {
	table, priority, match := splitKey(f.key)
	*m = ofp.FlowMod{Command: ofp.FlowDeleteStrict, Table: table, Priority: priority,
		Match: append(m.Match[:0], match...), Actions: m.Actions[:0]}
	if !f.gone {
		actions, cookie := f.want()
		m.Command, m.Cookie, m.Actions = ofp.FlowAdd, cookie, append(m.Actions, actions...)
	}
}
