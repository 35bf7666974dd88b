package load

import "testing"

func TestParseSize(t *testing.T) {
	if z, err := ParseSize("50x20"); err != nil || z != (Size{Switches: 50, Ports: 20}) {
		t.Errorf("50x20 is %v, %v", z, err)
	}
	for _, bad := range []string{"", "50", "x", "0x1", "1x0", "251x1", "5x5x5", "5x5 ", "-1x5", "05x5"} {
		if z, err := ParseSize(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, z)
		}
	}
}

// Ports of the measured chassis are spread over the switches, and no two ports of a load share an address.
func TestNaming(t *testing.T) {
	z := Size{Switches: 3, Ports: 300}
	if got := z.Hosted(4); got[0] != "ls0-p0" || got[2] != "ls2-p0" || got[3] != "ls0-p1" {
		t.Errorf("hosted ports are %v", got)
	}
	if n := len((Size{Switches: 2, Ports: 2}).Hosted(50)); n != 4 {
		t.Errorf("%d ports of 4 are hosted", n)
	}
	seen := map[string]bool{}
	for s := range z.Switches {
		for p := range z.Ports {
			a := addresses(s, p)
			if seen[a] {
				t.Fatalf("%s is given twice", a)
			}
			seen[a] = true
		}
	}
}
