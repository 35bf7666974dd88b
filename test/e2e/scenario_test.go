package e2e

import (
	"testing"

	"github.com/sluice-gw/sluice/test/hil/scenario"
	"github.com/sluice-gw/sluice/test/lab"
)

// TestScenarios plays the scenarios of test/hil/scenario with the userspace datapath, but for those about the offload. In guests they are played
// with the kernel's, and all of them.
func TestScenarios(t *testing.T) {
	t.Parallel()
	need(t)
	controller := underTest(t)
	all, err := scenario.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.NeedsOffload() {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			player := scenario.NewPlayer(scenario.Namespaces(testContext, lab.Options{Controller: controller}))
			t.Cleanup(func() {
				if err := player.Close(); err != nil {
					t.Errorf("remove the deployment: %v", err)
				}
			})
			r := player.Play(s)
			for _, step := range r.Steps {
				t.Logf("%s %s %s", step.Text, step.Latency, step.Detail)
			}
			switch err := r.Failure(); {
			case err == nil:
			case controller.IsSluice() || r.Err != nil:
				t.Error(err)
			default:
				t.Logf("comparison: %v", err)
			}
		})
	}
}
