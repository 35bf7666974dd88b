package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/reference"
)

// TestIncremental changes the configuration at random and compares the flows that came of incremental processing with those of a full
// recompute, of a restarted controller, and of one that starts on an empty switch. SLUICE_SEED repeats a run.
func TestIncremental(t *testing.T) {
	t.Parallel()
	const rounds, changes = 12, 8
	d := configured(t, reference.Options{})
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SLUICE_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("SLUICE_SEED: %v", err)
		}
	}
	t.Logf("SLUICE_SEED=%d", seed)
	c := newChurn(t, d, seed)
	chassis := []*lab.Chassis{d.HV1, d.GW1}
	for range rounds {
		var did []string
		for range changes {
			what, err := c.step()
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			did = append(did, what)
		}
		if err := d.Sync(); err != nil {
			t.Fatal(err)
		}
		for _, ch := range chassis {
			incremental := flows(t, ch)
			if _, err := ch.ControllerCtl("recompute"); err != nil {
				t.Fatal(err)
			}
			if err := d.Sync(); err != nil {
				t.Fatal(err)
			}
			same(t, ch, "a recompute after "+strings.Join(did, ", "), incremental)
		}
	}
	for _, ch := range chassis {
		before := flows(t, ch)
		restart(t, d, ch, func() error { return nil })
		same(t, ch, "a restart", before)
		restart(t, d, ch, func() error { return emptySwitch(ch) })
		same(t, ch, "a start on an empty switch", before)
	}
}

// same compares the flows of now with those from before.
func same(t *testing.T, ch *lab.Chassis, after string, before []string) {
	t.Helper()
	// The same flows may need a moment after a change that the chassis makes itself, such as setting a port up.
	var diff string
	err := lab.Until(testContext, 2*time.Second, "equal flows", func() error {
		if diff = lab.DiffFlows(before, flows(t, ch), 20); diff != "" {
			return fmt.Errorf("they differ")
		}
		return nil
	})
	if err != nil {
		demand(t, ch, fmt.Errorf("%s has other flows after %s:\n%s", ch.Name, after, diff))
	}
}

// restart kills the controller, does something, and starts it.
func restart(t *testing.T, d *reference.Deployment, ch *lab.Chassis, between func() error) {
	t.Helper()
	ch.ControllerProcess().Kill()
	if err := between(); err != nil {
		t.Fatal(err)
	}
	if err := ch.StartController(); err != nil {
		t.Fatal(err)
	}
	if err := d.Sync(); err != nil {
		t.Fatal(err)
	}
}

// emptySwitch deletes every flow, group and meter of br-int.
func emptySwitch(ch *lab.Chassis) error {
	for _, what := range []string{"del-flows", "del-groups", "del-meters"} {
		if _, err := ch.Ofctl(what, "br-int"); err != nil {
			return err
		}
	}
	return nil
}
