package flower_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/offload/tc/flower"
	"github.com/sluice-gw/sluice/test/hil/tcfilter"
)

// TestTextOfRecordedDumps reads what a kernel dumped and compares the text with what tc(8) printed for it.
func TestTextOfRecordedDumps(t *testing.T) {
	r, err := tcfilter.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Filters {
		t.Run(f.Name, func(t *testing.T) {
			in, ok, err := flower.Decode(f.Netlink)
			if err != nil || !ok {
				t.Fatalf("decode: %v, %v", ok, err)
			}
			if len(in.Match.Other)+len(in.Status.Unknown) > 0 {
				t.Errorf("not understood: %v %v", in.Match.Other, in.Status.Unknown)
			}
			for _, a := range in.Actions {
				if raw, ok := a.Op.(flower.Raw); ok {
					t.Errorf("action %s is not understood: %x", raw.Name, raw.Options)
				}
			}
			style := flower.Style{Hook: in.Hook, Device: func(ifindex int32) string { return r.Links[int(ifindex)] }}
			if diff := cmp.Diff(lines(f.Shown), lines(in.Text(style))); diff != "" {
				t.Errorf("text (-tc +sluice):\n%s", diff)
			}
		})
	}
}

func lines(s string) []string { return strings.Split(s, "\n") }
