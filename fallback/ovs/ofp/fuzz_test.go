package ofp

import (
	"bytes"
	"testing"
)

// seedFlows are the flows of flowTexts.
func seedFlows(f *testing.F) []*FlowMod {
	f.Helper()
	var out []*FlowMod
	for _, text := range flowTexts {
		m, err := ParseFlow(text)
		if err != nil {
			f.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// FuzzDecodeMatch: a match that can be decoded has one canonical form.
func FuzzDecodeMatch(f *testing.F) {
	for _, m := range seedFlows(f) {
		f.Add([]byte(m.Match))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Match(b).Canonical()
		if err != nil {
			return
		}
		again, err := m.Canonical()
		if err != nil || !bytes.Equal(m, again) {
			t.Errorf("canonical %x became %x, error %v", []byte(m), []byte(again), err)
		}
		if _, err := m.AppendText(nil); err != nil {
			t.Errorf("%x has no text: %v", []byte(m), err)
		}
	})
}

// FuzzDecodeActions: actions that can be decoded and encoded again stay the same
// when that is repeated, and their text can be written.
func FuzzDecodeActions(f *testing.F) {
	for _, m := range seedFlows(f) {
		f.Add([]byte(m.Actions))
	}
	encode := func(a Actions) (Actions, bool) {
		var e Encoder
		for act, err := range a.All() {
			if err != nil {
				return nil, false
			}
			act.Append(&e)
		}
		out, err := e.Actions()
		return out, err == nil
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = Actions(b).String()
		once, ok := encode(b)
		if !ok {
			return
		}
		twice, ok := encode(once)
		if !ok || !bytes.Equal(once, twice) {
			t.Errorf("%x became %x", []byte(once), []byte(twice))
		}
	})
}

// FuzzParseFlow: a flow that can be read can be written and read again.
func FuzzParseFlow(f *testing.F) {
	for _, text := range flowTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseFlow(s)
		if err != nil {
			return
		}
		text := m.Flow().String()
		again, err := ParseFlow(text)
		if err != nil {
			t.Fatalf("%q was written as %q, which is refused: %v", s, text, err)
		}
		if got := again.Flow().String(); got != text {
			t.Errorf("%q was written as %q, then as %q", s, text, got)
		}
	})
}

func FuzzParseGroup(f *testing.F) {
	for _, text := range groupTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g, err := ParseGroup(s)
		if err != nil {
			return
		}
		if _, err := (&GroupMod{Group: *g}).Append(nil, 1); err != nil {
			return
		}
		text := g.String()
		if _, err := ParseGroup(text); err != nil {
			t.Errorf("%q was written as %q, which is refused: %v", s, text, err)
		}
	})
}

// FuzzDecodeMessage: no message makes a decoder panic or loop.
func FuzzDecodeMessage(f *testing.F) {
	add := func(m Message) {
		b, err := m.Append(nil, 1)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	add(&Hello{})
	add(&Echo{Data: []byte("x")})
	add(&Error{Type: 4, Code: 9, Request: []byte{6, 14, 0, 8, 0, 0, 0, 1}})
	add(&Error{Type: experimenterError, Code: 37, Experimenter: expNicira})
	add(&BundleCtrl{ID: 1, Type: BundleOpen})
	add(&Resume{PacketIn{Packet: make([]byte, 60), Continuation: []byte{0, 0, 0, 0, 1}, Metadata: Match{0x80, 0, 0, 4, 0, 0, 0, 1}}})
	add(&TLVTableMod{Maps: []TLVMap{{0x102, 0x80, 4, 0}}})
	for _, b := range captured {
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		if len(b) >= HeaderLen && len(b) <= MaxLen { // let the fuzzer get past the length
			b[2], b[3] = byte(len(b)>>8), byte(len(b))
		}
		_, m, err := Decode(b)
		if err != nil {
			return
		}
		r, ok := m.(*MultipartReply)
		if !ok {
			return
		}
		for f := range Flows(r.Body) {
			if f != nil {
				_ = f.String()
			}
		}
		for u := range FlowUpdates(r.Body) {
			if u != nil {
				_ = u.Flow.String()
			}
		}
		for g := range Groups(r.Body) {
			if g != nil {
				_ = g.String()
			}
		}
		// The results do not matter, only that there are some.
		DecodePortDescs(r.Body)     //nolint:errcheck
		DecodeGroupStats(r.Body)    //nolint:errcheck
		DecodeMeterConfigs(r.Body)  //nolint:errcheck
		DecodeMeterStats(r.Body)    //nolint:errcheck
		DecodeMeterFeatures(r.Body) //nolint:errcheck
	})
}
