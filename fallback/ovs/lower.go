package ovs

import (
	"encoding/binary"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// lowerer turns ir rules into OpenFlow. It reuses its buffers: what it returns is
// valid until the next call, copies excepted.
type lowerer struct {
	profile *Profile
	groups  *groups
	meters  *meters

	tunOpt   ofp.Field // tunnel metadata field of the Geneve option, FieldNone while there is none
	tunIndex int       // its number; -1 while there is none

	mb       ofp.MatchBuilder
	enc      ofp.Encoder
	buf      []byte
	matchBuf []byte
	cookie   uint32

	used  []uint32 // groups used by the actions being lowered
	named []string // meters used

	programs map[*ir.Program]lowered // of the delta being applied: its rules share them
}

// lowered is a program in OpenFlow form, with the groups and meters that it uses.
type lowered struct {
	actions string
	groups  []uint32
	meters  []string
}

// setTunOpt says which tunnel metadata field is the Geneve option; -1 for none.
func (l *lowerer) setTunOpt(index int) {
	l.tunIndex, l.tunOpt = index, ofp.TunMetadata(index, optLen)
}

// match encodes a rule's match; extra terms are added for conjunctive flows.
func (l *lowerer) match(dp uint32, m ir.Match, conj uint32) (ofp.Match, error) {
	l.mb.Reset()
	if dp != 0 {
		l.mb.Set(ofp.Metadata, uint64(dp))
	}
	if conj != 0 {
		l.mb.Set(ofp.ConjID, uint64(conj))
	}
	for t := range m.Terms() {
		if t.Field == ir.VLANTCI {
			l.vlan(t)
			continue
		}
		f, err := l.field(t.Field)
		if err != nil {
			return nil, err
		}
		l.mb.SetMasked(f, value(t.Value), value(t.Mask))
	}
	var err error
	l.matchBuf, err = appendMatch(&l.mb, l.matchBuf[:0])
	return l.matchBuf, err
}

func appendMatch(mb *ofp.MatchBuilder, b []byte) ([]byte, error) {
	m, err := mb.Append(b)
	return m, err
}

// vlan splits a test of the whole TCI into the two fields that OpenFlow has.
func (l *lowerer) vlan(t ir.Term) {
	if k := t.Mask.Lo & 0x1fff; k != 0 {
		l.mb.SetMasked(ofp.VLANVID, ofp.V(t.Value.Lo&0x1fff), ofp.V(k))
	}
	if k := t.Mask.Lo >> 13; k != 0 {
		l.mb.SetMasked(ofp.VLANPCP, ofp.V(t.Value.Lo>>13), ofp.V(k))
	}
}

// key identifies a flow in the switch: table, priority, match.
func flowKey(b []byte, table uint8, priority uint16, m ofp.Match) []byte {
	b = append(b, table, byte(priority>>8), byte(priority))
	return append(b, m...)
}

// splitKey is the inverse of flowKey.
func splitKey(k string) (table uint8, priority uint16, match string) {
	return k[0], uint16(k[1])<<8 | uint16(k[2]), k[3:]
}

// actions lowers a program, once in a delta.
func (l *lowerer) actions(p *ir.Program, cookie uint32) (string, []uint32, []string, error) {
	if x, ok := l.programs[p]; ok {
		return x.actions, x.groups, x.meters, nil
	}
	l.enc.Reset(l.buf[:0])
	l.used, l.named, l.cookie = nil, nil, cookie
	if err := l.ops(&l.enc, p.Ops); err != nil {
		return "", nil, nil, err
	}
	a, err := l.enc.Actions()
	if err != nil {
		return "", nil, nil, err
	}
	l.buf = a
	x := lowered{string(a), l.used, l.named}
	if l.programs != nil && !hasCookie(p.Ops) {
		l.programs[p] = x
	}
	return x.actions, x.groups, x.meters, nil
}

// begin and end enclose a delta. What is remembered is void behind it: groups and
// meters may go.
func (l *lowerer) begin() { l.programs = map[*ir.Program]lowered{} }
func (l *lowerer) end()   { l.programs = nil }

// hasCookie tells whether the encoding depends on the rule's cookie: learned flows
// carry it, and a rate limit without a name is the row's own.
func hasCookie(ops []ir.Op) bool {
	for _, op := range ops {
		switch op := op.(type) {
		case ir.Learn:
			return true
		case ir.Meter:
			if op.Name == "" {
				return true
			}
		case ir.Clone:
			if hasCookie(op.Ops) {
				return true
			}
		}
	}
	return false
}

// userdata header of a punt, in front of Args and Inner:
//
//	be32 opcode, be16 length of Args, be16 flags
//	with flagResult: be32 number of the result's ir field, be16 offset, be16 bits
const (
	flagResult   = 1
	puntHeader   = 8
	resultHeader = 8
)

func appendPuntHeader(b []byte, p ir.Punt) []byte {
	var flags uint16
	if p.Result.Field != ir.FieldNone {
		flags |= flagResult
	}
	b = binary.BigEndian.AppendUint32(b, uint32(p.Opcode))
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.Args)))
	b = binary.BigEndian.AppendUint16(b, flags)
	if flags&flagResult != 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(p.Result.Field))
		b = binary.BigEndian.AppendUint16(b, uint16(p.Result.Ofs))
		b = binary.BigEndian.AppendUint16(b, uint16(p.Result.N))
	}
	return append(b, p.Args...)
}
