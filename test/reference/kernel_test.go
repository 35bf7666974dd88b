package reference

import (
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/test/lab"
)

// TestKernelReference builds the deployment with the kernel's datapath, and its tunnels and connection tracking, which the end-to-end tests
// do in userspace only.
func TestKernelReference(t *testing.T) {
	guest.Need(t, append(lab.Programs(), "sluice")...)
	controller, err := lab.ParseController("sluice")
	if err != nil {
		t.Fatal(err)
	}
	d, err := Start(t.Context(), Options{Options: lab.Options{Controller: controller, Datapath: lab.Kernel, Timeout: guest.Patience}})
	if d != nil {
		t.Cleanup(func() {
			if err := d.Close(); err != nil {
				t.Errorf("remove the deployment: %v", err)
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := d.HV1.Appctl("dpif/show"); err != nil || !strings.HasPrefix(out, "system@ovs-system") {
		t.Fatalf("the datapath is not the kernel's: %q, %v", out, err)
	}
	for _, stage := range d.Stages() {
		if err := stage.Configure(); err != nil {
			t.Fatalf("%s: %v", stage.Title, err)
		}
		for _, check := range stage.Checks {
			t.Run(check.Name, func(t *testing.T) {
				r, err := check.Run()
				if err != nil {
					t.Error(err)
				}
				t.Logf("%s %s", r.Latency, r.Detail)
			})
		}
	}
}
