package capability

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// outcome is a test that notes what becomes of it.
type outcome struct{ skipped, failed string }

func (o *outcome) Helper() {}
func (o *outcome) Fatalf(format string, args ...any) {
	o.failed = fmt.Sprintf(format, args...)
	panic(o)
}
func (o *outcome) Skip(args ...any) { o.skipped = fmt.Sprint(args...) }

func skip(missing ...Missing) (o outcome) {
	defer func() { _ = recover() }() // Fatalf does not return
	Skip(&o, missing...)
	return o
}

func TestAbsent(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	program, file := filepath.Join(dir, "there"), filepath.Join(dir, "file")
	for name, mode := range map[string]os.FileMode{program: 0o755, file: 0o644} {
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ names, want string }{
		{"there " + file, ""},
		{"there gone", "ovs: no gone;"},
		{"file " + file + "x there", "ovs: no file, " + file + "x;"}, // a file that nobody may execute is no program
	} {
		missing := Absent("ovs", strings.Fields(tt.names)...)
		if tt.want == "" && len(missing) > 0 || tt.want != "" && (len(missing) != 1 || !strings.HasPrefix(missing[0].Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.names, missing, tt.want)
		}
	}
}

func TestSkip(t *testing.T) {
	vm, ovs := Missing{"vm", "no QEMU"}, Missing{"ovs", "no ovs-vswitchd"}
	tests := []struct {
		require string
		missing []Missing
		want    outcome
	}{
		{"", nil, outcome{}},
		{"vm", nil, outcome{}},
		{"", []Missing{vm, ovs}, outcome{skipped: "[vm: no QEMU ovs: no ovs-vswitchd]"}},
		{"netns", []Missing{vm}, outcome{skipped: "[vm: no QEMU]"}},
		{"netns,ovs,vm", []Missing{vm}, outcome{failed: `SLUICE_REQUIRE has "vm": vm: no QEMU`}},
		{"netns,ovs", []Missing{vm, ovs}, outcome{failed: `SLUICE_REQUIRE has "ovs": ovs: no ovs-vswitchd`}},
	}
	counted := 0
	for _, tt := range tests {
		t.Setenv(Environment, tt.require)
		if got := skip(tt.missing...); got != tt.want {
			t.Errorf("%q with %v: got %+v, want %+v", tt.require, tt.missing, got, tt.want)
		}
		if tt.want.skipped != "" {
			counted++
		}
		if Skipped() != counted {
			t.Errorf("%q with %v: counted %d skips, want %d", tt.require, tt.missing, Skipped(), counted)
		}
	}
}
