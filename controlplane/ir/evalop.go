package ir

import "fmt"

// execute runs one operation on p.
func (e *evaluation) execute(p *Packet, r *Rule, op Op, step *Step) signal {
	switch o := op.(type) {
	case Set:
		p.set(o.Dst, o.Value, step)
	case Copy:
		if !p.Has(o.Src.Field) {
			step.note("no %s", o.Src.Field)
			return goOn
		}
		p.set(o.Dst, p.GetSub(o.Src), step)
	case Push:
		p.Push(p.GetSub(o.Src))
	case Pop:
		v, ok := p.Pop()
		if !ok {
			step.note("empty stack")
			return goOn
		}
		p.set(o.Dst, v.And(Ones(int(o.Dst.N))), step)
	case DecTTL:
		return p.decTTL(step)
	case Call:
		return e.call(p, o.Stage, step)
	case ToPort:
		e.output(p, o.Port, step)
	case FirstUp:
		for _, port := range o.Ports {
			if e.up(port) {
				e.output(p, port, step)
				return goOn
			}
		}
		step.note("no port is up")
	case PushVLAN:
		p.PushVLAN(o.TPID)
	case PopVLAN:
		p.PopVLAN()
	case CT:
		return e.ct(p, r, o, step)
	case CTClear:
		p.clearCT()
		p.track = tracked{}
	case Select:
		return e.choose(p, r, o, step)
	case Clone:
		return e.onCopy(p, r, o.Ops, step)
	case Punt:
		return e.punt(p, o, step)
	case CheckLarger:
		var longer uint64
		if p.Len-p.body.pad > int(o.Len) { // Open vSwitch does not count padding
			longer = 1
		}
		p.set(o.Dst, V(longer), step)
	case Learn:
		return e.learn(p, r, o, step)
	case Sample:
		s := Sampled{o, o.ObsPoint, p.Copy()}
		if o.ObsPointSub.Field != FieldNone {
			s.ObsPoint = uint32(p.GetSub(o.ObsPointSub).Lo)
		}
		e.result.Samples = append(e.result.Samples, s)
	case SetQueue:
		p.queue = o.ID
	case Screen:
		step.note("as if the list permits it")
	case Meter:
		step.note("as if below the rate")
	default:
		return e.fail(&UnsupportedError{fmt.Sprintf("operation %T", op)}, r.Stage)
	}
	return goOn
}

func (p *Packet) set(dst Sub, v Value, step *Step) {
	if !p.Set(dst, v) {
		step.note("no %s", dst.Field)
	}
}

func (p *Packet) decTTL(step *Step) signal {
	if !p.IsIP() {
		step.note("not IP")
		return goOn
	}
	ttl := p.vals[IPTTL].Lo
	if ttl <= 1 {
		step.note("TTL exceeded")
		return skip
	}
	p.vals[IPTTL] = V(ttl - 1)
	return goOn
}

func (e *evaluation) up(port uint32) bool { return e.PortUp == nil || e.PortUp(port) }

func (e *evaluation) output(p *Packet, port uint32, step *Step) {
	in := uint32(p.vals[InPort].Lo)
	switch port {
	case 0:
		step.note("no port")
		return
	case InPortNumber:
		port = in
		if in == 0 {
			step.note("no in_port")
			return
		}
	case in:
		step.note("not back to in_port")
		return
	}
	e.result.Outputs = append(e.result.Outputs, Delivery{port, p.queue, p.Copy()})
}

// ct forks: a copy goes through the tracker and on to o.Next, p goes on behind
// the operation and knows nothing of the connection (ovs-actions(7), ct).
// Without Next it is p itself that is tracked and translated. Open vSwitch
// deviates from its manual here: what it outputs of p behind a ct with NAT and
// Next is translated too. OVN has nothing behind such an action.
func (e *evaluation) ct(p *Packet, r *Rule, o CT, step *Step) signal {
	if o.ALG != 0 {
		return e.fail(&UnsupportedError{fmt.Sprintf("ct alg %d (application layer gateways)", o.ALG)}, r.Stage)
	}
	zone := o.Zone.Const
	if o.Zone.Sub.Field != FieldNone {
		zone = uint16(p.GetSub(o.Zone.Sub).Lo)
	}
	q := p
	if o.Next != NoStage {
		q = p.Copy()
	}
	e.CT.Track(q, zone, o)
	step.note("zone %d ct_state=%s", zone, CTStateString(q.vals[CTState].Lo))
	sig := goOn
	if o.Next != NoStage && e.call(q, o.Next, step) == failed {
		sig = failed
	}
	p.clearCT()
	return sig
}

// choose runs one bucket on a copy: what a bucket does to the packet ends with it,
// as in a group of Open vSwitch. There a bucket is an action set, so its operations
// should be changes followed by one Call, CT or ToPort.
func (e *evaluation) choose(p *Packet, r *Rule, o Select, step *Step) signal {
	var live []int
	for i, k := range o.Buckets {
		if k.Weight > 0 && (k.Watch == 0 || e.up(k.Watch)) {
			live = append(live, i)
		}
	}
	if len(live) == 0 {
		step.note("no live bucket")
		return goOn
	}
	pick := e.Choose
	if pick == nil {
		pick = chooseByHash
	}
	i := live[min(max(pick(o, live, p), 0), len(live)-1)]
	step.note("bucket %d", i)
	return e.onCopy(p, r, o.Buckets[i].Ops, step)
}

func (e *evaluation) punt(p *Packet, o Punt, step *Step) signal {
	e.result.Punts = append(e.result.Punts, Punted{o, p.Copy()})
	if !o.Pause {
		return goOn
	}
	if e.Answer == nil {
		step.note("waits for the controller")
		return paused
	}
	success, resume := e.Answer(p, o)
	if !resume {
		step.note("the controller keeps it")
		return paused
	}
	if o.Result.Field != FieldNone {
		var v Value
		if success {
			v = V(1)
		}
		p.set(o.Result, v, step)
	}
	return goOn
}

// learn adds the rule to the pipeline. There is no time here: it never expires.
func (e *evaluation) learn(p *Packet, r *Rule, o Learn, step *Step) signal {
	value := func(src Sub, v Value) Value {
		if src.Field != FieldNone {
			return p.GetSub(src)
		}
		return v
	}
	var terms []Term
	for _, m := range o.Matches {
		terms = append(terms, TermOf(m.Dst, value(m.Src, m.Value)))
	}
	m, ok := NewMatch(terms...)
	if !ok {
		step.note("learns nothing: the match contradicts itself")
		return goOn
	}
	var ops []Op
	for _, l := range o.Loads {
		ops = append(ops, Set{l.Dst, value(l.Src, l.Value)})
	}
	learned := NewRule(o.Stage, o.Priority, 0, m, nil, NewProgram(ops...), r.Owner)
	e.Pipeline.learn(learned)
	e.result.Learned = append(e.result.Learned, learned)
	if e.Options.Trace {
		step.note("%s", learned)
	}
	return goOn
}
