package e2e

import (
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/test/lab"
)

// flows dumps the flows of a chassis in comparable form.
func flows(t *testing.T, ch *lab.Chassis) []string {
	t.Helper()
	f, err := ch.Flows()
	if err != nil {
		t.Fatal(err)
	}
	if len(f) == 0 {
		t.Fatalf("%s has no flows", ch.Name)
	}
	return f
}

// flowsByZone dumps the flows with conntrack zones named.
func flowsByZone(t *testing.T, ch *lab.Chassis) []string {
	t.Helper()
	f, err := ch.NameZones(flows(t, ch))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// hasFlow tells whether a reply of ovs-ofctl dump-flows has any flow.
func hasFlow(dump string) bool { return strings.Contains(dump, "actions=") }
