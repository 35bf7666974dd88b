package offload_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

func TestFieldAbilityHolds(t *testing.T) {
	upper := offload.FieldAbility{Mask: ir.V(0xffff), Form: offload.Prefix}
	for _, tt := range []struct {
		name string
		a    offload.FieldAbility
		bits uint64
		want bool
	}{
		{"nothing", offload.FieldAbility{}, 1, false},
		{"no bits", offload.FieldAbility{Mask: ir.V(1), Form: offload.Ternary}, 0, false},
		{"whole", offload.AllOf(ir.EthType, offload.Whole), 0xffff, true},
		{"part of whole", offload.AllOf(ir.EthType, offload.Whole), 0xff00, false},
		{"some bits", offload.AllOf(ir.CTMark, offload.Ternary), 0x10001, true},
		{"bits outside", offload.FieldAbility{Mask: ir.V(0xfff), Form: offload.Ternary}, 0x1fff, false},
		{"prefix", upper, 0xff00, true},
		{"all of a prefix", upper, 0xffff, true},
		{"one bit of a prefix", upper, 0x8000, true},
		{"no prefix", upper, 0x00ff, false},
		{"prefix with a gap", upper, 0xf0f0, false},
	} {
		if got := tt.a.Holds(ir.V(tt.bits)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	six := offload.AllOf(ir.IP6Dst, offload.Prefix)
	if !six.Holds(ir.Ones(64).Shl(64)) || !six.Holds(ir.Ones(100).Shl(28)) || six.Holds(ir.Ones(64)) {
		t.Error("prefixes of 128 bits are wrong")
	}
}

// caps is a Caps with something everywhere.
func caps() offload.Caps {
	return offload.Caps{
		Target: "test",
		Match: offload.Fields{
			ir.IP6Src:  offload.AllOf(ir.IP6Src, offload.Prefix),
			ir.CTState: {Mask: ir.V(0x2b), Form: offload.Ternary, Lack: offload.Lack{Why: "no other bits", Fix: "Linux 5.13"}},
			ir.CTLabel: {Mask: ir.Value{Hi: 1, Lo: 2}, Form: offload.Ternary},
		},
		Set:     offload.Fields{ir.EthDst: offload.AllOf(ir.EthDst, offload.Whole)},
		Jump:    offload.Yes,
		Copy:    offload.No("no such action", "none"),
		Push:    offload.Amount{Max: 2, Lack: offload.Lack{Why: "no more fit"}},
		Tunnels: map[string]offload.Ability{"geneve": offload.Yes, "stt": offload.No("no driver", "geneve")},
		Devices: map[string]offload.Lack{"eth9": {Why: "is down"}},
		Entries: 1000,
	}
}

func TestCapsJSON(t *testing.T) {
	want := caps()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"ip6.src":{"form":"prefix"}`, `"mask":"0x2b"`, `"mask":"0x10000000000000002"`, `"copy":{"can":false,"why":"no such action","fix":"none"}`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s is not in %s", part, text)
		}
	}
	var got offload.Caps
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCapsJSONRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"match":{"ip7.src":{}}}`:                                          `field "ip7.src": there is none`,
		`{"match":{"xreg0":{}}}`:                                            `field "xreg0": there is none`,
		`{"match":{"ip.ttl":{"mask":"0x1ff"}}}`:                             "is wider than the 8 bits",
		`{"match":{"ip.ttl":{"mask":"12"}}}`:                                `mask "12": want 0x`,
		`{"match":{"ip.ttl":{"form":"half"}}}`:                              `form "half"`,
		`{"set":{"ct_label":{"mask":"0x` + strings.Repeat("1", 33) + `"}}}`: "up to 32",
		`{"set":[]}`: "cannot unmarshal",
	} {
		var c offload.Caps
		if err := json.Unmarshal([]byte(text), &c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func FuzzCapsJSON(f *testing.F) {
	text, err := json.Marshal(caps())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"match":{"ip.ttl":{"mask":"0xf","form":"whole"}}}`))
	f.Add([]byte(`{"match":{"ct_label":{"mask":"0x123456789abcdef0123456789abcdef0","form":"whole"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var a, b offload.Caps
		if json.Unmarshal(text, &a) != nil {
			return
		}
		again, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(again, &b); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		for f, x := range a.Match {
			if b.Match[f] != x {
				t.Fatalf("%s: %+v became %+v", f, x, b.Match[f])
			}
		}
	})
}

func TestAbilities(t *testing.T) {
	c := caps()
	lacking := 0
	for name, a := range c.Abilities() {
		if name == "jump" != a.Can {
			t.Errorf("%s: %+v", name, a)
		}
		lacking++
	}
	// A new ability that Abilities forgets would never be shown.
	want := 0
	for _, typ := range []reflect.Type{reflect.TypeFor[offload.Caps](), reflect.TypeFor[offload.Conntrack]()} {
		for i := range typ.NumField() {
			if typ.Field(i).Type == reflect.TypeFor[offload.Ability]() {
				want++
			}
		}
	}
	if lacking != want {
		t.Errorf("%d abilities are listed, there are %d", lacking, want)
	}
}

func TestFlattenConfig(t *testing.T) {
	c := offload.Caps{Length: offload.Yes}
	got := c.Flatten(flatten.Config{Cut: 5, CanTags: true, Paths: 7})
	if !got.CanLength || got.CanTags || got.Cut != 0 || got.Paths != 7 {
		t.Errorf("got %+v", got)
	}
	c.Jump = offload.Yes
	if c.Flatten(flatten.Config{Cut: 5}).Cut != 5 {
		t.Error("a target with jumps has no cuts")
	}
}
