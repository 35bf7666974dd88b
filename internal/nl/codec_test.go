package nl

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEncoderBytes(t *testing.T) {
	var e Encoder
	e.U8(1, 0xab)
	nest := e.Begin(2 | Nested)
	e.BE16(3, 0x0102)
	e.Flag(4)
	e.End(nest)
	e.String(5, "abc")
	e.BE32(6, 0x01020304)
	want := []byte{
		5, 0, 1, 0, 0xab, 0, 0, 0,
		16, 0, 2, 0x80, 6, 0, 3, 0, 1, 2, 0, 0, 4, 0, 4, 0,
		8, 0, 5, 0, 'a', 'b', 'c', 0,
		8, 0, 6, 0, 1, 2, 3, 4,
	}
	if e.Err() != nil || !bytes.Equal(e.Bytes(), want) {
		t.Errorf("error %v, bytes\n% x, want\n% x", e.Err(), e.Bytes(), want)
	}
}

func TestEncoderRefusesTooMuch(t *testing.T) {
	var e Encoder
	e.Put(7, make([]byte, maxAttr))
	if e.Err() != nil {
		t.Errorf("the largest attribute: %v", e.Err())
	}
	e.Put(8, make([]byte, maxAttr+1))
	if e.Err() == nil || !strings.Contains(e.Err().Error(), "attribute 8 has 65532 bytes") {
		t.Errorf("a larger attribute: %v", e.Err())
	}
	e.Reset()
	nest := e.Begin(1)
	e.Put(2, make([]byte, 40000))
	e.Put(2, make([]byte, 40000))
	e.End(nest)
	if e.Err() == nil || !strings.Contains(e.Err().Error(), "nested netlink attribute has 80008 bytes") {
		t.Errorf("a nest too large: %v", e.Err())
	}
}

func TestTableHandsOutOnce(t *testing.T) {
	var e Encoder
	e.U16(1, 7)
	e.U32(2, 8)
	e.U32(2, 9)
	e.Flag(3)
	e.U8(4|Nested, 1)
	e.U8(200, 2)
	e.U64(5, 1<<40)
	var slots [6]Attr
	table := NewTable(slots[:])
	if err := table.Parse(e.Bytes()); err != nil {
		t.Fatal(err)
	}
	if v, ok := table.U16(1); v != 7 || !ok {
		t.Errorf("U16(1) = %d, %v", v, ok)
	}
	if v, ok := table.U32(2); v != 9 || !ok {
		t.Errorf("U32(2) = %d, %v, want the last of two", v, ok)
	}
	if _, ok := table.U32(2); ok {
		t.Error("U32(2) was handed out twice")
	}
	if !table.Flag(3) || table.Flag(3) || table.Flag(0) {
		t.Error("Flag")
	}
	if v, ok := table.U64(5); v != 1<<40 || !ok {
		t.Errorf("U64(5) = %d, %v", v, ok)
	}
	want := []Attr{{4 | Nested, []byte{1}}, {200, []byte{2}}}
	if diff := cmp.Diff(want, table.Rest()); diff != "" {
		t.Errorf("rest (-want +got):\n%s", diff)
	}
}

func TestTableNamesWrongSizes(t *testing.T) {
	var e Encoder
	e.U16(1, 7)
	e.U16(2, 7)
	var slots [4]Attr
	table := NewTable(slots[:])
	if err := table.Parse(e.Bytes()); err != nil {
		t.Fatal(err)
	}
	if _, ok := table.U32(1); ok {
		t.Error("a U32 out of two bytes")
	}
	_, _ = table.U8(2)
	if err := table.Err(); err == nil || err.Error() != "netlink attribute 1 has 2 bytes, should have 4" {
		t.Errorf("error %v, want the first", err)
	}
	if err := table.Parse([]byte{9, 0, 1, 0, 0}); err == nil || !strings.Contains(err.Error(), "says that it has 9 bytes, 5 are there") {
		t.Errorf("error of a cut off attribute: %v", err)
	}
}

func TestAttrPath(t *testing.T) {
	var e Encoder
	e.Raw(HeaderLen + 20)
	e.U32(11, 0)
	options := e.Begin(2)
	key := e.Len()
	e.U16(8, 1)
	actions := e.Begin(3 | Nested)
	e.U16(1, 1)
	last := e.Len()
	e.U16(2, 1)
	e.End(actions)
	e.End(options)
	for _, c := range []struct {
		offset int
		want   []uint16
	}{
		{key, []uint16{2, 8}}, {last, []uint16{2, 3, 2}}, {HeaderLen + 20, []uint16{11}}, {int(options), []uint16{2}},
		{4, nil}, {last + 1, nil}, {e.Len(), nil}, {1 << 30, nil}, {-1, nil},
	} {
		if got := attrPath(e.Bytes(), HeaderLen+20, c.offset); !cmp.Equal(got, c.want) {
			t.Errorf("path at %d is %v, want %v", c.offset, got, c.want)
		}
	}
}

// TestRoundTrip writes random trees of attributes and reads them.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		attrs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Attr {
			return Attr{
				rapid.Uint16Range(0, 40).Draw(t, "type") | uint16(rapid.IntRange(0, 3).Draw(t, "flags"))<<14,
				append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "data")...),
			}
		}), 0, 10).Draw(t, "attributes")
		var e Encoder
		for _, a := range attrs {
			e.Put(a.Type, a.Data)
		}
		var got []Attr
		for b := e.Bytes(); ; {
			a, rest, ok, err := NextAttr(b)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			got = append(got, Attr{a.Type, append([]byte{}, a.Data...)})
			b = rest
		}
		if diff := cmp.Diff(attrs, got); len(attrs)+len(got) > 0 && diff != "" {
			t.Fatalf("(-written +read):\n%s", diff)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{5, 0, 1, 0, 0xab, 0, 0, 0}, 0)
	f.Add([]byte{36, 0, 0, 0, 2, 0, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 234, 255, 255, 255, 20, 0, 0, 0, 44, 0, 5, 6, 1, 0, 0, 0, 0, 0, 0, 0}, 40)
	f.Add([]byte{16, 0, 2, 0x80, 6, 0, 3, 0, 1, 2, 0, 0, 4, 0, 4, 0}, 4)
	f.Fuzz(func(t *testing.T, b []byte, offset int) {
		var slots [8]Attr
		table := NewTable(slots[:])
		if table.Parse(b) == nil {
			_, _ = table.U8(1)
			_, _ = table.BE16(2)
			_, _ = table.BE32(3)
			_, _ = table.String(4)
			_ = table.Rest()
		}
		_ = attrPath(b, 0, offset)
		m, rest, err := NextMessage(b)
		if err != nil {
			return
		}
		if len(rest) >= len(b) {
			t.Fatalf("a message took nothing of %d bytes", len(b))
		}
		if a, err := parseAnswer(m, b, HeaderLen); err == nil && a.Err != nil {
			_ = a.Err.Error()
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	var e Encoder
	key := make([]byte, 16)
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		nest := e.Begin(2)
		for i := range uint16(10) {
			e.BE32(i, 5)
			e.Put(i, key)
		}
		e.End(nest)
	}
}
