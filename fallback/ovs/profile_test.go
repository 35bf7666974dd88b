package ovs

import (
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

func TestProfileFor(t *testing.T) {
	for _, tt := range []struct{ version, want string }{
		{"22.03.0-20.21.0-58.3", "23.03"},
		{"22.12.1-20.27.0-70.6", "23.03"},
		{"23.03.1-20.27.0-70.6", "23.03"},
		{"23.06.4-20.27.3-72.4", "23.03"},
		{"23.09.0-20.29.0-76.0", "26.09"}, // its pipelines are longer than the first profile's space
		{"24.03.2-20.33.0-72.6", "26.09"},
		{"25.03.0-20.41.0-78.5", "26.09"},
		{"25.09.2-21.5.0-81.1", "26.09"},
		{"26.03.0-21.8.0-82.0", "26.09"},
		{"26.04.0", "26.09"},
		{"26.09.0-21.11.0-83.1", "26.09"},
		{"27.03.0-22.0.0-90.0", "26.09"},
		{"100.1", "26.09"},
		{"20.06.0", "23.03"}, // older than all
		// What cannot be read is taken for the oldest.
		{"", "23.03"}, {"26", "23.03"}, {"26.x", "23.03"}, {"x.09.0", "23.03"}, {"garbage", "23.03"}, {".", "23.03"}, {"99999999999999999999.1", "23.03"},
	} {
		if got := ProfileFor(tt.version).Name; got != tt.want {
			t.Errorf("ovn-northd %q: profile %s, want %s", tt.version, got, tt.want)
		}
	}
}

// TestProfilesHaveATableForEachStage: no two stages have one table, Stage is the inverse of Table, and 255 is left alone (OFPTT_ALL).
func TestProfilesHaveATableForEachStage(t *testing.T) {
	for i := range profiles {
		p := &profiles[i].Profile
		t.Run(p.Name, func(t *testing.T) {
			var stages []ir.Stage
			for n := range p.IngressLen {
				stages = append(stages, ir.Ingress(n))
			}
			for n := range p.EgressLen {
				stages = append(stages, ir.Egress(n))
			}
			for s := range p.tables {
				stages = append(stages, s)
			}
			owner := map[uint8]ir.Stage{}
			for _, s := range stages {
				n, err := p.Table(s)
				if err != nil {
					t.Fatal(err)
				}
				if other, taken := owner[n]; taken {
					t.Errorf("%s and %s have both table %d", s, other, n)
				}
				owner[n] = s
				if back := p.Stage(n); back != s {
					t.Errorf("%s has table %d, which is that of %s", s, n, back)
				}
			}
			for n := range 256 {
				if _, taken := owner[uint8(n)]; !taken && p.Stage(uint8(n)) != ir.NoStage {
					t.Errorf("table %d is nobody's, but of %s", n, p.Stage(uint8(n)))
				}
			}
			if s, taken := owner[255]; taken {
				t.Errorf("%s has table 255", s)
			}
			for _, s := range []ir.Stage{ir.Ingress(p.IngressLen), ir.Egress(p.EgressLen), ir.NoStage} {
				if n, err := p.Table(s); err == nil {
					t.Errorf("%s has table %d", s, n)
				}
			}
			if n := p.tables[ir.PhyToLog]; n != 0 {
				t.Errorf("packets enter in table 0, not %d", n)
			}
		})
	}
}

// TestProfilesKnowAllStages: what ir calls in one profile it calls in all.
func TestProfilesKnowAllStages(t *testing.T) {
	for i := range profiles {
		for s := ir.PhyToLog; s <= ir.EVPNARPLookup; s++ {
			if _, err := profiles[i].Table(s); err != nil {
				t.Error(err)
			}
		}
	}
}
