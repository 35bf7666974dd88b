// Package elfdep finds the files that a program needs besides itself: its interpreter and its shared libraries, as ld.so(8) would find
// them on this host. So a program of the host can be put into a guest that has nothing else.
package elfdep

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// IsELF tells whether the file is a program or library in ELF, and not a script, a configuration file or the like.
func IsELF(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // only read
	magic := make([]byte, len(elf.ELFMAG))
	if _, err := f.ReadAt(magic, 0); err != nil {
		return false, nil // shorter than that
	}
	return bytes.Equal(magic, []byte(elf.ELFMAG)), nil
}

// Closure returns the paths by which the program's interpreter and libraries are found, theirs included and sorted, but not the program.
// Nothing is needed by a program that is linked statically. What the program opens by itself with dlopen(3) is not found.
func Closure(program string) ([]string, error) {
	config, err := configuredDirectories("/etc/ld.so.conf")
	if err != nil {
		return nil, fmt.Errorf("library directories: %w", err)
	}
	c := closure{directories: append(config, "/lib", "/usr/lib", "/lib64", "/usr/lib64"), found: map[string]bool{}}
	if err := c.add(program); err != nil {
		return nil, err
	}
	files := make([]string, 0, len(c.found))
	for file := range c.found {
		files = append(files, file)
	}
	slices.Sort(files)
	return files, nil
}

type closure struct {
	directories []string
	found       map[string]bool
}

// add finds what one file needs and goes on with that.
func (c *closure) add(file string) error {
	f, err := elf.Open(file)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer f.Close() //nolint:errcheck // only read
	var needed []string
	if interpreter := interpreterOf(f); interpreter != "" {
		needed = append(needed, interpreter)
	}
	libraries, err := f.DynString(elf.DT_NEEDED)
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, name := range libraries {
		path, err := c.find(name, file, f)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		needed = append(needed, path)
	}
	for _, path := range needed {
		if c.found[path] {
			continue
		}
		c.found[path] = true
		if err := c.add(path); err != nil {
			return err
		}
	}
	return nil
}

// interpreterOf is the dynamic linker that the kernel starts in place of the program; a static program has none.
func interpreterOf(f *elf.File) string {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			text := make([]byte, p.Filesz)
			if _, err := p.ReadAt(text, 0); err == nil {
				return string(bytes.TrimRight(text, "\x00"))
			}
		}
	}
	return ""
}

// find looks for a library where ld.so(8) does: the run paths of the file that needs it, then the configured and the built-in directories.
func (c *closure) find(name, of string, f *elf.File) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	var dirs []string
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		paths, err := f.DynString(tag)
		if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
			return "", err
		}
		for _, p := range paths {
			dirs = append(dirs, strings.Split(expandOrigin(p, of), ":")...)
		}
	}
	for _, dir := range append(dirs, c.directories...) {
		if path := filepath.Join(dir, name); sameKind(path, f) {
			return path, nil
		}
	}
	return "", fmt.Errorf("no library %s on this host", name)
}

// expandOrigin replaces $ORIGIN by the directory of the file, with symbolic links followed.
func expandOrigin(path, of string) string {
	if real, err := filepath.EvalSymlinks(of); err == nil {
		of = real
	}
	return strings.NewReplacer("$ORIGIN", filepath.Dir(of), "${ORIGIN}", filepath.Dir(of)).Replace(path)
}

// sameKind tells whether a library is there and is for the machine of the file that needs it; hosts have those of other machines too.
func sameKind(path string, like *elf.File) bool {
	lib, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer lib.Close() //nolint:errcheck // only read
	return lib.Machine == like.Machine && lib.Class == like.Class
}

// configuredDirectories reads ld.so.conf(5) with the files that it includes. A host without it has none.
func configuredDirectories(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var dirs []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "hwcap":
		case words[0] == "include":
			for _, pattern := range words[1:] {
				if !filepath.IsAbs(pattern) {
					pattern = filepath.Join(filepath.Dir(file), pattern)
				}
				files, err := filepath.Glob(pattern)
				if err != nil {
					return nil, fmt.Errorf("%s: include %s: %w", file, pattern, err)
				}
				for _, included := range files {
					more, err := configuredDirectories(included)
					if err != nil {
						return nil, err
					}
					dirs = append(dirs, more...)
				}
			}
		default:
			dirs = append(dirs, words[0])
		}
	}
	return dirs, nil
}
