package ir

// Tracker is connection tracking as a pipeline sees it.
type Tracker interface {
	// Track does what op asks for to p in a zone: it sets the CT fields of p,
	// applies NAT to p and, when op commits, remembers the connection.
	Track(p *Packet, zone uint16, op CT)
}

// Conntrack is a model of connection tracking with NAT (ovs-actions(7), ct;
// ovs-fields(7), ct_state). It has no time: connections stay until they are
// flushed. A connection is "new" until a reply was seen, as Linux and the
// userspace datapath of Open vSwitch have it. Fragments other than the first,
// which a real tracker reassembles, are invalid.
type Conntrack struct{ byKey map[connKey]connRef }

// Connection is one committed connection.
type Connection struct {
	Zone  uint16
	Proto uint8
	Orig  Tuple // as the first packet had it
	Reply Tuple // as replies have it, after NAT
	Mark  uint32
	Label Value
	Seen  bool // a reply was seen
	snat  bool
	dnat  bool
}

// Tuple are the addresses and ports of one direction. For ICMP the ports are
// type<<8|code of this direction's messages.
type Tuple struct {
	Src, Dst         Value
	SrcPort, DstPort uint16
}

func (t Tuple) reverse() Tuple { return Tuple{t.Dst, t.Src, t.DstPort, t.SrcPort} }

type connKey struct {
	zone  uint16
	proto uint8
	v6    bool
	id    uint16 // of ICMP echo
	tuple Tuple
}

func (k connKey) reverse() connKey { k.tuple = k.tuple.reverse(); return k }

type connRef struct {
	*Connection
	key   connKey // of the original direction
	reply bool    // this key is that of replies
}

// tracked is what stays with a packet between two trips through the tracker.
type tracked struct {
	zone uint16
	nat  uint64 // CTSNAT, CTDNAT: what was done in this zone
}

// NewConntrack makes an empty tracker.
func NewConntrack() *Conntrack { return &Conntrack{byKey: map[connKey]connRef{}} }

// Connections are the committed connections, in no order.
func (c *Conntrack) Connections() []Connection {
	var all []Connection
	for _, ref := range c.byKey {
		if !ref.reply {
			all = append(all, *ref.Connection)
		}
	}
	return all
}

// Flush forgets the connections of a zone.
func (c *Conntrack) Flush(zone uint16) {
	for k := range c.byKey {
		if k.zone == zone {
			delete(c.byKey, k)
		}
	}
}

// Track implements Tracker.
func (c *Conntrack) Track(p *Packet, zone uint16, op CT) {
	exec := execValues(p, op.Exec)
	if p.track.zone != zone {
		p.track = tracked{zone: zone}
	}
	p.clearCT()
	key, related, ok := p.connKey(zone)
	if !ok {
		p.vals[CTState] = V(CTTrk | CTInv)
		return
	}
	ref, state, found := c.lookup(p, key, related, op)
	switch {
	case found:
		if op.NAT != nil && p.track.nat == 0 {
			p.translate(ref, related)
		}
	case state&CTNew != 0 && op.Commit:
		ref, found = c.commit(p, key, op.NAT)
	}
	p.vals[CTState] = V(CTTrk | state | p.track.nat)
	if state&CTInv != 0 {
		return
	}
	orig := key
	if found {
		orig = ref.key
		p.vals[CTMark], p.vals[CTLabel] = V(uint64(ref.Mark)), ref.Label
	}
	p.setOriginalTuple(orig)
	if found && op.Commit {
		for i, x := range op.Exec {
			p.Set(assigned(x), exec[i])
		}
		ref.Mark, ref.Label = uint32(p.vals[CTMark].Lo), p.vals[CTLabel]
	}
}

// lookup finds the connection of p and its state.
func (c *Conntrack) lookup(p *Packet, key connKey, related bool, op CT) (ref connRef, state uint64, found bool) {
	if p.track.nat != 0 {
		// Already translated in this zone: only the opposite key is known as it is now.
		ref, found = c.byKey[key.reverse()]
		ref.reply = !ref.reply
	} else {
		ref, found = c.byKey[key]
	}
	if found && ref.reply && op.Commit && op.Force {
		c.remove(ref)
		found = false
	}
	switch {
	case found && related:
		state = CTRel
		if ref.reply {
			state |= CTRpl
		}
	case found && !p.saneTCP():
		return connRef{}, CTInv, false
	case found && ref.reply:
		ref.Seen = true
		state = CTEst | CTRpl
	case found && ref.Seen:
		state = CTEst
	case found:
		state = CTNew
	case related || !p.mayBegin():
		return connRef{}, CTInv, false
	default:
		state = CTNew
	}
	return ref, state, found
}

// commit makes a connection of p, translates p and remembers it. ok is false when
// no translation is free: the connection is not made.
func (c *Conntrack) commit(p *Packet, key connKey, nat *NAT) (ref connRef, ok bool) {
	if _, taken := c.byKey[key]; taken {
		return connRef{}, false
	}
	reply := key.reverse()
	conn := &Connection{Zone: key.zone, Proto: key.proto, Orig: key.tuple}
	if nat != nil && (nat.SNAT || nat.DNAT) {
		if reply, ok = c.freeTuple(key, nat); !ok {
			return connRef{}, false
		}
		conn.snat, conn.dnat = nat.SNAT, nat.DNAT
	}
	conn.Reply = reply.tuple
	ref = connRef{conn, key, false}
	c.byKey[reply] = connRef{conn, key, true}
	c.byKey[key] = ref
	if nat != nil {
		p.translate(ref, false)
	}
	return ref, true
}

func (c *Conntrack) remove(ref connRef) {
	reply := ref.key
	reply.tuple = ref.Reply
	delete(c.byKey, reply)
	delete(c.byKey, ref.key)
}

// execValues reads what exec assigns while the packet is as it came.
func execValues(p *Packet, exec []Op) []Value {
	values := make([]Value, len(exec))
	for i, op := range exec {
		switch o := op.(type) {
		case Set:
			values[i] = o.Value
		case Copy:
			values[i] = p.GetSub(o.Src)
		}
	}
	return values
}

func assigned(op Op) Sub {
	switch o := op.(type) {
	case Set:
		return o.Dst
	case Copy:
		return o.Dst
	}
	return Sub{}
}
