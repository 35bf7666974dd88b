package flower

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/internal/nl"
)

// alike compares values of this package, which have addresses and cookies.
func alike(want, got any) string {
	return cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b Cookie) bool { return a == b }))
}

// TestRoundTrip encodes random filters and decodes them.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := filters().Draw(t, "filter")
		if flip(t) {
			f.Match.L2Miss = Some(flip(t))
		}
		maybe(t, &f.Match.Tunnel.SrcPort, masked16())
		maybe(t, &f.Match.Tunnel.Flags, packetFlags(tunnelFlags))
		var e nl.Encoder
		if err := f.encode(&e); err != nil {
			t.Fatal(err)
		}
		in, ok, err := Decode(e.Bytes())
		if err != nil || !ok {
			t.Fatalf("decode: %v, %v", ok, err)
		}
		if diff := alike(f, in.Filter); diff != "" {
			t.Fatalf("(-encoded +decoded):\n%s", diff)
		}
	})
}

// TestUnknownIsKept adds attributes and actions that the codec does not know; they must be written back as they were.
func TestUnknownIsKept(t *testing.T) {
	f := *onP0(Match{EthType: EtherIPv4})
	f.Match.Other = []nl.Attr{{Type: 100, Data: []byte{1, 2, 3, 4}}, {Type: 101, Data: []byte{0xff, 0, 0, 0}}, {Type: 200 | nl.Nested, Data: []byte{}}}
	f.Actions = []Action{
		{Op: Raw{Name: "bpf", Options: []byte{5, 0, 1, 0, 7, 0, 0, 0}}},
		{Op: Raw{Name: "mirred", Options: []byte{}}},
	}
	var e nl.Encoder
	if err := f.encode(&e); err != nil {
		t.Fatal(err)
	}
	in, _, err := Decode(e.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := alike(f, in.Filter); diff != "" {
		t.Errorf("(-encoded +decoded):\n%s", diff)
	}
	var again nl.Encoder
	if err := in.Filter.encode(&again); err != nil || tree(t, again.Bytes()) != tree(t, e.Bytes()) {
		t.Errorf("written back (error %v):\n%s\nwas\n%s", err, tree(t, again.Bytes()), tree(t, e.Bytes()))
	}
}

// FuzzDecode reads any bytes as a dump. What can be read and written again must be the same then.
func FuzzDecode(f *testing.F) {
	for _, c := range requestCases() {
		var e nl.Encoder
		if _, _, err := c.request.encode(&e); err != nil {
			f.Fatal(err)
		}
		f.Add(e.Bytes())
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = decodeChain(body)
		in, ok, err := Decode(body)
		if err != nil || !ok {
			return
		}
		_ = in.Text(Style{Stats: true})
		var e nl.Encoder
		if in.Filter.encode(&e) != nil || in.Kind != kindFlower {
			return
		}
		again, ok, err := Decode(e.Bytes())
		if err != nil || !ok {
			t.Fatalf("decode what was encoded: %v, %v", ok, err)
		}
		if diff := alike(in.Filter, again.Filter); diff != "" {
			t.Fatalf("(-first +second):\n%s", diff)
		}
	})
}
