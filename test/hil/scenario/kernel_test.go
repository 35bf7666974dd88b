package scenario

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/test/lab"
)

// TestKernelScenarios plays all scenarios with the kernel's datapath, tunnels and connection tracking; with VXLAN tunnels in long runs only.
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
	encaps := []string{"geneve"}
	if !testing.Short() {
		encaps = append(encaps, "vxlan")
	}
	for _, encap := range encaps {
		t.Run(encap, func(t *testing.T) {
			player := NewPlayer(Namespaces(t.Context(), lab.Options{Controller: controller, Encap: encap, Datapath: lab.Kernel, Timeout: guest.Patience}))
			var results []Result
			for _, s := range all {
				t.Run(s.Name, func(t *testing.T) {
					if testing.Short() && s.Name == "gateway-failover" {
						t.Skip("the kernel forwards for a dead gateway until BFD notices, at a time that an emulated machine does not keep: make hil plays it")
					}
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
			if err := WriteJUnit(&junit, "kernel-"+encap, results); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(t.ArtifactDir(), "junit.xml"), junit.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}
