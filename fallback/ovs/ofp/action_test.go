package ofp

import (
	"bytes"
	"strings"
	"testing"
)

func TestUserDataInPlaceIsTheSame(t *testing.T) {
	a := Controller{MaxLen: 100, ID: 2, UserData: []byte{1, 2, 3, 4, 5}, Pause: true, Meter: 7}
	var whole, parts Encoder
	a.Append(&whole)
	m, d := a.OpenUserData(&parts)
	parts.Bytes([]byte{1, 2})
	parts.Bytes([]byte{3, 4, 5})
	a.CloseUserData(&parts, m, d)
	x, err := whole.Actions()
	y, err2 := parts.Actions()
	if err != nil || err2 != nil || !bytes.Equal(x, y) {
		t.Errorf("%x %v\n%x %v", []byte(x), err, []byte(y), err2)
	}
}

func TestNestedActionsInPlaceAreTheSame(t *testing.T) {
	var inner, whole, parts Encoder
	DecTTL{}.Append(&inner)
	acts, _ := inner.Actions()
	CT{Commit: true, Table: 3, Actions: acts}.Append(&whole)
	Clone{acts}.Append(&whole)
	m := CT{Commit: true, Table: 3}.Open(&parts)
	DecTTL{}.Append(&parts)
	parts.Close(m)
	m = Clone{}.Open(&parts)
	DecTTL{}.Append(&parts)
	parts.Close(m)
	x, _ := whole.Actions()
	y, err := parts.Actions()
	if err != nil || !bytes.Equal(x, y) {
		t.Errorf("%x\n%x, error %v", []byte(x), []byte(y), err)
	}
}

// TestEncoderRemembersTheFirstError and refuses what has no wire form.
func TestEncoderRemembersTheFirstError(t *testing.T) {
	for _, tc := range []struct {
		a    Action
		want string
	}{
		{SetField{Field: Field(0xfe)}, "there is no such field"},
		{Set(CTState, V(1)), "ct_state cannot be written"},
		{SetField{Reg(0), V(1), Value{}}, "outside of its mask"},
		{SetField{Reg(0), Value{}, Value{}}, "the mask is zero"},
		{Set(Reg(0), V(1<<32)), "outside of its mask or of the field"},
		{Move{All(Reg(0)), All(XReg(0))}, "32 bits of reg0 to 64 bits of xreg0"},
		{Push{Bits(Reg(0), 30, 5)}, "reg0 has no bits 30..34"},
		{Pop{All(CTZone)}, "ct_zone cannot be written"},
		{Resubmit{Port: 70000}, "does not fit into 16 bits"},
		{Conjunction{N: 1}, "2 to 64 clauses"},
		{CT{Force: true}, "force needs commit"},
		{CT{ZoneSrc: Bits(Reg(0), 0, 8)}, "the zone is 16 bits"},
		{CheckPktLarger{1, All(Reg(0))}, "the result is 1 bit"},
		{DeleteField{Reg(0)}, "only tunnel metadata can be deleted"},
		{Sample{}, "the probability is 0"},
		{Learn{Table: 255}, "there is no table 255"},
		{Learn{Specs: []LearnSpec{{Kind: LearnLoad, Value: V(256), Dst: Bits(Reg(0), 0, 8)}}}, "does not fit into 8 bits"},
		{Learn{Specs: []LearnSpec{{Kind: LearnOutput}}}, "output needs a field"},
		{Controller{Reason: 99}, "there is no packet-in reason 99"},
		{Clone{make(Actions, 1<<16)}, "the limit is 65535"},
	} {
		var e Encoder
		tc.a.Append(&e)
		Set(CTState, V(2)).Append(&e) // a later error
		if _, err := e.Actions(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%#v: error %v, want %q", tc.a, err, tc.want)
		}
		e.Reset(nil)
		if _, err := e.Actions(); err != nil {
			t.Errorf("the error outlived Reset: %v", err)
		}
	}
}

func TestMatchWithReplacesBits(t *testing.T) {
	m, err := ParseMatch("reg3=0x12345678,in_port=5,ct_state=+new+trk,ip,ct_nw_src=10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		s    Sub
		v    uint64
		want string
	}{
		{Bits(Reg(3), 8, 8), 0xab, "ct_state=+new+trk,ct_nw_src=10.0.0.1,ip,reg3=0x1234ab78,in_port=5"},
		{Bits(Reg(2), 0, 1), 1, "ct_state=+new+trk,ct_nw_src=10.0.0.1,ip,reg2=0x1/0x1,reg3=0x12345678,in_port=5"},
		{All(XReg(1)), 1, "ct_state=+new+trk,ct_nw_src=10.0.0.1,ip,reg2=0,reg3=0x1,in_port=5"},
		{All(InPort), 7, "ct_state=+new+trk,ct_nw_src=10.0.0.1,ip,reg3=0x12345678,in_port=7"},
	} {
		got, err := m.With(tc.s, V(tc.v))
		if err != nil || got.String() != tc.want {
			t.Errorf("%v: error %v\ngot  %s\nwant %s", tc.s, err, got, tc.want)
		}
	}
	if _, err := m.With(Bits(Reg(0), 30, 8), V(0)); err == nil {
		t.Error("bits beyond the field were accepted")
	}
}
