package vm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/sluice-gw/sluice/test/hil/cpio"
	"github.com/sluice-gw/sluice/test/hil/elfdep"
	"github.com/sluice-gw/sluice/test/hil/kmod"
)

// portModules drive the serial ports, on kernels that do not have their drivers built in.
var portModules = []string{"virtio_pci", "virtio_console"}

// writeInitramfs writes the guest's first file system, uncompressed: unpacking it in the emulator would take longer than reading it.
func writeInitramfs(file string, spec Spec) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(f, 1<<20)
	root := rootfs{cpio.NewWriter(buffered)}
	err = root.fill(spec)
	return errors.Join(err, root.Close(), buffered.Flush(), f.Close())
}

type rootfs struct{ *cpio.Writer }

func (r rootfs) fill(spec Spec) error {
	for _, dir := range []string{"dev", "proc", "sys", "run", "tmp", "etc", home} {
		r.Dir(dir)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := r.program(self, "/init"); err != nil {
		return err
	}
	j := job{Age: spec.Age, Env: spec.Env}
	if j.Modules, err = r.modules(spec); err != nil {
		return err
	}
	for i, c := range spec.Commands {
		e := guestEntry{Banner: c.Banner, Dir: fmt.Sprintf("%s/%d", home, i), Artefacts: ArtefactDirectory(c.Name)}
		program := path.Join(e.Dir, filepath.Base(c.Program))
		e.Argv = append([]string{program}, c.Args...)
		if err := r.program(c.Program, program); err != nil {
			return err
		}
		if c.Testdata != "" {
			if err := r.add(Addition{Source: c.Testdata, Target: path.Join(e.Dir, "testdata")}); err != nil {
				return err
			}
		}
		j.Commands = append(j.Commands, e)
	}
	for _, a := range spec.Add {
		if err := r.add(a); err != nil {
			return err
		}
	}
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	r.File(jobFile, 0o644, int64(len(text)), bytes.NewReader(text))
	return nil
}

// modules adds the modules and returns their places, in the order in which they are to be inserted.
func (r rootfs) modules(spec Spec) (placed []string, err error) {
	files, err := kmod.Order(spec.Kernel.Modules, append(portModules, spec.Modules...))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if !strings.HasSuffix(file, ".ko") {
			return nil, fmt.Errorf("module %s is compressed: init inserts them as they are", file)
		}
		place := path.Join(moduleDir, filepath.Base(file))
		if err := r.file(file, place); err != nil {
			return nil, err
		}
		placed = append(placed, place)
	}
	return placed, nil
}

// add adds a file or all of a directory, where symbolic links stay what they are.
func (r rootfs) add(a Addition) error {
	target := a.Target
	if target == "" {
		target = a.Source
	}
	if fi, err := os.Stat(a.Source); err != nil {
		return err
	} else if !fi.IsDir() {
		return r.program(a.Source, target)
	}
	return filepath.WalkDir(a.Source, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(a.Source, file)
		if err != nil {
			return err
		}
		place := path.Join(target, filepath.ToSlash(rel))
		switch {
		case d.IsDir():
			r.Dir(place)
		case d.Type() == fs.ModeSymlink:
			to, err := os.Readlink(file)
			if err != nil {
				return err
			}
			r.Symlink(place, to)
		case d.Type().IsRegular():
			return r.program(file, place)
		default:
			return fmt.Errorf("%s is neither file, directory nor symbolic link", file)
		}
		return nil
	})
}

// program adds a file, and when it is a program or library the libraries that it needs, at the paths where they are here.
func (r rootfs) program(file, place string) error {
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	if place == file && real != file { // a program finds its own directory (DT_RUNPATH) by following links
		if !r.Has(place) {
			r.Symlink(place, real)
		}
		place = real
	}
	if err := r.file(real, place); err != nil {
		return err
	}
	is, err := elfdep.IsELF(real)
	if err != nil || !is {
		return err
	}
	needed, err := elfdep.Closure(real)
	if err != nil {
		return err
	}
	for _, library := range needed {
		real, err := filepath.EvalSymlinks(library)
		if err != nil {
			return err
		}
		if real != library && !r.Has(library) {
			r.Symlink(library, real)
		}
		if err := r.file(real, real); err != nil {
			return err
		}
	}
	return nil
}

// file adds one regular file, unless something has that place already: programs share libraries.
func (r rootfs) file(file, place string) error {
	if r.Has(place) {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	r.File(place, fi.Mode(), fi.Size(), f)
	return nil
}
