package ofp

import (
	"fmt"
	"iter"
)

// maxActionDepth is how deep actions may be nested in each other: much deeper
// than any real program, and little enough for the stack.
const maxActionDepth = 32

// All yields the actions. Actions that are nested in one are checked as well.
// After an error it stops; the error says which action is wrong. Byte slices of
// the actions share memory with a.
func (a Actions) All() iter.Seq2[Action, error] { return a.all(0) }

func (a Actions) all(depth int) iter.Seq2[Action, error] {
	return func(yield func(Action, error) bool) {
		for b := []byte(a); len(b) > 0; {
			act, n, err := decodeAction(b, depth)
			if err != nil {
				yield(nil, fmt.Errorf("ofp: actions: offset %d: %w", len(a)-len(b), err))
				return
			}
			if !yield(act, nil) {
				return
			}
			b = b[n:]
		}
	}
}

// check decodes all of a, which is nested depth deep.
func (a Actions) check(depth int) error {
	for _, err := range a.all(depth) {
		if err != nil {
			return err
		}
	}
	return nil
}

// AppendText appends the actions as ovs-ofctl prints them, "drop" for none.
func (a Actions) AppendText(b []byte) ([]byte, error) {
	if len(a) == 0 {
		return append(b, "drop"...), nil
	}
	first := true
	for act, err := range a.All() {
		if err != nil {
			return b, err
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = act.AppendText(b)
	}
	return b, nil
}

// nested appends the text of actions inside another one, which were checked
// when that one was decoded. Values made by hand may hold anything.
func (a Actions) nested(b []byte) []byte {
	t, err := a.AppendText(b)
	if err != nil {
		return append(append(t, '<'), err.Error()+">"...)
	}
	return t
}

// String is the text of AppendText, or the error.
func (a Actions) String() string { return string(a.nested(nil)) }

// decodeAction reads the action at the start of b and returns its length.
func decodeAction(b []byte, depth int) (Action, int, error) {
	if depth > maxActionDepth {
		return nil, 0, fmt.Errorf("actions are nested more than %d deep", maxActionDepth)
	}
	if len(b) < 8 {
		return nil, 0, fmt.Errorf("action cut off after %d bytes", len(b))
	}
	typ, n := uint16(b[0])<<8|uint16(b[1]), int(b[2])<<8|int(b[3])
	if n < 8 || n%8 != 0 || n > len(b) {
		return nil, 0, fmt.Errorf("action %d says its length is %d; there are %d bytes", typ, n, len(b))
	}
	r := &actionReader{reader{b: b[4:n:n], what: "action"}, depth}
	act := r.standard(typ)
	if r.err != nil {
		return nil, 0, fmt.Errorf("action %d: %w", typ, r.err)
	}
	return act, n, nil
}

// actionReader reads the body of one action.
type actionReader struct {
	reader
	depth int // how deep the action is nested
}

func (r *actionReader) standard(typ uint16) Action {
	switch typ {
	case atOutput:
		return r.output()
	case atPushVLAN:
		return PushVLAN{r.u16()}
	case atPopVLAN:
		return PopVLAN{}
	case atPushMPLS:
		return PushMPLS{r.u16()}
	case atPopMPLS:
		return PopMPLS{r.u16()}
	case atSetQueue:
		return SetQueue{r.u32()}
	case atGroup:
		return Group{r.u32()}
	case atSetTTL:
		return SetTTL{r.u8()}
	case atDecTTL:
		return DecTTL{}
	case atSetField:
		return r.setField()
	case atCopyField:
		return r.move()
	case atMeter:
		return Meter{r.u32()}
	case atExp:
		if exp := r.u32(); exp != expNicira {
			r.fail("experimenter 0x%08x is not supported", exp)
			return nil
		}
		sub := r.u16()
		act := r.nicira(sub)
		if r.err != nil {
			r.err = fmt.Errorf("action of Nicira %d: %w", sub, r.err)
		}
		return act
	}
	r.fail("not supported")
	return nil
}

func (r *actionReader) nicira(sub uint16) Action {
	switch sub {
	case nxResubmitTable, nxResubmitTableCT:
		return r.resubmit(sub)
	case nxResubmit:
		return Resubmit{Table: 0xff, Port: PortFrom16(r.u16())}
	case nxPopQueue:
		return PopQueue{}
	case nxNote:
		return Note{r.b}
	case nxMultipath:
		return r.multipath()
	case nxBundle, nxBundleLoad:
		return r.bundle(sub)
	case nxOutputReg, nxOutputReg2:
		return r.outputReg(sub)
	case nxLearn, nxLearn2:
		return r.learn(sub)
	case nxExit:
		return Exit{}
	case nxController:
		return r.controller()
	case nxController2:
		return r.controller2()
	case nxStackPush:
		return Push{r.stack()}
	case nxStackPop:
		return Pop{r.stack()}
	case nxSample, nxSample2, nxSample3:
		return r.sample(sub)
	case nxConjunction:
		return Conjunction{Clause: r.u8(), N: r.u8(), ID: r.u32()}
	case nxCT:
		return r.ct()
	case nxNAT:
		return r.nat()
	case nxClone:
		r.skip(6)
		return Clone{r.actions()}
	case nxCTClear:
		return CTClear{}
	case nxCheckPktLarger:
		return r.checkPktLarger()
	case nxDeleteField:
		return DeleteField{r.header()}
	}
	r.fail("not supported")
	return nil
}

// actions takes the rest of the action as nested actions.
func (r *actionReader) actions() Actions {
	if r.err != nil {
		return nil
	}
	a := Actions(r.b)
	r.b = nil
	r.err = a.check(r.depth + 1)
	return a
}

// header takes an OXM or NXM header.
func (r *actionReader) header() Field {
	if r.err != nil {
		return FieldNone
	}
	e, err := decodeOXMHeader(r.b)
	if err != nil {
		r.err = fmt.Errorf("%s: %w", r.what, err)
		return FieldNone
	}
	if e.masked {
		r.fail("%s: header of %s with a mask", r.what, e.field)
	}
	r.skip(e.header)
	return e.field
}

// sub makes a Sub and checks that it lies within its field.
func (r *actionReader) sub(f Field, ofs, n uint16) Sub {
	s := Sub{f, ofs, n}
	if r.err == nil && !s.valid() {
		r.fail("%s: %s has no bits %d..%d", r.what, f, ofs, int(ofs)+int(n)-1)
	}
	return s
}

// packed is sub with offset and width as ofsNBits packs them.
func (r *actionReader) packed(f Field, on uint16) Sub { return r.sub(f, on>>6, on&0x3f+1) }
