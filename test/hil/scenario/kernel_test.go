package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/test/lab"
)

// TestKernelScenarios plays all scenarios with the kernel's datapath, tunnels and connection tracking, and the offload: the same packets have the
// same results as without it. Without it, and with VXLAN tunnels, they are played here in long runs only; TestScenarios of package e2e plays them without
// it in userspace.
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
	variants := []struct{ encap, offload string }{{"geneve", "software"}}
	if !testing.Short() {
		variants = append(variants, []struct{ encap, offload string }{{"geneve", ""}, {"vxlan", ""}, {"vxlan", "software"}}...)
	}
	for _, v := range variants {
		name := v.encap
		if v.offload != "" {
			name += "-offloaded"
		}
		t.Run(name, func(t *testing.T) {
			player := NewPlayer(Namespaces(t.Context(), lab.Options{Controller: controller, Encap: v.encap, Offload: v.offload, Datapath: lab.Kernel, Timeout: guest.Patience}))
			var results []Result
			var past uint64 // Open vSwitch, in the scenarios so far
			for _, s := range all {
				t.Run(s.Name, func(t *testing.T) {
					if testing.Short() && s.Name == "gateway-failover" {
						t.Skip("the kernel forwards for a dead gateway until BFD notices, at a time that an emulated machine does not keep: make hil plays it")
					}
					player.Inspect = func(r Result) {
						if r.Failure() != nil {
							logChassis(t)
						}
						if v.offload != "" {
							past = offloaded(t, s.Name, past)
						}
						if v.offload != "" && s.Name == "l2" {
							traced(t)
						}
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
			if err := WriteJUnit(&junit, "kernel-"+name, results); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(t.ArtifactDir(), "junit.xml"), junit.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// logChassis logs the end of what the controllers and switches of all chassis have logged, and what stands in front of the switches.
func logChassis(t *testing.T) {
	t.Helper()
	files, _ := filepath.Glob("/run/sluice-lab/*/*/ovn-controller.log")
	for _, file := range files {
		for _, program := range []string{"ovn-controller", "ovs-vswitchd"} {
			file := filepath.Join(filepath.Dir(file), program+".log")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			}
			t.Logf("end of %s:\n%s", file, text[max(0, len(text)-4000):])
		}
		ns := filepath.Base(filepath.Dir(filepath.Dir(file))) + "-" + filepath.Base(filepath.Dir(file))
		run := func(argv ...string) string {
			out, err := exec.CommandContext(t.Context(), "ip", append([]string{"netns", "exec", ns}, argv...)...).CombinedOutput()
			if err != nil {
				return fmt.Sprintf("%s%v\n", out, err)
			}
			return string(out)
		}
		for line := range strings.Lines(run("ip", "-o", "link")) {
			_, rest, _ := strings.Cut(line, ": ")
			device, _, _ := strings.Cut(rest, ": ")
			device, _, _ = strings.Cut(device, "@")
			if filters := run("tc", "-s", "filter", "show", "dev", device, "ingress"); filters != "" {
				t.Logf("%s, filters of %s", ns, strings.TrimSpace(line)+"\n"+filters)
			}
		}
	}
}

// traced traces a packet of the scenario l2 into the rules that packets like it have met.
func traced(t *testing.T) {
	t.Helper()
	sockets := controlSockets(t, "hv1")
	databases, _ := filepath.Glob("/run/sluice-lab/*/*/sb.sock")
	if len(sockets) != 1 || len(databases) != 1 {
		t.Errorf("control sockets %q, databases %q", sockets, databases)
		return
	}
	const packet = `inport == "lp1" && eth.src == 02:00:00:00:01:11 && eth.dst == 02:00:00:00:01:13 && ip4.src == 10.0.1.11 && ip4.dst == 10.0.1.13 && ip.ttl == 64 && icmp4`
	out, err := exec.CommandContext(t.Context(), "sluice", "trace", "--db=unix:"+databases[0], "--offload="+sockets[0], packet).CombinedOutput()
	_, met, _ := strings.Cut(string(out), "# Offload.")
	if err != nil || !strings.Contains(string(out), "offload: offloaded, n_packets=") || !strings.Contains(met, "it is offloaded from end to end") {
		t.Errorf("sluice trace --offload: %v\n%s", err, out)
	}
}

// proven are scenarios of which some packets must have bypassed Open vSwitch.
var proven = map[string]bool{"l2": true, "localnet": true, "nat": true, "floating-ip": true, "ecmp": true, "load-balancer": true, "routed": true, "acl": true, "containers": true, "ipv6": true}

// controlSockets are those of the controllers that run. One that was killed has left its socket.
func controlSockets(t *testing.T, chassis string) (sockets []string) {
	t.Helper()
	pidFiles, _ := filepath.Glob("/run/sluice-lab/*/" + chassis + "/ovn-controller.pid")
	for _, file := range pidFiles {
		pid, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		id := strings.TrimSpace(string(pid))
		if _, err := os.Stat("/proc/" + id); errors.Is(err, os.ErrNotExist) { // its chassis is dead
			continue
		}
		sockets = append(sockets, fmt.Sprintf("%s.%s.ctl", strings.TrimSuffix(file, ".pid"), id))
	}
	return sockets
}

// offloaded logs what is offloaded on each chassis, and demands that more packets bypassed Open vSwitch than before, where they are to be
// seen. It returns how many did by now. Counters are some seconds late.
func offloaded(t *testing.T, scenario string, before uint64) uint64 {
	t.Helper()
	sockets := controlSockets(t, "*")
	var packets uint64
	var report strings.Builder
	for start := time.Now(); ; {
		packets = 0
		report.Reset()
		for _, socket := range sockets {
			var status struct {
				Total struct {
					Offloaded int `json:"paths_offloaded"`
					Fallback  int `json:"paths_fallback"`
				}
				Traffic struct{ Kernel, Trapped struct{ Packets uint64 } }
				Reasons []struct {
					Code, Stage string
					Paths       int
					Cause       string `json:"example_cause"`
				}
			}
			// A program that places thousands of paths in an emulated machine answers late.
			out, err := exec.CommandContext(t.Context(), "sluice", "offload", "status", "--target", socket, "--timeout", "5m", "--output", "json").Output()
			if err == nil {
				err = json.Unmarshal(out, &status)
			}
			if err != nil {
				if exit := new(exec.ExitError); errors.As(err, &exit) {
					out = exit.Stderr
				}
				t.Errorf("sluice offload status --target %s: %v\n%s", socket, err, out)
				return before
			}
			packets += status.Traffic.Kernel.Packets
			fmt.Fprintf(&report, "%s: %d of %d paths offloaded; %d packets bypassed Open vSwitch, %d were handed to it\n",
				filepath.Base(filepath.Dir(socket)), status.Total.Offloaded, status.Total.Offloaded+status.Total.Fallback,
				status.Traffic.Kernel.Packets, status.Traffic.Trapped.Packets)
			for _, r := range status.Reasons {
				fmt.Fprintf(&report, "  %d paths: %s in %s: %s\n", r.Paths, r.Code, r.Stage, r.Cause)
			}
		}
		if packets < before { // a controller that was started again begins at 0
			before = 0
		}
		if packets > before || !proven[scenario] || time.Since(start) > guest.Patience {
			break
		}
		time.Sleep(time.Second)
	}
	t.Logf("%s", report.String())
	if proven[scenario] && packets <= before {
		t.Error("no packet bypassed Open vSwitch")
	}
	return packets
}
