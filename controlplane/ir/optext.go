package ir

import (
	"encoding/hex"
	"strconv"
)

// String is "field" or "field[lo..hi]", "field[bit]".
func (s Sub) String() string { return string(s.AppendText(nil)) }

// AppendText appends String.
func (s Sub) AppendText(b []byte) []byte {
	b = append(b, s.Field.String()...)
	switch {
	case s.Whole():
	case s.N == 1:
		b = append(b, '[')
		b = strconv.AppendUint(b, uint64(s.Ofs), 10)
		b = append(b, ']')
	default:
		b = append(b, '[')
		b = strconv.AppendUint(b, uint64(s.Ofs), 10)
		b = append(b, ".."...)
		b = strconv.AppendUint(b, uint64(s.Ofs)+uint64(s.N)-1, 10)
		b = append(b, ']')
	}
	return b
}

func appendOps(b []byte, ops []Op) []byte {
	b = append(b, '{')
	for i, op := range ops {
		if i > 0 {
			b = append(b, ' ')
		}
		b = op.AppendText(b)
		b = append(b, ';')
	}
	return append(b, '}')
}

func appendKV(b []byte, k string, v uint64) []byte {
	b = append(b, ' ')
	b = append(b, k...)
	b = append(b, '=')
	return strconv.AppendUint(b, v, 10)
}

func appendFlag(b []byte, name string, on bool) []byte {
	if on {
		b = append(b, ' ')
		b = append(b, name...)
	}
	return b
}

func (o Set) AppendText(b []byte) []byte {
	b = append(o.Dst.AppendText(b), " = "...)
	return append(b, o.Value.String()...)
}

func (o Copy) AppendText(b []byte) []byte {
	return o.Src.AppendText(append(o.Dst.AppendText(b), " = "...))
}

func (o Push) AppendText(b []byte) []byte { return o.Src.AppendText(append(b, "push "...)) }
func (o Pop) AppendText(b []byte) []byte  { return o.Dst.AppendText(append(b, "pop "...)) }

func (DecTTL) AppendText(b []byte) []byte  { return append(b, "dec_ttl"...) }
func (PopVLAN) AppendText(b []byte) []byte { return append(b, "pop_vlan"...) }
func (CTClear) AppendText(b []byte) []byte { return append(b, "ct_clear"...) }
func (Screen) AppendText(b []byte) []byte  { return append(b, "screen"...) }

func (o Call) AppendText(b []byte) []byte {
	return append(append(b, "call "...), o.Stage.String()...)
}

func (o PushVLAN) AppendText(b []byte) []byte {
	return strconv.AppendUint(append(b, "push_vlan 0x"...), uint64(o.TPID), 16)
}

func (o FirstUp) AppendText(b []byte) []byte {
	b = append(b, "first_up"...)
	for _, p := range o.Ports {
		b = strconv.AppendUint(append(b, ' '), uint64(p), 10)
	}
	return b
}

func (o ToPort) AppendText(b []byte) []byte {
	if o.Port == InPortNumber {
		return append(b, "to_port in_port"...)
	}
	return strconv.AppendUint(append(b, "to_port "...), uint64(o.Port), 10)
}

// AppendText appends a zone: a sub-field or a number.
func (z ZoneRef) AppendText(b []byte) []byte {
	if z.Sub.Field != FieldNone {
		return z.Sub.AppendText(b)
	}
	return strconv.AppendUint(b, uint64(z.Const), 10)
}

func (o CT) AppendText(b []byte) []byte {
	b = append(b, "ct zone="...)
	b = o.Zone.AppendText(b)
	b = appendFlag(b, "commit", o.Commit)
	b = appendFlag(b, "force", o.Force)
	if o.Next != NoStage {
		b = append(append(b, " next="...), o.Next.String()...)
	}
	if o.ALG != 0 {
		b = appendKV(b, "alg", uint64(o.ALG))
	}
	if o.NAT != nil {
		b = append(b, ' ')
		b = o.NAT.AppendText(b)
	}
	if len(o.Exec) > 0 {
		b = appendOps(append(b, " exec "...), o.Exec)
	}
	return b
}

// AppendText appends "nat(...)".
func (n *NAT) AppendText(b []byte) []byte {
	b = append(b, "nat("...)
	switch {
	case n.SNAT:
		b = append(b, "src"...)
	case n.DNAT:
		b = append(b, "dst"...)
	}
	if n.AddrMin.IsValid() {
		b = append(b, '=')
		b = append(b, n.AddrMin.String()...)
		if n.AddrMax.IsValid() {
			b = append(b, '-')
			b = append(b, n.AddrMax.String()...)
		}
	}
	if n.PortMin != 0 {
		b = appendKV(b, "port", uint64(n.PortMin))
		if n.PortMax != 0 {
			b = append(b, '-')
			b = strconv.AppendUint(b, uint64(n.PortMax), 10)
		}
	}
	b = appendFlag(b, "hash", n.Hash)
	b = appendFlag(b, "random", n.Random)
	b = appendFlag(b, "persistent", n.Keep)
	return append(b, ')')
}

func (o Select) AppendText(b []byte) []byte {
	b = append(b, "select"...)
	if len(o.Fields) > 0 {
		b = append(b, " hash="...)
		for i, f := range o.Fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, f.String()...)
		}
	}
	for _, k := range o.Buckets {
		b = append(b, " bucket("...)
		b = append(b, "weight="...)
		b = strconv.AppendUint(b, uint64(k.Weight), 10)
		if k.Watch != 0 {
			b = appendKV(b, "watch", uint64(k.Watch))
		}
		b = append(b, ' ')
		b = append(appendOps(b, k.Ops), ')')
	}
	return b
}

func (o Clone) AppendText(b []byte) []byte { return appendOps(append(b, "clone "...), o.Ops) }

func (o Punt) AppendText(b []byte) []byte {
	b = append(append(b, "punt "...), o.Opcode.String()...)
	b = appendFlag(b, "pause", o.Pause)
	if o.Result.Field != FieldNone {
		b = o.Result.AppendText(append(b, " result="...))
	}
	if o.Meter != "" {
		b = strconv.AppendQuote(append(b, " meter="...), o.Meter)
	}
	if len(o.Args) > 0 {
		b = append(b, " args="...)
		b = hex.AppendEncode(b, o.Args)
	}
	if len(o.Inner) > 0 {
		b = appendOps(append(b, ' '), o.Inner)
	}
	return b
}

func (o CheckLarger) AppendText(b []byte) []byte {
	b = o.Dst.AppendText(b)
	return strconv.AppendUint(append(b, " = longer "...), uint64(o.Len), 10)
}

func (o Learn) AppendText(b []byte) []byte {
	b = append(append(b, "learn "...), o.Stage.String()...)
	b = appendKV(b, "priority", uint64(o.Priority))
	if o.Idle != 0 {
		b = appendKV(b, "idle", uint64(o.Idle))
	}
	if o.Hard != 0 {
		b = appendKV(b, "hard", uint64(o.Hard))
	}
	b = appendFlag(b, "delete_learned", o.DeleteOnDel)
	for _, m := range o.Matches {
		b = appendLearn(append(b, " match("...), m.Dst, m.Src, m.Value)
	}
	for _, l := range o.Loads {
		b = appendLearn(append(b, " load("...), l.Dst, l.Src, l.Value)
	}
	return b
}

func appendLearn(b []byte, dst, src Sub, v Value) []byte {
	b = append(dst.AppendText(b), " = "...)
	if src.Field != FieldNone {
		b = src.AppendText(b)
	} else {
		b = append(b, v.String()...)
	}
	return append(b, ')')
}

func (o Sample) AppendText(b []byte) []byte {
	b = append(b, "sample"...)
	b = appendKV(b, "probability", uint64(o.Probability))
	b = appendKV(b, "collector_set", uint64(o.CollectorSet))
	b = appendKV(b, "obs_domain", uint64(o.ObsDomain))
	if o.ObsPointSub.Field != FieldNone {
		return o.ObsPointSub.AppendText(append(b, " obs_point="...))
	}
	return appendKV(b, "obs_point", uint64(o.ObsPoint))
}

func (o SetQueue) AppendText(b []byte) []byte {
	return strconv.AppendUint(append(b, "set_queue "...), uint64(o.ID), 10)
}

func (o Meter) AppendText(b []byte) []byte {
	b = append(b, "meter"...)
	if o.Name != "" {
		return strconv.AppendQuote(append(b, ' '), o.Name)
	}
	b = appendKV(b, "rate", o.Rate)
	return appendKV(b, "burst", o.Burst)
}
