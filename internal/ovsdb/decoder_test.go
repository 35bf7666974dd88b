package ovsdb

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func decode(text string) *Decoder {
	d := NewDecoder(new(Interner))
	d.Reset([]byte(text))
	return d
}

func TestDecodeString(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`""`, ""},
		{`"next;"`, "next;"},
		{` "a b" `, "a b"},
		{`"ip4.dst == \"x\" \\ \/ \b\f\n\r\t"`, "ip4.dst == \"x\" \\ / \b\f\n\r\t"},
		{`"\u0041\u00e9\u20ac"`, "Aé€"},
		{`"\ud83d\ude00"`, "😀"},
		{`"\u0000"`, "\x00"},
		{`"Zürich 😀"`, "Zürich 😀"},
		{`"` + strings.Repeat("x", 5000) + `\n"`, strings.Repeat("x", 5000) + "\n"},
	} {
		d := decode(test.text)
		if got := d.Text(); got != test.want || d.End() != nil {
			t.Errorf("%s = %q, %v; want %q", test.text, got, d.Err(), test.want)
		}
	}
}

func TestDecodeInt(t *testing.T) {
	for _, test := range []struct {
		text string
		want int64
	}{
		{"0", 0}, {"-0", 0}, {"7", 7}, {"-123456789012345678", -123456789012345678},
		{"9223372036854775807", math.MaxInt64}, {"-9223372036854775808", math.MinInt64},
		{"1e3", 1000}, {"12.0", 12}, {"1.5e1", 15},
	} {
		d := decode(test.text)
		if got := d.Int(); got != test.want || d.End() != nil {
			t.Errorf("%s = %d, %v; want %d", test.text, got, d.Err(), test.want)
		}
	}
}

func TestDecodeReal(t *testing.T) {
	for _, test := range []struct {
		text string
		want float64
	}{
		{"0", 0}, {"1.25", 1.25}, {"-1e-7", -1e-7}, {"3", 3}, {"1E+2", 100},
	} {
		d := decode(test.text)
		if got := d.Real(); got != test.want || d.End() != nil {
			t.Errorf("%s = %g, %v; want %g", test.text, got, d.Err(), test.want)
		}
	}
}

const someUUID = "01234567-89ab-cdef-0123-456789abcdef"

func TestDecodeUUID(t *testing.T) {
	d := decode(`[ "uuid" , "` + someUUID + `" ]`)
	if got := d.UUID(); got.String() != someUUID || d.End() != nil {
		t.Errorf("got %s, %v", got, d.Err())
	}
}

// readers are what a value can be read as.
var readers = map[string]func(*Decoder){
	"string": func(d *Decoder) { d.Text() },
	"int":    func(d *Decoder) { d.Int() },
	"real":   func(d *Decoder) { d.Real() },
	"bool":   func(d *Decoder) { d.Bool() },
	"uuid":   func(d *Decoder) { d.UUID() },
	"set":    func(d *Decoder) { d.Elements(func() { d.Text() }) },
	"map": func(d *Decoder) {
		d.Pairs(func() {
			d.Text()
			d.Between()
			d.Int()
		})
	},
	"object": func(d *Decoder) {
		var key []byte
		for d.BeginObject(); d.NextKey(&key); {
			d.Skip()
		}
	},
}

func TestDecodeErrors(t *testing.T) {
	for _, test := range []struct{ as, text, want string }{
		{"string", ``, "expected a string, the value ends here"},
		{"string", `5`, `expected a string, got "5"`},
		{"string", `"abc`, "does not end"},
		{"string", `"abc\`, "does not end"},
		{"string", `"a\x"`, `unknown escape \x`},
		{"string", `"\u12"`, "four hexadecimal digits"},
		{"string", `"\u12xy"`, "four hexadecimal digits"},
		{"string", `"\ud83d"`, "half of a surrogate pair"},
		{"string", `"\ude00\ud83d"`, "half of a surrogate pair"},
		{"string", "\"a\x01\"", "control character 0x01"},
		{"string", "\"a\xff\"", "not UTF-8"},
		{"string", "\"\\n\xff\"", "not UTF-8"},
		{"string", `"a" "b"`, "text behind the end"},
		{"int", `true`, "expected an integer"},
		{"int", `-`, "expected an integer"},
		{"int", `01`, "text behind the end"},
		{"int", `1.5`, "not a 64-bit integer"},
		{"int", `9223372036854775808`, "not a 64-bit integer"},
		{"int", `1.`, "expected an integer"},
		{"int", `1e`, "expected an integer"},
		{"real", `"1"`, "expected a real number"},
		{"real", `1e999`, "not a real number: value out of range"},
		{"bool", `1`, "expected a boolean"},
		{"uuid", `"` + someUUID + `"`, `expected ["uuid", UUID]`},
		{"uuid", `["named-uuid","row1"]`, "another tag"},
		{"uuid", `["uuid","row1"]`, `"row1" is not a UUID`},
		{"uuid", `["uuid",5]`, "expected a UUID"},
		{"uuid", `["uuid","` + someUUID + `",1]`, "expected ]"},
		{"set", `["set",["a",5]]`, `offset 12: expected a string, got "5]]"`},
		{"set", `["set",["a" "b"]]`, "expected ',' or ']'"},
		{"set", `["set",["a",]]`, "expected a string"},
		{"set", `["set",["a"]`, "expected ]"},
		{"map", `{"a":1}`, `expected ["map", [pairs]]`},
		{"map", `["map",[["a"]]]`, "expected ,"},
		{"map", `["map",[["a",1,2]]]`, "expected ]"},
		{"object", `{"a":1,}`, "expected \""},
		{"object", `{"a"}`, "expected :"},
		{"object", `{"a":}`, "expected a value"},
		{"object", `{"a":[1}`, "unexpected '}'"},
		{"object", `{"a":[1`, "unbalanced brackets"},
	} {
		d := decode(test.text)
		readers[test.as](d)
		if err := d.End(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s as %s: error %v, want one with %q", test.text, test.as, err, test.want)
		}
	}
}

func TestDecodeDatum(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{`"a"`, []string{"a"}},
		{`["set",[]]`, nil},
		{`["set",["a", "b"]]`, []string{"a", "b"}},
	} {
		d := decode(test.text)
		var got []string
		d.Elements(func() { got = append(got, d.Text()) })
		if diff := cmp.Diff(test.want, got); diff != "" || d.End() != nil {
			t.Errorf("%s: %v, -want +got:\n%s", test.text, d.Err(), diff)
		}
	}
	d := decode(`["map",[["a",1],["b",-2]]]`)
	got := make(map[string]int64)
	d.Pairs(func() {
		k := d.Text()
		d.Between()
		got[k] = d.Int()
	})
	if diff := cmp.Diff(map[string]int64{"a": 1, "b": -2}, got); diff != "" || d.End() != nil {
		t.Errorf("%v, -want +got:\n%s", d.Err(), diff)
	}
	// One UUID is an element, not a set.
	d = decode(`["uuid","` + someUUID + `"]`)
	n := 0
	d.Elements(func() { d.UUID(); n++ })
	if n != 1 || d.End() != nil {
		t.Errorf("a bare UUID has %d elements, %v", n, d.Err())
	}
}

func TestDecoderWraps(t *testing.T) {
	d := decode(`5`)
	if d.Wrap("column a") {
		t.Error("Wrap made an error of nothing")
	}
	d.Text()
	d.Wrap("column a")
	if got := fmt.Sprint(d.Err()); got != `column a: offset 0: expected a string, got "5"` {
		t.Errorf("error is %q", got)
	}
}

func TestInterner(t *testing.T) {
	var in Interner
	a := in.String([]byte("reg0 = 1; next;"))
	for i := range 10 * internSlots { // strings that occur once
		in.String(fmt.Appendf(nil, "unique %d", i))
		in.String([]byte("reg0 = 1; next;"))
	}
	b := in.String([]byte("reg0 = 1; next;"))
	if a != b || stringData(a) != stringData(b) {
		t.Error("a repeated string has two copies")
	}
	if s := in.String(nil); s != "" {
		t.Errorf("the empty string became %q", s)
	}
	long := []byte(strings.Repeat("x", internMaxLen+1))
	if s := in.String(long); s != string(long) || stringData(s) == stringData(in.String(long)) {
		t.Error("a long string is wrong or kept")
	}
}

func stringData(s string) *byte { return unsafe.StringData(s) }
