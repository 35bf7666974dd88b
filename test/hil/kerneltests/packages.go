package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/test/hil/outfit"
	"github.com/sluice-gw/sluice/test/hil/vm"
)

// guestPackage is what a package with kernel tests imports in them.
const guestPackage = "github.com/sluice-gw/sluice/internal/testkit/guest"

// pkg is a package with kernel tests.
type pkg struct {
	ImportPath, Dir           string
	TestImports, XTestImports []string

	binary string // its tests, compiled
}

// find lists the packages with kernel tests.
func find(ctx context.Context, patterns []string) ([]pkg, error) {
	out, err := outfit.GoCommand(ctx, append([]string{"list", "-json=ImportPath,Dir,TestImports,XTestImports"}, patterns...)...).Output()
	if err != nil {
		exit, _ := errors.AsType[*exec.ExitError](err)
		if exit != nil {
			return nil, fmt.Errorf("go list: %w: %s", err, exit.Stderr)
		}
		return nil, err
	}
	var found []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if slices.Contains(p.TestImports, guestPackage) || slices.Contains(p.XTestImports, guestPackage) {
			found = append(found, p)
		}
	}
}

// name is the package's path as a file name.
func (p *pkg) name() string { return strings.ReplaceAll(p.ImportPath, "/", "_") }

// build compiles the package's tests.
func (p *pkg) build(ctx context.Context, dir string) error {
	p.binary = filepath.Join(dir, p.name()+".test")
	cmd := outfit.GoCommand(ctx, "test", "-c", "-o", p.binary, p.ImportPath)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compile the tests of %s: %w\n%s", p.ImportPath, err, out)
	}
	return nil
}

// command runs the package's tests in the guest.
func (p *pkg) command(pattern string, short bool) vm.Command {
	c := vm.Command{
		Name: p.name(), Banner: "\n=== " + p.ImportPath + "\n", Program: p.binary,
		Args: []string{"-test.v", "-test.run=" + pattern, fmt.Sprintf("-test.short=%t", short), "-test.artifacts", "-test.outputdir=" + vm.ArtefactDirectory(p.name())},
	}
	if testdata := filepath.Join(p.Dir, "testdata"); isDirectory(testdata) {
		c.Testdata = testdata
	}
	return c
}

func isDirectory(name string) bool {
	fi, err := os.Stat(name)
	return err == nil && fi.IsDir()
}
