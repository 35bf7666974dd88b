package arch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Stale runs the generators on a copy of the module in scratch and returns the generated files that then differ.
func Stale(ctx context.Context, root, scratch string) ([]string, error) {
	if err := copyModule(root, scratch); err != nil {
		return nil, err
	}
	before, err := generatedFiles(scratch)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "generate", "./...")
	cmd.Dir = scratch
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go generate: %w\n%s", err, out)
	}
	after, err := generatedFiles(scratch)
	if err != nil {
		return nil, err
	}
	var stale []string
	for name, text := range after {
		if old, there := before[name]; !there || !bytes.Equal(old, text) {
			stale = append(stale, name+" is stale: run make gen and commit the result")
		}
	}
	slices.Sort(stale)
	return stale, nil
}

// left are the directories that no generator needs.
var left = []string{".git", "bin"}

func copyModule(root, scratch string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // somebody's temporary file
			}
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		to := filepath.Join(scratch, name)
		switch {
		case d.IsDir() && slices.Contains(left, name):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(to, 0o777)
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o666)
	})
}

// generatedFiles returns the generated Go files below dir, by their names in it.
func generatedFiles(dir string) (map[string][]byte, error) {
	files := make(map[string][]byte)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && IsGenerated(text) {
			name, _ := filepath.Rel(dir, path)
			files[name] = text
		}
		return err
	})
	return files, err
}
