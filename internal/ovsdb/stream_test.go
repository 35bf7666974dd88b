package ovsdb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// flatten walks a value with the Stream: objects and arrays down to a depth, what
// is below that as raw text.
func flatten(s *Stream, depth int) string {
	if depth > 0 {
		switch s.Peek() {
		case '{':
			var b strings.Builder
			var key []byte
			for s.BeginObject(); s.NextKey(&key); {
				fmt.Fprintf(&b, "%s=%s;", bytes.Clone(key), flatten(s, depth-1))
			}
			return "{" + b.String() + "}"
		case '[':
			var b strings.Builder
			for s.BeginArray(); s.NextItem(); {
				b.WriteString(flatten(s, depth-1) + ";")
			}
			return "[" + b.String() + "]"
		}
	}
	return string(s.Raw())
}

const streamText = `{"id":null, "method":"update3","params":["data","x", {"T":{"u1":{"insert":{"a":["set",["}\"","{"]],"b":"\\"}},"u2":{"delete":null}}}] }
 {"n":-1.5e3,"t":true,"e":{},"f":[ ],"g":[[],{}]}`

func TestStreamWalks(t *testing.T) {
	want := []string{
		`{id=null;method="update3";params=["data";"x";{"T":{"u1":{"insert":{"a":["set",["}\"","{"]],"b":"\\"}},"u2":{"delete":null}}};];}`,
		`{n=-1.5e3;t=true;e={};f=[];g=[[];{};];}`,
	}
	for name, r := range map[string]io.Reader{
		"at once":      strings.NewReader(streamText),
		"byte by byte": iotest.OneByteReader(strings.NewReader(streamText)),
		"in halves":    iotest.HalfReader(strings.NewReader(streamText)),
		"with EOF":     iotest.DataErrReader(strings.NewReader(streamText)),
	} {
		s := NewStream(r)
		for i := range want {
			if got := flatten(s, 2); got != want[i] {
				t.Errorf("%s: got %s (%v), want %s", name, got, s.Err(), want[i])
			}
		}
		if s.Peek() != 0 || s.Err() != io.EOF {
			t.Errorf("%s: error %v at the end, want EOF", name, s.Err())
		}
	}
}

// A value may be larger than the buffer, and begin at any place of it.
func TestStreamLargeValues(t *testing.T) {
	var text bytes.Buffer
	sizes := []int{1, streamBuffer - 3, 3 * streamBuffer, 7, 2 * maxIdleBuffer, 100}
	text.WriteByte('[')
	for i, n := range sizes {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"v":"%s"}`, strings.Repeat(string(rune('a'+i)), n))
	}
	text.WriteByte(']')
	s := NewStream(&text)
	i := 0
	for s.BeginArray(); s.NextItem(); i++ {
		var row struct{ V string }
		if err := json.Unmarshal(s.Raw(), &row); err != nil || row.V != strings.Repeat(string(rune('a'+i)), sizes[i]) {
			t.Errorf("value %d: %d bytes, %v", i, len(row.V), err)
		}
	}
	if i != len(sizes) || s.Err() != nil {
		t.Errorf("%d values, %v", i, s.Err())
	}
	s.Peek()
	if len(s.buf) > maxIdleBuffer {
		t.Errorf("an idle stream keeps %d bytes", len(s.buf))
	}
}

func TestStreamErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`}`, `expected a value, got '}'`},
		{`{"a" 1}`, `expected ':', got '1'`},
		{`{"a":1 "b":2}`, `expected ',' or '}', got '"'`},
		{`{"a":1,}`, "expected the name of a member"},
		{`{5:1}`, "expected the name of a member"},
		{`{"\x":1}`, "unknown escape"},
		{`{"a":,}`, `expected a value, got ','`},
		{`{"a":[1}}`, `unexpected '}'`},
		{`{"a":` + strings.Repeat("[", maxDepth+1), "nested more than"},
		{`{"a":"b`, "EOF"},
		{`{"a":12`, "EOF"},
	} {
		s := NewStream(strings.NewReader(test.text))
		flatten(s, 1)
		flatten(s, 1)
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.30s: error %v, want one with %q", test.text, err, test.want)
		}
	}
}

func TestStreamReaderWithoutProgress(t *testing.T) {
	s := NewStream(idleReader{})
	s.Peek()
	if s.Err() != io.ErrNoProgress {
		t.Errorf("error %v", s.Err())
	}
}

type idleReader struct{}

func (idleReader) Read([]byte) (int, error) { return 0, nil }
