// Package guest is how a test of any package says that it needs the kernel of a guest: for what the kernel of the development machine lacks,
// or to change what an ordinary machine must keep. In the guest such a test is root, alone with its kernel, and may leave things behind.
//
// Tests that need the guest have names that begin with TestKernel. "make check" leaves them out, and "make test-vm" runs those of all
// packages in one guest, with the modules and programs that test/hil/outfit lists. A single package:
//
//	make test-vm PKG=./offload/tc/flower
package guest

import (
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// Environment is the variable that is set in the guest.
const Environment = "SLUICE_VM"

// Prefix begins the names of tests that need the guest, as "go test -run" and "-skip" pick them.
const Prefix = "TestKernel"

// Patience is how long something may take in the guest that takes a moment elsewhere: the emulator may share its processors with a whole
// test run.
const Patience = 20 * time.Second

// Test is what Need uses of testing.TB.
type Test interface {
	capability.Test
	Name() string
}

// Need skips the test outside of the guest, counted, or fails it there when SLUICE_REQUIRE has "vm". The test goes on in the guest; that the
// programs which it runs were put there is part of the test.
func Need(t Test, programs ...string) {
	t.Helper()
	if !strings.HasPrefix(t.Name(), Prefix) {
		t.Fatalf("%s needs the guest, so its name must begin with %s: by that it is found", t.Name(), Prefix)
	}
	if !Inside() {
		capability.Skip(t, capability.Missing{Capability: "vm", Reason: "not in a guest; \"make test-vm\" runs this test in one"})
		return
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("the guest lacks a program: %v; test/hil/outfit lists those that it gets", err)
		}
	}
}

// Inside tells whether this process runs in the guest.
func Inside() bool { return os.Getenv(Environment) != "" }
