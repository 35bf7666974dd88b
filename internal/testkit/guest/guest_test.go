package guest

import (
	"fmt"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// named is a test with another name, which notes what becomes of it.
type named struct {
	name, outcome string
}

func (n *named) Name() string { return n.name }
func (n *named) Helper()      {}
func (n *named) Fatalf(format string, args ...any) {
	n.outcome = "failed: " + fmt.Sprintf(format, args...)
	panic(n)
}
func (n *named) Skip(args ...any) { n.outcome = "skipped"; panic(n) }

func need(name string, programs ...string) string {
	n := &named{name: name, outcome: "runs"}
	func() {
		defer func() { _ = recover() }() // neither returns
		Need(n, programs...)
	}()
	return n.outcome
}

func TestNeed(t *testing.T) {
	for _, tt := range []struct {
		name, inside, require, want string
		programs                    []string
	}{
		{name: "TestKernelX", want: "skipped"},
		{name: "TestKernelX/sub", inside: "1", want: "runs", programs: []string{"sh"}},
		{name: "TestKernelX", inside: "1", want: `failed: the guest lacks a program: exec: "no-such-program": executable file not found in $PATH; ` +
			"test/hil/outfit lists those that it gets", programs: []string{"no-such-program"}},
		{name: "TestKernelX", require: "netns,vm", want: `failed: SLUICE_REQUIRE has "vm": vm: not in a guest; "make test-vm" runs this test in one`},
		{name: "TestX", inside: "1", want: "failed: TestX needs the guest, so its name must begin with TestKernel: by that it is found"},
	} {
		t.Setenv(Environment, tt.inside)
		t.Setenv(capability.Environment, tt.require)
		if got := need(tt.name, tt.programs...); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}
