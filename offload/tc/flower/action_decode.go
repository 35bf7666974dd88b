package flower

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/internal/nl"
)

// decodeActions reads a list of actions with their status. It ends at the first number that is missing, as in the kernel.
func decodeActions(b []byte) (actions []Action, status []ActionStatus, err error) {
	var slots [maxActions + 1]nl.Attr
	t := nl.NewTable(slots[:])
	if err := t.Parse(b); err != nil {
		return nil, nil, err
	}
	n := 0
	for n < maxActions && t.Has(uint16(n+1)) {
		n++
	}
	if n == 0 {
		return nil, nil, nil
	}
	actions, status = make([]Action, n), make([]ActionStatus, n)
	for i := range n {
		body, _ := t.Bytes(uint16(i + 1))
		if err := actions[i].decode(body, &status[i]); err != nil {
			return nil, nil, err
		}
	}
	return actions, status, nil
}

func (a *Action) decode(b []byte, s *ActionStatus) error {
	var slots [actEnd]nl.Attr
	t := nl.NewTable(slots[:])
	if err := t.Parse(b); err != nil {
		return err
	}
	_, _ = t.Bytes(actPad)
	kind, ok := t.Bytes(actKind)
	if !ok {
		return invalid("action", "of the kernel has no kind")
	}
	options, _ := t.Bytes(actOptions)
	a.decodeOp(bytes.TrimSuffix(kind, []byte{0}), options, s)
	if index, ok := t.U32(actIndex); ok {
		a.Index = index // of terse dumps
	}
	if cookie, ok := t.Bytes(actCookie); ok {
		a.Cookie, _ = NewCookie(cookie[:min(len(cookie), len(a.Cookie.bytes))])
	}
	if stats, ok := t.Bytes(actStats); ok {
		if err := s.Stats.decode(stats); err != nil {
			return err
		}
	}
	if value, selector, ok := takeBits(&t, actHWStats); ok {
		a.HWStats = hwStatsOf(value & selector)
	}
	if value, selector, ok := takeBits(&t, actUsedHWStats); ok {
		s.UsedHWStats = Some(hwStatsOf(value & selector))
	}
	if value, selector, ok := takeBits(&t, actFlags); ok {
		a.NoPercpu = value&selector&actNoPercpu != 0
		s.SkipHW = value&selector&actSkipHW != 0
		s.SkipSW = value&selector&actSkipSW != 0
	}
	s.InHWCount, _ = t.U32(actInHWCount)
	s.Unknown = t.Rest()
	return t.Err()
}

func hwStatsOf(bits uint32) HWStats {
	switch bits & 3 {
	case 0:
		return HWStatsDisabled
	case 1:
		return HWStatsImmediate
	case 2:
		return HWStatsDelayed
	}
	return HWStatsAny
}

// An opFormat is how the options of one kind of action are laid out.
type opFormat struct {
	kind string
	// parms is the attribute of the structure that begins with struct tc_gen, size that structure's size in bytes, or 0 if it
	// varies; tm and pad are the attributes of the times and of padding, end is the highest of all plus one.
	parms, tm, pad, end uint16
	size                int
}

// genSize is the size of struct tc_gen: index, capab, action, refcnt, bindcnt.
const genSize = 20

// maxOptionAttrs is more than any of the kinds has.
const maxOptionAttrs = 20

// formatOf returns the format of a kind; police has a structure of its own.
func formatOf(kind []byte) *opFormat {
	switch string(kind) {
	case "gact":
		return &gactFormat
	case "mirred":
		return &mirredFormat
	case "tunnel_key":
		return &tunnelFormat
	case "vlan":
		return &vlanFormat
	case "pedit":
		return &peditFormat
	case "csum":
		return &csumFormat
	case "ct":
		return &ctFormat
	case "police":
		return &policeFormat
	case "skbedit":
		return &skbeditFormat
	case "sample":
		return &sampleFormat
	case "mpls":
		return &mplsFormat
	}
	return nil
}

// decodeOp sets the operation, and what its options have of action and status. Options that it cannot represent in full make a
// Raw operation.
func (a *Action) decodeOp(kind, options []byte, s *ActionStatus) {
	if f := formatOf(kind); f != nil && options != nil {
		a.Op = f.apply(a, options, s)
	}
	if a.Op == nil {
		a.Op = Raw{Name: string(kind), Options: slices.Clone(options)}
	}
}

func (f *opFormat) apply(a *Action, options []byte, s *ActionStatus) Op {
	var slots [maxOptionAttrs]nl.Attr
	t := nl.NewTable(slots[:f.end])
	if t.Parse(options) != nil {
		return nil
	}
	_, _ = t.Bytes(f.pad)
	parms, _ := t.Bytes(f.parms)
	if len(parms) < genSize || f.size != 0 && len(parms) != f.size {
		return nil
	}
	if f == &policeFormat {
		parms = takePoliceGen(parms, a, s)
	} else {
		parms = takeGen(parms, a, s)
	}
	if tm, ok := t.Bytes(f.tm); ok {
		s.Times.decode(tm)
	}
	op := f.decode(&t, parms)
	if t.Err() != nil || !t.IsEmpty() {
		return nil
	}
	return op
}

// decode makes the operation of the attributes and of what follows tc_gen in the structure. It returns nil for what it cannot
// represent. (The functions are called by name, and not kept in the formats, so that the table stays on the stack.)
func (f *opFormat) decode(t *nl.Table, parms []byte) Op {
	switch f {
	case &gactFormat:
		return decodeGact(t)
	case &mirredFormat:
		return decodeMirred(parms)
	case &tunnelFormat:
		return decodeTunnel(t, parms)
	case &vlanFormat:
		return decodeVLAN(t, parms)
	case &peditFormat:
		return decodePedit(t, parms)
	case &csumFormat:
		return decodeCsum(parms)
	case &ctFormat:
		return decodeCT(t)
	case &policeFormat:
		return decodePolice(t, parms)
	case &skbeditFormat:
		return decodeSkbedit(t)
	case &sampleFormat:
		return decodeSample(t)
	case &mplsFormat:
		return decodeMPLS(t, parms)
	}
	return nil
}

// takeGen reads a struct tc_gen and returns what follows.
func takeGen(b []byte, a *Action, s *ActionStatus) []byte {
	a.Index = binary.NativeEndian.Uint32(b)
	a.Control = Control(binary.NativeEndian.Uint32(b[8:]))
	s.Refs = int32(binary.NativeEndian.Uint32(b[12:]))
	s.Binds = int32(binary.NativeEndian.Uint32(b[16:]))
	return b[genSize:]
}

// putGen appends a structure of the given size that begins with a struct tc_gen, and returns what follows.
func putGen(e *nl.Encoder, typ uint16, size int, a *Action) []byte {
	b := e.Reserve(typ, size)
	binary.NativeEndian.PutUint32(b, a.Index)
	binary.NativeEndian.PutUint32(b[8:], uint32(a.Control))
	return b[genSize:]
}

// decode reads a struct tcf_t; kernels before 4.8 have no first use.
func (m *Times) decode(b []byte) {
	for i, field := range [...]*time.Duration{&m.Installed, &m.LastUse, &m.Expires, &m.FirstUse} {
		if len(b) >= 8*(i+1) {
			*field = time.Duration(binary.NativeEndian.Uint64(b[8*i:])) * userTick
		}
	}
}
