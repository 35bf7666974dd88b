// Package kernel finds the Linux kernels that guests boot. They are kept outside of the source tree, in the user's cache directory, one
// directory each with the kernel image "vmlinuz" and the module directory "modules"; the scripts beside this file put them there:
//
//	debian.sh  unpacks Debian's packaged kernel: for everyday tests
//	own.sh     builds a small kernel from Debian's source package with the configuration small.config: for "make hil"
package kernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Names of the kernels.
const (
	Debian = "debian"
	Own    = "own"
)

// Kernel is what a guest boots.
type Kernel struct {
	// Image is the compressed kernel, as boot loaders take it.
	Image string
	// Modules is the kernel's module directory, with the indexes of depmod(8).
	Modules string
}

// ErrAbsent is in the error of Find when the kernel was never put into the cache.
var ErrAbsent = errors.New("no such kernel")

// sources says how each kernel comes into the cache.
var sources = map[string]string{
	Debian: "test/hil/kernel/debian.sh",
	Own:    "test/hil/kernel/own.sh",
}

// Find returns the kernel of that name in the cache.
func Find(name string) (Kernel, error) {
	source, ok := sources[name]
	if !ok {
		return Kernel{}, fmt.Errorf("%w %q: there are %s and %s", ErrAbsent, name, Debian, Own)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return Kernel{}, fmt.Errorf("kernel %s: %w", name, err)
	}
	// The name is a symbolic link to the version that the script made last. It is followed here, once, so that a run which is under way
	// keeps its kernel when another version is put in.
	dir, err := filepath.EvalSymlinks(filepath.Join(cache, "sluice", "kernel", name))
	if err != nil {
		return Kernel{}, fmt.Errorf("%w %s: %w (%s makes it)", ErrAbsent, name, err, source)
	}
	k := Kernel{Image: filepath.Join(dir, "vmlinuz"), Modules: filepath.Join(dir, "modules")}
	for _, file := range []string{k.Image, filepath.Join(k.Modules, "modules.dep")} {
		if _, err := os.Stat(file); err != nil {
			return Kernel{}, fmt.Errorf("kernel %s is not whole: %w (remove %s and run %s)", name, err, dir, source)
		}
	}
	return k, nil
}
