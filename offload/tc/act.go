package tc

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// maxActions is how many actions a filter may have, as Open vSwitch has it (TCA_ACT_MAX_NUM of its lib/tc.h); kernels take 32,
// drivers less.
const maxActions = 16

// outlets are where packets can go: what translating actions needs to know of the rest.
type outlets interface {
	// port is a port of the bridge; ok is false if it is not known or has no device now.
	port(number uint32) (outlet, bool)
	// chain is where a segment is on the device at hand; the error says why it is nowhere.
	chain(id flatten.SegmentID) (uint32, error)
}

// outlet is a port with what the kernel knows its device by.
type outlet struct {
	offload.Port
	// lack is why the device's hardware cannot have rules; zero for nothing that is known.
	lack offload.Lack
}

// act translates what becomes of packets that match t.
func (p *place) act(path *flatten.Path, t *terms, to outlets) ([]flower.Action, error) {
	actions, err := p.actInOrder(path, path.Actions, t, to)
	if err == nil || len(path.Actions) < 2 {
		return actions, err
	}
	// Where an output cannot have the packet as it came any more, it may be its turn before.
	simple := slices.Clone(path.Actions)
	for _, a := range simple {
		if _, ok := a.Do.(ir.ToPort); !ok {
			return nil, err
		}
	}
	slices.SortStableFunc(simple, func(a, b flatten.Action) int { return cmp.Compare(weight(&a.Rewrite), weight(&b.Rewrite)) })
	if again, err := p.actInOrder(path, simple, t, to); err == nil {
		return again, nil
	}
	return nil, err
}

func weight(r *flatten.Rewrite) int {
	return len(r.Set) + len(r.Copy) + int(r.PopVLAN) + int(r.DecTTL) + len(r.PushVLAN)
}

func (p *place) actInOrder(path *flatten.Path, list []flatten.Action, t *terms, to outlets) (actions []flower.Action, err error) {
	b := &builder{place: p, terms: t, outlets: to, keep: path.Jump != nil}
	for i := range list {
		if err := b.do(&list[i], i == len(list)-1 && path.Jump == nil); err != nil {
			return nil, err
		}
	}
	switch {
	case path.Jump != nil:
		err = b.jump(path.Jump)
	case !b.gone:
		b.add(flower.DropAll())
	}
	if err == nil && len(b.actions) > maxActions {
		err = fmt.Errorf("%d actions: filters have up to %d", len(b.actions), maxActions)
	}
	return b.actions, err
}

// builder makes the actions of one filter.
type builder struct {
	*place
	*terms
	outlets
	actions []flower.Action
	now     edit
	keep    bool // the outer headers that the packet came with are still needed
	outer   bool // outer headers of the packet are those of an output
	gone    bool // the packet
}

func (b *builder) add(a flower.Action) { b.actions = append(b.actions, a) }

// do appends one action of a path. The last output takes the packet, others a copy.
func (b *builder) do(a *flatten.Action, last bool) error {
	want, err := editOf(&a.Rewrite, b.terms)
	if err != nil {
		return err
	}
	if b.actions, err = b.now.to(&want, b.terms, b.actions); err != nil {
		return err
	}
	b.now = want
	switch do := a.Do.(type) {
	case ir.ToPort:
		if a.Queue != 0 {
			return fmt.Errorf("egress queue %d: which class of the device's qdisc it is is not known to tc", a.Queue)
		}
		return b.output(do.Port, last)
	case ir.CTClear:
		b.add(forget(flower.Pipe))
	case ir.CT:
		track, err := trackBy(&do, b.terms, flower.Pipe)
		if err != nil {
			return err
		}
		b.add(track)
	case ir.FirstUp:
		return errors.New("output to the first port that is up: tc does not choose")
	case ir.Meter:
		return b.limit(&do, a.Row)
	case ir.Sample:
		return errors.New("sample: the switch's collectors are not tc's")
	default:
		return fmt.Errorf("%s: tc has no action for it", a.Do.AppendText(nil))
	}
	return nil
}

// errNoDevice says that an output's port has no device. That may pass: devices come back.
var errNoDevice = errors.New("it has no network device here")

// output appends a redirect, or a mirror of a copy.
func (b *builder) output(number uint32, last bool) error {
	port, ok := b.port(number)
	if !ok {
		return fmt.Errorf("output to port %d: %w", number, errNoDevice)
	}
	switch {
	case port.Tunnel != nil:
		set, err := b.encapsulate(&port)
		if err != nil {
			return err
		}
		b.add(flower.Action{Op: set, Control: flower.Pipe})
		b.outer = true
	case b.tunnel != "" && !b.keep || b.outer:
		b.add(flower.Action{Op: flower.TunnelUnset{}, Control: flower.Pipe})
		b.outer = false
	}
	out := flower.Redirect(port.Ifindex)
	if !last {
		out = flower.Mirror(port.Ifindex)
	}
	b.add(out)
	b.gone = last
	return nil
}

// jump appends what leads to another segment, with the packet as it came but for what connection tracking is to see.
func (b *builder) jump(j *flatten.Jump) error {
	chain, err := b.chain(j.To)
	if err != nil {
		return err
	}
	want, err := editOf(&j.Rewrite, b.terms)
	if err != nil {
		return err
	}
	if b.actions, err = b.now.to(&want, b.terms, b.actions); err != nil {
		return err
	}
	if b.outer && b.tunnel != "" {
		return errors.New("output to a tunnel of packets that go on: the outer headers that they came with would be lost")
	}
	if b.outer {
		b.add(flower.Action{Op: flower.TunnelUnset{}, Control: flower.Pipe})
	}
	if j.CT == nil {
		b.add(flower.GotoChain(chain))
		return nil
	}
	track, err := trackBy(j.CT, b.terms, flower.Goto(chain))
	if err != nil {
		return err
	}
	b.add(track)
	return nil
}
