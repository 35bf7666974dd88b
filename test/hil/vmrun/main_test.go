package main

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/test/hil/kernel"
	"github.com/sluice-gw/sluice/test/hil/vm"
)

func TestMain(m *testing.M) {
	vm.Init()
	os.Exit(m.Run())
}

func TestEnvironment(t *testing.T) {
	ours := []string{"GOTRACEBACK=all", "HOME=/root", "SLUICE_SEED=4", "CI=yes", "TERM=dumb"}
	got := environment(ours, []string{"CI", "X=y", "ABSENT"})
	if want := []string{"GOTRACEBACK=all", "SLUICE_SEED=4", "CI=yes", "X=y"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAddition(t *testing.T) {
	for text, want := range map[string]vm.Addition{
		"/etc/passwd":    {Source: "/etc/passwd"},
		"/a/b:/c":        {Source: "/a/b", Target: "/c"},
		"no-such-thing!": {},
	} {
		got, err := addition(text)
		if (err != nil) != (want == vm.Addition{}) || err == nil && got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	if got, err := addition("sh"); err != nil || !strings.HasSuffix(got.Source, "/sh") {
		t.Errorf("a program: got %+v, %v", got, err)
	}
}

// Without an exit status of the program, whatever the reason, it is 125.
func TestNoStatus(t *testing.T) {
	for _, args := range [][]string{{}, {"-no-such-flag", "x"}, {"-kernel", "other", "x"}} {
		if status, err := run(t.Context(), args); status != statusNone || err == nil {
			t.Errorf("%q: got status %d, error %v", args, status, err)
		}
	}
	capability.Skip(t, vm.Missing(kernel.Debian)...)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	status, err := run(t.Context(), []string{"-cpu", "1s", self})
	if _, ok := errors.AsType[*vm.Hang](err); !ok || status != statusNone {
		t.Errorf("a guest without time: got status %d, error %v", status, err)
	}
}
