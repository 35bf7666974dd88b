// Package kmod finds out which kernel modules must be loaded before which, from the files that depmod(8) leaves in a kernel's module
// directory. A guest has neither modprobe nor a place to put one, so the host works out the order and package vm's init only inserts.
package kmod

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Order returns the files of the wanted modules and of all that they need, each after what it needs. dir is a kernel's module directory
// (lib/modules/VERSION). Modules that are built into the kernel need nothing and are left out.
//
// Two kinds of need count: modules.dep, symbols that one module takes from another, and the "pre:" list of modules.softdep, what modprobe
// loads first without being able to see why, such as the implementation of a checksum (modprobe.d(5)). A soft need that this kernel does
// not have is none.
func Order(dir string, wanted []string) ([]string, error) {
	x, err := readIndex(dir)
	if err != nil {
		return nil, err
	}
	o := order{index: x, seen: map[string]bool{}}
	for _, name := range wanted {
		if err := o.visit(canonical(name)); err != nil {
			return nil, fmt.Errorf("kernel modules in %s: %w", dir, err)
		}
	}
	return o.files, nil
}

type order struct {
	*index
	seen  map[string]bool
	files []string
}

func (o *order) visit(name string) error {
	if o.seen[name] || o.builtin[name] {
		return nil
	}
	o.seen[name] = true
	file, ok := o.file[name]
	if !ok {
		return fmt.Errorf("there is no module %s, and it is not built in", name)
	}
	for _, needed := range o.needs[name] {
		if err := o.visit(needed); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, soft := range o.soft[name] {
		if target, ok := o.resolve(soft); ok {
			if err := o.visit(target); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	o.files = append(o.files, file)
	return nil
}

// index is what depmod knows of a kernel. Modules go by canonical names.
type index struct {
	file    map[string]string   // absolute
	needs   map[string][]string // modules.dep
	soft    map[string][]string // modules.softdep, pre: names and aliases as they are written
	alias   map[string]string   // modules.alias
	builtin map[string]bool     // modules.builtin
}

func readIndex(dir string) (*index, error) {
	x := &index{
		file: map[string]string{}, needs: map[string][]string{}, soft: map[string][]string{},
		alias: map[string]string{}, builtin: map[string]bool{},
	}
	for _, part := range []struct {
		name string
		line func(*index, string, []string)
	}{
		{"modules.dep", (*index).dependency}, {"modules.softdep", (*index).softDependency},
		{"modules.alias", (*index).aliasOf}, {"modules.builtin", (*index).builtIn},
	} {
		text, err := os.ReadFile(filepath.Join(dir, part.name))
		if err != nil {
			return nil, fmt.Errorf("%w (depmod(8) writes it)", err)
		}
		for line := range strings.Lines(string(text)) {
			if words := strings.Fields(line); len(words) > 0 {
				part.line(x, dir, words)
			}
		}
	}
	return x, nil
}

// dependency reads "kernel/a.ko: kernel/b.ko kernel/c.ko".
func (x *index) dependency(dir string, words []string) {
	file := strings.TrimSuffix(words[0], ":")
	name := canonical(file)
	x.file[name] = filepath.Join(dir, file)
	for _, needed := range words[1:] {
		x.needs[name] = append(x.needs[name], canonical(needed))
	}
}

// softDependency reads "softdep a pre: b c post: d".
func (x *index) softDependency(_ string, words []string) {
	if len(words) < 3 || words[0] != "softdep" {
		return
	}
	list := ""
	for _, word := range words[2:] {
		switch {
		case word == "pre:" || word == "post:":
			list = word
		case list == "pre:":
			x.soft[canonical(words[1])] = append(x.soft[canonical(words[1])], word)
		}
	}
}

// aliasOf reads "alias crypto-crc32c crc32c_generic". Of several modules with one alias the first counts.
func (x *index) aliasOf(_ string, words []string) {
	if len(words) == 3 && words[0] == "alias" && x.alias[words[1]] == "" {
		x.alias[words[1]] = canonical(words[2])
	}
}

func (x *index) builtIn(_ string, words []string) { x.builtin[canonical(words[0])] = true }

// resolve finds the module that a soft dependency means, which may be named by an alias.
func (x *index) resolve(name string) (string, bool) {
	if m := canonical(name); x.file[m] != "" {
		return m, true
	}
	m, ok := x.alias[name]
	return m, ok && x.file[m] != ""
}

// canonical is a module's name inside the kernel, from its file or from any spelling of its name.
func canonical(name string) string {
	name, _, _ = strings.Cut(filepath.Base(name), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}
