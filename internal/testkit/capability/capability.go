// Package capability decides what becomes of a test on a machine that lacks what the test needs: it is skipped, with the reason, and
// counted; or it fails, where the environment variable SLUICE_REQUIRE names the capability. CI requires all of them, so that no test is
// silently left out there.
//
//	netns   root and network namespaces
//	ovs     the programs of Open vSwitch and OVN
//	tc      tc(8) of iproute2 6.1, whose text is compared with ours
//	vm      QEMU and a kernel for it
//	shared  the directory of that name beside the repository, where the project is developed
package capability

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
)

// Missing is a capability that this machine does not have.
type Missing struct {
	// Capability is its name, as SLUICE_REQUIRE has it.
	Capability string
	// Reason says what was looked for, and where to get it.
	Reason string
}

func (m Missing) Error() string { return m.Capability + ": " + m.Reason }

// Environment is the variable that lists the capabilities which must not be missing, separated by commas.
const Environment = "SLUICE_REQUIRE"

// Required tells whether the absence of the capability is a failure.
func Required(name string) bool {
	return slices.Contains(strings.Split(os.Getenv(Environment), ","), name)
}

var skipped atomic.Int32

// Skipped is how many tests of this program were skipped by Skip.
func Skipped() int { return int(skipped.Load()) }

// Test is as much of testing.TB as Skip uses. Programs that are no tests look for capabilities too and must not depend on that package.
type Test interface {
	Helper()
	Fatalf(format string, args ...any)
	Skip(args ...any)
}

// Absent looks for programs, by name, and for files, by a path with a slash. It returns what to tell Skip of those that are not there, and nothing
// when all are.
func Absent(capability string, names ...string) []Missing {
	var absent []string
	for _, name := range names {
		var err error
		if strings.Contains(name, "/") {
			_, err = os.Stat(name)
		} else {
			_, err = exec.LookPath(name)
		}
		if err != nil {
			absent = append(absent, name)
		}
	}
	if len(absent) == 0 {
		return nil
	}
	return []Missing{{Capability: capability, Reason: "no " + strings.Join(absent, ", ") + "; on Debian \"make deps\" installs what is needed"}}
}

// Need skips the test when something of what Absent looks for is absent.
func Need(t Test, capability string, names ...string) {
	t.Helper()
	Skip(t, Absent(capability, names...)...)
}

// Skip ends the test when something is missing: as skipped, or as failed where that is required. With nothing missing it does nothing.
func Skip(t Test, missing ...Missing) {
	t.Helper()
	if len(missing) == 0 {
		return
	}
	for _, m := range missing {
		if Required(m.Capability) {
			t.Fatalf("%s has %q: %v", Environment, m.Capability, m)
		}
	}
	skipped.Add(1)
	t.Skip(missing)
}
