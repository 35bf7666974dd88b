package ir

import (
	"encoding/hex"
	"net/netip"
)

// ops reads "{op; op;}".
func (s *scanner) ops() []Op {
	s.want("{")
	if s.depth++; s.depth > maxNesting {
		s.fail("at most 100 nested blocks")
	}
	var ops []Op
	for s.err == nil && !s.accept("}") {
		ops = append(ops, s.op())
		s.want(";")
	}
	s.depth--
	return ops
}

func (s *scanner) op() Op {
	switch w := s.peek(); w {
	case "push":
		s.keyword(w)
		return Push{s.sub()}
	case "pop":
		s.keyword(w)
		return Pop{s.sub()}
	case "dec_ttl":
		s.keyword(w)
		return DecTTL{}
	case "push_vlan":
		s.keyword(w)
		return PushVLAN{uint16(s.value(16).Lo)}
	case "pop_vlan":
		s.keyword(w)
		return PopVLAN{}
	case "screen":
		s.keyword(w)
		return Screen{}
	case "ct_clear":
		s.keyword(w)
		return CTClear{}
	case "call":
		s.keyword(w)
		return Call{s.stage()}
	case "to_port":
		s.keyword(w)
		if s.keyword("in_port") {
			return ToPort{InPortNumber}
		}
		return ToPort{uint32(s.uint(32))}
	case "first_up":
		s.keyword(w)
		var o FirstUp
		for w := s.peek(); s.err == nil && w != ""; w = s.peek() {
			o.Ports = append(o.Ports, uint32(s.uint(32)))
		}
		return o
	case "set_queue":
		s.keyword(w)
		return SetQueue{uint32(s.uint(32))}
	case "clone":
		s.keyword(w)
		return Clone{s.ops()}
	case "ct":
		s.keyword(w)
		return s.ct()
	case "select":
		s.keyword(w)
		return s.selectOp()
	case "punt":
		s.keyword(w)
		return s.punt()
	case "learn":
		s.keyword(w)
		return s.learn()
	case "sample":
		s.keyword(w)
		return s.sample()
	case "meter":
		s.keyword(w)
		return s.meter()
	}
	return s.assignment()
}

// assignment reads "dst = constant", "dst = field" or "dst = longer N".
func (s *scanner) assignment() Op {
	at := s.mark()
	dst := s.sub()
	s.want("=")
	if s.keyword("longer") {
		if s.err == nil && dst.N != 1 {
			s.failAt(at, "one bit for the result of longer")
		}
		return CheckLarger{dst, uint16(s.uint(16))}
	}
	if v, isValue := s.operand(int(dst.N)); isValue {
		return Set{dst, v}
	}
	at = s.mark()
	src := s.sub()
	if s.err == nil && src.N != dst.N {
		s.failAt(at, "a source as wide as "+dst.String())
	}
	return Copy{dst, src}
}

// operand reads a number when one is next.
func (s *scanner) operand(bits int) (v Value, isValue bool) {
	if w := s.peek(); w == "" || w[0] < '0' || w[0] > '9' {
		return Value{}, false
	}
	return s.value(bits), true
}

func (s *scanner) ct() Op {
	o := CT{Next: NoStage}
	s.wantKey("zone")
	if w := s.peek(); w != "" && w[0] >= '0' && w[0] <= '9' {
		o.Zone.Const = uint16(s.uint(16))
	} else {
		o.Zone.Sub = s.sub()
	}
	for s.err == nil {
		switch {
		case s.keyword("commit"):
			o.Commit = true
		case s.keyword("force"):
			o.Force = true
		case s.key("next"):
			o.Next = s.stage()
		case s.key("alg"):
			o.ALG = uint16(s.uint(16))
		case s.keyword("nat"):
			o.NAT = s.nat()
		case s.keyword("exec"):
			o.Exec = s.ops()
		default:
			return o
		}
	}
	return o
}

func (s *scanner) nat() *NAT {
	n := &NAT{}
	s.want("(")
	if s.keyword("src") {
		n.SNAT = true
	} else if s.keyword("dst") {
		n.DNAT = true
	}
	if s.accept("=") {
		n.AddrMin = s.addr()
		if s.accept("-") {
			n.AddrMax = s.addr()
		}
	}
	for s.err == nil {
		switch {
		case s.key("port"):
			n.PortMin = uint16(s.uint(16))
			if s.accept("-") {
				n.PortMax = uint16(s.uint(16))
			}
		case s.keyword("hash"):
			n.Hash = true
		case s.keyword("random"):
			n.Random = true
		case s.keyword("persistent"):
			n.Keep = true
		default:
			s.want(")")
			return n
		}
	}
	return n
}

func (s *scanner) addr() netip.Addr {
	w := s.run(func(c byte) bool {
		return c == '.' || c == ':' || '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
	})
	a, err := netip.ParseAddr(w)
	if err != nil {
		s.fail("an IP address")
		return netip.Addr{}
	}
	s.pos += len(w)
	return a
}

func (s *scanner) selectOp() Op {
	var o Select
	if s.key("hash") {
		o.Fields = append(o.Fields, s.field())
		for s.accept(",") {
			o.Fields = append(o.Fields, s.field())
		}
	}
	for s.err == nil && s.keyword("bucket") {
		var k Bucket
		s.want("(")
		s.wantKey("weight")
		k.Weight = uint16(s.uint(16))
		if s.key("watch") {
			k.Watch = uint32(s.uint(32))
		}
		k.Ops = s.ops()
		s.want(")")
		o.Buckets = append(o.Buckets, k)
	}
	return o
}

func (s *scanner) punt() Op {
	at := s.mark()
	op, ok := opcodeByName[s.word("an opcode")]
	if !ok {
		s.failAt(at, "an opcode such as put_arp")
	}
	o := Punt{Opcode: op, Pause: s.keyword("pause")}
	if s.key("result") {
		o.Result = s.sub()
	}
	if s.key("meter") {
		o.Meter = s.quoted()
	}
	if s.key("args") {
		at := s.mark()
		b, err := hex.DecodeString(s.word("hexadecimal bytes"))
		if err != nil {
			s.failAt(at, "hexadecimal bytes")
		}
		o.Args = b
	}
	if s.accept("{") {
		s.pos--
		o.Inner = s.ops()
	}
	return o
}

var opcodeByName = func() map[string]Opcode {
	m := make(map[string]Opcode, numOpcodes)
	for o, name := range opcodeNames {
		m[name] = Opcode(o)
	}
	return m
}()

func (s *scanner) learn() Op {
	o := Learn{Stage: s.stage()}
	s.wantKey("priority")
	o.Priority = uint16(s.uint(16))
	if s.key("idle") {
		o.Idle = uint16(s.uint(16))
	}
	if s.key("hard") {
		o.Hard = uint16(s.uint(16))
	}
	o.DeleteOnDel = s.keyword("delete_learned")
	for s.err == nil {
		switch {
		case s.keyword("match"):
			dst, src, v := s.learnPart()
			o.Matches = append(o.Matches, LearnMatch{dst, src, v})
		case s.keyword("load"):
			dst, src, v := s.learnPart()
			o.Loads = append(o.Loads, LearnLoad{dst, src, v})
		default:
			return o
		}
	}
	return o
}

// learnPart reads "(dst = src)" or "(dst = constant)".
func (s *scanner) learnPart() (dst, src Sub, v Value) {
	s.want("(")
	dst = s.sub()
	s.want("=")
	v, isValue := s.operand(int(dst.N))
	if !isValue {
		at := s.mark()
		src = s.sub()
		if s.err == nil && src.N != dst.N {
			s.failAt(at, "a source as wide as "+dst.String())
		}
	}
	s.want(")")
	return dst, src, v
}

func (s *scanner) sample() Op {
	var o Sample
	s.wantKey("probability")
	o.Probability = uint16(s.uint(16))
	s.wantKey("collector_set")
	o.CollectorSet = uint32(s.uint(32))
	s.wantKey("obs_domain")
	o.ObsDomain = uint32(s.uint(32))
	s.wantKey("obs_point")
	if v, isValue := s.operand(32); isValue {
		o.ObsPoint = uint32(v.Lo)
	} else {
		o.ObsPointSub = s.sub()
	}
	return o
}

func (s *scanner) meter() Op {
	if s.accept(`"`) {
		s.pos--
		at := s.pos
		name := s.quoted()
		if name == "" {
			s.failAt(at, "a meter name that is not empty, or rate=")
		}
		return Meter{Name: name}
	}
	var o Meter
	s.wantKey("rate")
	o.Rate = s.uint(64)
	s.wantKey("burst")
	o.Burst = s.uint(64)
	return o
}
