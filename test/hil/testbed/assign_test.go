package testbed

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/test/hil/scenario"
)

// scenarios are those of the repository, by name.
func scenarios(t testing.TB) map[string]*scenario.Scenario {
	t.Helper()
	all, err := scenario.All()
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]*scenario.Scenario{}
	for _, s := range all {
		named[s.Name] = s
	}
	return named
}

// Who plays what, and what is lacking.
func TestAssign(t *testing.T) {
	e := readExample(t)
	for name, want := range map[string][]string{
		"localnet":         nil,
		"l2":               nil,
		"floating-ip":      nil,
		"acl":              nil, // two of three hosts on hv2, so that is played by hv1
		"restarts":         {`hv2 lacks a command for "switch restarted"`, `a chassis for gw1 (hv1 plays hv1; `},
		"link-down":        nil,
		"gateway-failover": {`hv1 lacks a command for "dead", a command for "back"`, "a chassis for gw2"},
		"ecmp":             {"a host for phys2 on the physical network"},
		"containers":       {"a trunk for tr5 with a host for vm5, a host in VLAN 42 for c1, a host in VLAN 43 for c2"},
		"filters-deleted":  {`hv1 lacks a command for "filters deleted", a command for "qdiscs deleted"`},
		"killed-programming": {
			"a way to see when the controller programs filters, to kill it in the middle",
		},
	} {
		s := scenarios(t)[name]
		a, err := e.assign(s)
		if len(want) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for _, h := range s.Topology.Hosts {
				if p := a.hosts[h.Name]; h.Chassis != "" && p.chassis != a.chassis[h.Chassis] {
					t.Errorf("%s: host %s is on chassis %s, which is not played by its own", name, h.Name, p.chassis.Name.Text)
				}
			}
			continue
		}
		lack := new(scenario.LackError)
		if !errors.As(err, &lack) {
			t.Errorf("%s: got %v, want %q", name, err, want)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v\nhas no %q", name, err, w)
			}
		}
	}
}

// Chassis are called by the names of those that play them, and nothing else is.
func TestRenamed(t *testing.T) {
	e := readExample(t)
	a := &assignment{chassis: map[string]*Chassis{"hv1": &e.Chassis[1], "hv2": &e.Chassis[0], "gw1": &e.Chassis[2]}}
	const text = "lrp-set-gateway-chassis lr0-hv1 hv1 20\nlsp-set-options lp1 requested-chassis=hv2,hv1\nset x y='\"gw1\"' hv10 hv1-x"
	const want = "lrp-set-gateway-chassis lr0-hv1 hv2 20\nlsp-set-options lp1 requested-chassis=hv1,hv2\nset x y='\"gw1\"' hv10 hv1-x"
	if got := a.renamed(text); got != want {
		t.Errorf("got %s", got)
	}
}

// Nobody gets what does not fit, or what another has, and as many as possible get something: the oracle tries all ways.
func TestMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.IntRange(0, 5).Draw(t, "n"), rapid.IntRange(0, 5).Draw(t, "m")
		fit := rapid.SliceOfN(rapid.Bool(), n*m, n*m).Draw(t, "fit")
		like := rapid.SliceOfN(rapid.Bool(), n*m, n*m).Draw(t, "like")
		fits := func(i, j int) bool { return fit[i*m+j] }
		got := match(n, m, fits, func(i, j int) bool { return like[i*m+j] })
		matched := 0
		for i, j := range got {
			if j < 0 {
				continue
			}
			matched++
			if !fits(i, j) || slices.Contains(got[:i], j) {
				t.Fatalf("%d got %d: %v", i, j, got)
			}
		}
		var most func(i int, taken []int) int
		most = func(i int, taken []int) int {
			if i == n {
				return len(taken)
			}
			best := most(i+1, taken)
			for j := range m {
				if fits(i, j) && !slices.Contains(taken, j) {
					best = max(best, most(i+1, append(slices.Clone(taken), j)))
				}
			}
			return best
		}
		if best := most(0, nil); matched != best {
			t.Fatalf("%d matched, %d can be", matched, best)
		}
	})
}
