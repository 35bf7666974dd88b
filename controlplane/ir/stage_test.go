package ir_test

import (
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

func TestStageNames(t *testing.T) {
	seen := map[string]ir.Stage{}
	for n := range 256 {
		s := ir.Stage(n)
		name := s.String()
		if name == "none" && s != ir.NoStage {
			continue // not a stage
		}
		if other, ok := seen[name]; ok {
			t.Errorf("%d and %d are both called %s", s, other, name)
		}
		seen[name] = s
		if got, err := ir.ParseStage(name); err != nil || got != s {
			t.Errorf("ParseStage(%s) = %d, %v, want %d", name, got, err, s)
		}
	}
	if len(seen) < 2*ir.MaxLogical+10 {
		t.Errorf("only %d stages", len(seen))
	}
}

func TestStageLogical(t *testing.T) {
	if in, n, ok := ir.Ingress(63).Logical(); !in || n != 63 || !ok {
		t.Errorf("ingress.63: %t %d %t", in, n, ok)
	}
	if in, n, ok := ir.Egress(0).Logical(); in || n != 0 || !ok {
		t.Errorf("egress.0: %t %d %t", in, n, ok)
	}
	for _, s := range []ir.Stage{ir.PhyToLog, ir.EVPNARPLookup, ir.NoStage} {
		if _, _, ok := s.Logical(); ok {
			t.Errorf("%s is logical", s)
		}
	}
}

func TestParseStageErrors(t *testing.T) {
	for _, name := range []string{"", "ingress", "ingress.", "ingress.64", "egress.-1", "ingress.x", "nowhere.1"} {
		if s, err := ir.ParseStage(name); err == nil {
			t.Errorf("ParseStage(%q) = %s", name, s)
		}
	}
}
