package ovs

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
)

// ruleMeters are those that the rules of the golden files name.
var ruleMeters = []backend.Meter{
	{Name: "acl", PacketRate: true, Bands: []backend.MeterBand{{Rate: 100, Burst: 50}}},
	{Name: "lim", Bands: []backend.MeterBand{{Rate: 10000}}},
}

// TestOperations installs each rule of testdata/ops.golden in a real switch: every
// field in matches and operations, every operation. Below each rule is what
// ovs-ofctl then prints of it, by the rules' priorities.
func TestOperations(t *testing.T) {
	const file = "testdata/ops.golden"
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.sw.Vsctl("--", "--id=@br", "get", "bridge", bridgeName, "--", "create", "Flow_Sample_Collector_Set", "id=1", "bridge=@br")
	var input []string
	for line := range strings.Lines(string(golden)) {
		if !strings.HasPrefix(line, " ") {
			input = append(input, strings.TrimSpace(line))
		}
	}
	r.start()
	all := rules(t, strings.Join(input, "\n"))
	failures := map[string][]string{}
	for _, f := range r.send(backend.Delta{Reset: true, Meters: ruleMeters, Put: all}) {
		for i, rule := range all {
			if rule.ID == f.Rule {
				failures[input[i]] = append(failures[input[i]], fmt.Sprintf("%s: %s", f.Kind, f.Detail))
			}
		}
	}
	byPriority := map[string][]string{}
	for _, flow := range r.flows() {
		_, rest, _ := strings.Cut(flow, "priority=")
		n := strings.IndexAny(rest, ", ")
		byPriority[rest[:n]] = append(byPriority[rest[:n]], flow)
	}
	var got bytes.Buffer
	for _, line := range input {
		fmt.Fprintln(&got, line)
		priority := strings.Fields(line)[1]
		for _, flow := range byPriority[priority] {
			fmt.Fprintf(&got, "  %s\n", flow)
		}
		for _, why := range failures[line] {
			fmt.Fprintf(&got, "  refused: %s\n", why)
		}
		if len(byPriority[priority])+len(failures[line]) == 0 {
			t.Errorf("nothing became of rule %s", line)
		}
	}
	for _, part := range []string{"dump-groups", "dump-meters"} {
		_, body, _ := strings.Cut(r.sw.Ofctl(part, bridgeName), "\n") // behind the reply's title
		lines := slices.Sorted(strings.Lines(strings.ReplaceAll(body, "bands=\n", "bands=")))
		for _, line := range lines {
			if line = strings.TrimSpace(line); line != "" {
				fmt.Fprintf(&got, "  %s\n", line)
			}
		}
	}
	compare(t, file, golden, got.Bytes())

	// A backend that starts on this switch finds everything as it should be.
	r.start()
	r.send(backend.Delta{Reset: true, Meters: ruleMeters, Put: all})
	if s := r.status(); s.Added != 0 || s.Removed != 0 || s.Adopted != uint64(len(r.flows())) {
		t.Errorf("a second backend added %d flows, removed %d and adopted %d of %d", s.Added, s.Removed, s.Adopted, len(r.flows()))
	}
	// And one that wants nothing leaves nothing.
	r.start()
	r.send(backend.Delta{Reset: true})
	r.want()
	if g := r.sw.Ofctl("dump-groups", bridgeName); strings.Contains(g, "group_id") {
		t.Errorf("groups are left: %s", g)
	}
	if m := r.sw.Ofctl("dump-meters", bridgeName); strings.Contains(m, "meter=") {
		t.Errorf("meters are left: %s", m)
	}
}

func compare(t *testing.T, file string, want, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			t.Fatalf("%s:%d: want\n%s\ngot\n%s\n(go test -update writes the file)", file, i+1, a, b)
		}
	}
}
