package arch

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the top directory of the repository.
const root = "../.."

func load(t *testing.T) []Package {
	t.Helper()
	packages, err := Load(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 10 {
		t.Fatalf("only %d packages were found", len(packages))
	}
	return packages
}

func report(t *testing.T, bad []string) {
	t.Helper()
	for _, b := range bad {
		t.Error(b)
	}
}

func TestImports(t *testing.T)  { report(t, CheckImports(load(t))) }
func TestPackages(t *testing.T) { report(t, CheckPackages(load(t))) }

func TestFiles(t *testing.T) {
	bad, err := CheckFiles(load(t))
	if err != nil {
		t.Fatal(err)
	}
	report(t, bad)
}

func TestGuestTests(t *testing.T) {
	bad, err := CheckKernelTests(load(t))
	if err != nil {
		t.Fatal(err)
	}
	report(t, bad)
}

func TestSkips(t *testing.T) {
	bad, err := CheckSkips(load(t), skips)
	if err != nil {
		t.Fatal(err)
	}
	report(t, bad)
}

func TestGeneratedFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("runs all generators")
	}
	bad, err := Stale(t.Context(), root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	report(t, bad)
}

func TestLicence(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "Apache License") || !strings.Contains(string(text), "END OF TERMS AND CONDITIONS") {
		t.Error("LICENSE is not the Apache License 2.0")
	}
}

// A build must not depend on what else is on the machine, nor on what is newest today.
func TestGoMod(t *testing.T) {
	for _, name := range []string{"go.mod", "tools/go.mod"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(`(?m)^\s*(replace|exclude|toolchain)\b.*`).Find(text); m != nil {
			t.Errorf("%s: %q: say it without", name, bytes.TrimSpace(m))
		}
	}
}
