package arch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// module is this module's path.
const module = "github.com/sluice-gw/sluice"

// Package is what the rules look at.
type Package struct {
	Path    string   // inside the module: "internal/arch"; "" for the root
	Name    string   // in the package clause
	Doc     string   // first sentence of the package comment
	Imports []string // of the files that are not tests
	Files   []string // absolute names of all Go files that are not tests
	Tests   []string // absolute names of the test files
}

// Load lists the packages of the module whose top directory is root.
func Load(ctx context.Context, root string) ([]Package, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-json=ImportPath,Name,Dir,Doc,Imports,GoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return nil, fmt.Errorf("go list: %w\n%s", err, exit.Stderr)
		}
		return nil, err
	}
	var packages []Package
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Name, Dir, Doc                                  string
			Imports, GoFiles, IgnoredGoFiles, TestGoFiles, XTestGoFiles []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		absolute := func(lists ...[]string) (files []string) {
			for _, name := range slices.Concat(lists...) {
				files = append(files, filepath.Join(p.Dir, name))
			}
			return files
		}
		packages = append(packages, Package{
			Path: strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/"),
			Name: p.Name, Doc: p.Doc, Imports: p.Imports,
			Files: absolute(p.GoFiles, p.IgnoredGoFiles),
			Tests: absolute(p.TestGoFiles, p.XTestGoFiles),
		})
	}
}

// emptyNames say nothing about what is in a package.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base"}

// CheckPackages returns the packages that do not say what they are for.
func CheckPackages(packages []Package) []string {
	var bad []string
	for _, p := range packages {
		if len(p.Files) > 0 && p.Doc == "" {
			bad = append(bad, p.Path+" has no package comment: say what it is for and where it stands")
		}
		if slices.Contains(emptyNames, p.Name) {
			bad = append(bad, fmt.Sprintf("%s: the name %s says nothing; name it after what it holds", p.Path, p.Name))
		}
	}
	return bad
}
