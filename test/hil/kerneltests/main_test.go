package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/test/hil/vm"
)

func TestMain(m *testing.M) {
	vm.Init()
	os.Exit(m.Run())
}

// Of two packages one has kernel tests. Where no guest can run they are counted, or fail.
func TestFindAndSkip(t *testing.T) {
	packages, err := find(t.Context(), []string{"../cpio", "../tcfilter"})
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) != 1 || filepath.Base(packages[0].ImportPath) != "tcfilter" {
		t.Fatalf("found %+v", packages)
	}
	if err := packages[0].build(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	o, missing := options{run: "^" + guest.Prefix}, []capability.Missing{{Capability: "vm", Reason: "no QEMU"}}
	for require, want := range map[string]string{"": "", "netns": "", "netns,vm": `SLUICE_REQUIRE has "vm"`} {
		t.Setenv(capability.Environment, require)
		n, err := skip(t.Context(), packages, o, missing)
		if n != 1 || (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("SLUICE_REQUIRE=%s: %d tests, error %v", require, n, err)
		}
	}
}

func TestCommand(t *testing.T) {
	p := pkg{ImportPath: "example.org/a/b", Dir: t.TempDir(), binary: "/tmp/x.test"}
	c := p.command("^TestKernel", true)
	if want := "-test.v -test.run=^TestKernel -test.short=true -test.artifacts -test.outputdir=" + vm.ArtefactDirectory("example.org_a_b"); strings.Join(c.Args, " ") != want {
		t.Errorf("arguments %q", c.Args)
	}
	if c.Testdata != "" {
		t.Errorf("testdata %q, of which there is none", c.Testdata)
	}
	if err := os.Mkdir(filepath.Join(p.Dir, "testdata"), 0o755); err != nil {
		t.Fatal(err)
	}
	if c = p.command("", false); c.Testdata != filepath.Join(p.Dir, "testdata") || c.Name != "example.org_a_b" {
		t.Errorf("%+v", c)
	}
}
