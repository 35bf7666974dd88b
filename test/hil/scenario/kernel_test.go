package scenario

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/test/lab"
)

// TestKernelScenarios plays all scenarios with the kernel's datapath, tunnels and connection tracking, and once more with the offload: the
// same packets have the same results. With VXLAN tunnels they are played in long runs only.
func TestKernelScenarios(t *testing.T) {
	guest.Need(t, append(lab.Programs(), "sluice")...)
	controller, err := lab.ParseController("sluice")
	if err != nil {
		t.Fatal(err)
	}
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	variants := []struct{ encap, offload string }{{"geneve", ""}, {"geneve", "software"}}
	if !testing.Short() {
		variants = append(variants, []struct{ encap, offload string }{{"vxlan", ""}, {"vxlan", "software"}}...)
	}
	for _, v := range variants {
		name := v.encap
		if v.offload != "" {
			name += "-offloaded"
		}
		t.Run(name, func(t *testing.T) {
			player := NewPlayer(Namespaces(t.Context(), lab.Options{Controller: controller, Encap: v.encap, Offload: v.offload, Datapath: lab.Kernel, Timeout: guest.Patience}))
			var results []Result
			for _, s := range all {
				t.Run(s.Name, func(t *testing.T) {
					if testing.Short() && s.Name == "gateway-failover" {
						t.Skip("the kernel forwards for a dead gateway until BFD notices, at a time that an emulated machine does not keep: make hil plays it")
					}
					player.Failed = func() { logChassis(t) }
					r := player.Play(s)
					results = append(results, r)
					if err := r.Failure(); err != nil {
						t.Error(err)
					}
				})
			}
			if err := player.Close(); err != nil {
				t.Error(err)
			}
			var text, junit bytes.Buffer
			if err := WriteText(&text, results); err != nil {
				t.Fatal(err)
			}
			t.Logf("%s", text.Bytes())
			if err := WriteJUnit(&junit, "kernel-"+name, results); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(t.ArtifactDir(), "junit.xml"), junit.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// logChassis logs the end of what the controllers of all chassis have logged, and what stands in front of their switches.
func logChassis(t *testing.T) {
	t.Helper()
	files, _ := filepath.Glob("/run/sluice-lab/*/*/ovn-controller.log")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		t.Logf("end of %s:\n%s", file, text[max(0, len(text)-4000):])
		ns := filepath.Base(filepath.Dir(filepath.Dir(file))) + "-" + filepath.Base(filepath.Dir(file))
		out, err := exec.CommandContext(t.Context(), "ip", "netns", "exec", ns, "sh", "-c",
			"for d in $(ls /sys/class/net); do echo device $d; tc -s filter show dev $d ingress; done; ovs-appctl dpctl/dump-flows; ovs-appctl dpctl/show -s").CombinedOutput()
		t.Logf("filters of %s: %v\n%s", ns, err, out)
	}
}
