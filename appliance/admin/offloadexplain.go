package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/controlplane/trace"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// OffloadExplanation is the answer of offload/explain to who asked for JSON.
type OffloadExplanation struct {
	OffloadState
	What string `json:"what"` // what the argument was taken for
	// Outcome says what becomes of the packets of a microflow, or why there are no paths.
	Outcome string `json:"outcome,omitempty"`
	OffloadPaths
	// Unreached are paths that could be offloaded, but to which no packets get in the target.
	Unreached int `json:"paths_unreached"`
	// Traffic is what the target has counted for the paths together; a packet that meets
	// several of them counts for each.
	Traffic OffloadTraffic `json:"traffic"`
	// Paths are the first of them, up to 1000.
	Paths      []OffloadPath `json:"paths"`
	NamesError string        `json:"names_error,omitempty"`
}

// OffloadPath is one path with what became of it.
type OffloadPath struct {
	From    string   `json:"from"`  // the port that its packets come in by, or the segment of paths that goes on from others
	Stage   string   `json:"stage"` // where it begins
	Match   string   `json:"match"`
	If      []string `json:"if,omitempty"` // conditions beside the match
	Actions string   `json:"actions"`
	// State is "offloaded", "fallback" or "unreached".
	State   string         `json:"state"`
	Reason  *OffloadReason `json:"reason,omitempty"` // of a path in the fallback
	Traffic OffloadTraffic `json:"traffic"`
}

// OffloadReason is why a path is not offloaded.
type OffloadReason struct {
	Code   string  `json:"code"`
	Cause  string  `json:"cause"`
	Fix    string  `json:"fix"`
	Origin *Origin `json:"origin,omitempty"` // of the rule to blame
}

// listed bounds the paths of an explanation: a logical flow that all packets go through
// has all there are.
const listed = 1000

// explanation is one that is being made.
type explanation struct {
	OffloadExplanation
	ports map[uint32]string
	plan  *plan.Planner
}

func (t *table) offloadExplain(ctx context.Context, what string, states []string) (a OffloadExplanation, err error) {
	s := subject{text: what, nothing: errStarting}
	if t.other != nil {
		s.nothing = errors.New("packets are explained by a controller of OVN only: name a port or a row")
	}
	for _, text := range states {
		state, err := trace.ParseCT(text)
		if err != nil {
			return a, err
		}
		s.states = append(s.states, state)
	}
	x := &explanation{ports: map[uint32]string{}, OffloadExplanation: OffloadExplanation{What: what, Paths: []OffloadPath{}}}
	var wrong error
	x.OffloadState, err = t.look(ctx, s.resolve, func(v reconcile.View) { wrong = x.see(v, &s) })
	switch {
	case err != nil:
		return a, err
	case wrong != nil:
		return a, wrong
	case x.Obstacle != "":
		return x.OffloadExplanation, nil
	}
	var origins []*Origin
	for _, p := range x.Paths {
		if p.Reason != nil {
			origins = append(origins, p.Reason.Origin)
		}
	}
	n, err := t.names(ctx, origins)
	x.NamesError, err = nameless(err)
	for _, o := range origins {
		n.into(o)
	}
	return x.OffloadExplanation, err
}

// see explains s.
func (x *explanation) see(v reconcile.View, s *subject) error {
	x.plan = v.Planner
	for _, p := range v.Setting.Ports {
		x.ports[p.Ofport] = p.Name
	}
	switch {
	case s.err != nil:
		return s.err
	case s.frame != nil:
		return x.microflow(s)
	case s.port(v.Setting.Ports):
		return x.ingress(s)
	case s.iface != s.text:
		x.What = fmt.Sprintf("packets that come in by port %s", s.iface)
		x.Outcome = "it is no port of the offload: only interfaces with a network device of their own, and tunnels, are"
		return nil
	}
	return x.flow(s)
}

// ingress explains what packets of a port meet where they come in.
func (x *explanation) ingress(s *subject) error {
	x.What = fmt.Sprintf("packets that come in by port %s (OpenFlow port %d)", s.iface, s.ofport)
	for st := range x.plan.Paths() {
		if port, root := st.Segment.ID.Ingress(); root && port == s.ofport {
			x.add(st)
		}
	}
	if len(x.Paths) == 0 {
		x.Outcome = "there are no rules for packets of this port"
	}
	return nil
}

// flow explains the rules of a row.
func (x *explanation) flow(s *subject) error {
	rules, rows := map[ir.RuleID]bool{}, map[string]bool{}
	for r := range x.plan.Flattener().Rules() {
		if s.owns(&r) {
			rules[r.ID] = true
			rows[originOf(&r).Table+" "+originOf(&r).UUID] = true
		}
	}
	if len(rows) == 0 {
		return fmt.Errorf("%q is no interface or logical port of this chassis, no row with rules here (its UUID, 4 digits of it or more, or a cookie), "+
			"and no microflow (inport==\"PORT\" && ...)", s.text)
	}
	x.What = "packets that go through the rules of"
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		x.What += " " + row
	}
	for st := range x.plan.Through(rules) {
		x.add(st)
	}
	if len(x.Paths) == 0 {
		x.Outcome = "no packet of the offload's ports gets to these rules, or rules in front have all that match"
	}
	return nil
}

// microflow explains what one packet meets.
func (x *explanation) microflow(s *subject) error {
	p, err := ir.ParseFrame(s.frame)
	if err != nil {
		return err
	}
	x.What = "packet " + s.text
	w := &walk{flat: x.plan.Flattener(), track: told{slices.Clone(s.states)}}
	end := w.follow(s.ofport, p)
	found := map[flatten.PathID]plan.Status{}
	for st := range x.plan.Paths() {
		if slices.Contains(w.found, st.Path.ID) {
			found[st.Path.ID] = st
		}
	}
	for _, id := range w.found {
		st := found[id]
		x.add(st)
		switch {
		case st.Reason != nil:
			x.Outcome = "it goes through the fallback: see the reason of the last path"
			return nil
		case !st.Reached:
			x.Outcome = "it goes through the fallback: nothing of this port is offloaded"
			return nil
		}
	}
	x.Outcome = "it is offloaded from end to end"
	if end != nil {
		x.Outcome = "it cannot be said what follows: " + end.Error()
	}
	return nil
}

// add counts a path and lists it if there is room.
func (x *explanation) add(s plan.Status) {
	x.Traffic.add(s.Seen)
	switch {
	case s.Reason != nil:
		x.Fallback++
	case !s.Reached:
		x.Unreached++
	default:
		x.Offloaded++
	}
	if len(x.Paths) >= listed {
		return
	}
	x.Paths = append(x.Paths, offloadPath(s, x.plan, x.ports))
}

// offloadPath is a path of a planner; ports are names by OpenFlow number.
func offloadPath(s plan.Status, of *plan.Planner, ports map[uint32]string) OffloadPath {
	p := OffloadPath{From: from(s.Segment.ID, ports), Stage: s.Segment.Stage, Match: matchText(s.Path.Match), Actions: actions(s.Path), State: "offloaded"}
	p.Traffic.add(s.Seen)
	switch {
	case s.Reason != nil:
		p.State = "fallback"
		p.Reason = &OffloadReason{s.Reason.Code.String(), s.Reason.Cause(), s.Reason.Advice(), originOf(of.Blamed(s.Reason))}
	case !s.Reached:
		p.State = "unreached"
	}
	for _, c := range s.Path.If {
		p.If = append(p.If, c.String())
	}
	return p
}

func from(id flatten.SegmentID, ports map[uint32]string) string {
	if port, root := id.Ingress(); root && ports[port] != "" {
		return fmt.Sprintf("%s (%s)", id, ports[port])
	}
	return id.String()
}

// actions are what is done with the packets of a path, as operations.
func actions(p *flatten.Path) string {
	text := ""
	for _, a := range p.Actions {
		text += a.String() + " "
	}
	switch {
	case p.Jump != nil:
		return text + p.Jump.String()
	case p.Trap():
		return "not followed"
	case text == "":
		return "drop"
	}
	return text[:len(text)-1]
}
