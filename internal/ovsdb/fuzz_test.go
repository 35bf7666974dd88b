package ovsdb

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// FuzzDecodeString compares strings with encoding/json. It replaces bad UTF-8
// and lone surrogates, which are errors here.
func FuzzDecodeString(f *testing.F) {
	for _, seed := range []string{`""`, `"a\n\u00e9\ud83d\ude00"`, `"\ud83d"`, `"\"`, "\"\xff\"", `"\u00"`, `"a" `, `x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d := NewDecoder(new(Interner))
		d.Reset(text)
		got := d.Text()
		ok := d.End() == nil
		var want string
		jsonOK := json.Unmarshal(text, &want) == nil && bytes.HasPrefix(bytes.TrimSpace(text), []byte{'"'})
		switch {
		case ok && (!jsonOK || got != want):
			t.Errorf("%q = %q, encoding/json says %q, %v", text, got, want, jsonOK)
		case !ok && jsonOK && utf8.Valid(text) && !strings.Contains(want, "\ufffd"):
			t.Errorf("%q: %v, encoding/json says %q", text, d.Err(), want)
		}
		if ok {
			d.Reset(AppendString(nil, got))
			if again := d.Text(); again != got || d.End() != nil {
				t.Errorf("%q became %q, %v after encoding", got, again, d.Err())
			}
		}
	})
}

// FuzzDecodeNumber compares numbers with encoding/json and strconv.
func FuzzDecodeNumber(f *testing.F) {
	for _, seed := range []string{"0", "-1", "1e5", "1.50", "9223372036854775808", "01", "-", ".5", "1e+"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var number json.Number
		isNumber := json.Unmarshal(text, &number) == nil && len(number) > 0 && bytes.IndexByte(text, '"') < 0
		d := NewDecoder(new(Interner))
		d.Reset(text)
		real := d.Real()
		want, err := strconv.ParseFloat(string(number), 64)
		if ok := d.End() == nil; ok != (isNumber && err == nil) || ok && real != want {
			t.Errorf("%q = %g, %v; want %g", text, real, d.Err(), want)
		}
		d.Reset(text)
		integer := d.Int()
		exact, err := strconv.ParseInt(string(number), 10, 64)
		if isNumber && err == nil && (d.End() != nil || integer != exact) {
			t.Errorf("%q = %d, %v; want %d", text, integer, d.Err(), exact)
		}
		if d.End() == nil && !isNumber {
			t.Errorf("%q is not a number and became %d", text, integer)
		}
	})
}

// FuzzDecoder reads anything as anything: it must not panic, and what it takes
// has to be JSON.
func FuzzDecoder(f *testing.F) {
	for _, seed := range []string{
		`["set",["a","b"]]`, `["map",[["a",1]]]`, `["uuid","` + someUUID + `"]`, `{"a":{"b":[1,{}]}}`, `["set",[`, `[[[`, `{"":0,`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for as, read := range readers {
			d := NewDecoder(new(Interner))
			d.Reset(text)
			read(d)
			if d.End() == nil && as != "object" && !json.Valid(text) {
				t.Errorf("%q was read as %s but is not JSON", text, as)
			}
		}
	})
}

// FuzzStream walks anything: whatever pieces it arrives in, the result is the
// same, and JSON is never refused.
func FuzzStream(f *testing.F) {
	f.Add([]byte(streamText))
	f.Add([]byte(`{"id":1,"result":{}}`))
	f.Add([]byte(`[1,"\\",{"a":"\""}]x`))
	f.Fuzz(func(t *testing.T, text []byte) {
		read := func(s *Stream) (string, error) {
			out := flatten(s, 3)
			return out, s.Err()
		}
		one, err := read(NewStream(bytes.NewReader(text)))
		two, err2 := read(NewStream(iotest.OneByteReader(bytes.NewReader(text))))
		if (err == nil) != (err2 == nil) || err == nil && one != two {
			t.Errorf("%q is %s, %v at once and %s, %v byte by byte", text, one, err, two, err2)
		}
		structured := bytes.HasPrefix(text, []byte{'{'}) || bytes.HasPrefix(text, []byte{'['})
		if err != nil && structured && json.Valid(text) && utf8.Valid(text) && !bytes.Contains(text, []byte(`\u`)) {
			t.Errorf("%q is JSON but: %v", text, err)
		}
	})
}
