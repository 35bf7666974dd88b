// Package cpio writes the archive format of Linux's initial file systems ("newc", Documentation/driver-api/early-userspace/buffer-format.rst
// of the kernel's source), so that package vm can hand files to a guest without any tool on the host. It reads nothing.
package cpio

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// The file types of a mode, as the format and stat(2) have them.
const (
	typeDirectory = 0o040000
	typeRegular   = 0o100000
	typeSymlink   = 0o120000
)

const (
	magic   = "070701"
	trailer = "TRAILER!!!"
)

// Writer writes one archive. The first error stays: later calls do nothing, and Close returns it. Names are relative to the root of the
// file system, with or without a leading slash; a directory is written before what it holds, once, whether it was asked for or not.
type Writer struct {
	out     io.Writer
	written int64
	inode   int
	names   map[string]bool
	err     error
}

// NewWriter starts an archive on out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: out, names: map[string]bool{}} }

// Has tells whether the archive holds the name.
func (w *Writer) Has(name string) bool { return w.names[clean(name)] }

// Dir adds a directory, and does nothing when it is there.
func (w *Writer) Dir(name string) {
	if name = clean(name); name == "" || w.names[name] {
		return
	}
	w.entry(name, typeDirectory|0o755, 0, nil)
}

// Symlink adds a symbolic link.
func (w *Writer) Symlink(name, target string) {
	w.entry(clean(name), typeSymlink|0o777, int64(len(target)), strings.NewReader(target))
}

// File adds a regular file of size bytes, which body must deliver exactly.
func (w *Writer) File(name string, perm fs.FileMode, size int64, body io.Reader) {
	w.entry(clean(name), typeRegular|uint32(perm.Perm()), size, body)
}

// Close ends the archive and returns the first error of all calls.
func (w *Writer) Close() error {
	w.header(trailer, 0, 0)
	return w.err
}

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

func (w *Writer) entry(name string, mode uint32, size int64, body io.Reader) {
	w.Dir(path.Dir(name))
	switch {
	case w.err != nil:
		return
	case w.names[name]:
		w.err = fmt.Errorf("cpio: %s is added twice", name)
		return
	case size >= 1<<32:
		w.err = fmt.Errorf("cpio: %s has %d bytes: the format ends at 4 GiB", name, size)
		return
	}
	w.names[name] = true
	w.inode++
	w.header(name, mode, size)
	if body == nil || w.err != nil {
		return
	}
	n, err := io.Copy(writer{w}, io.LimitReader(body, size+1))
	switch {
	case err != nil:
		w.err = fmt.Errorf("cpio: %s: %w", name, err)
	case n != size:
		w.err = fmt.Errorf("cpio: %s has other than the announced %d bytes: it changed while it was read", name, size)
	}
	w.pad()
}

// header writes the thirteen numbers of an entry and its name: inode, mode, owner, group, links, time, size, four device numbers, length
// of the name, checksum (unused).
func (w *Writer) header(name string, mode uint32, size int64) {
	w.write(fmt.Appendf(nil, "%s%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		magic, w.inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0, name))
	w.pad()
}

// pad fills up to the next multiple of four bytes.
func (w *Writer) pad() { w.write(make([]byte, -w.written&3)) }

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.out.Write(b)
	w.written += int64(n)
	w.err = err
}

// writer is the Writer as io.Copy wants it.
type writer struct{ *Writer }

func (w writer) Write(b []byte) (int, error) {
	w.write(b)
	return len(b), w.err
}
