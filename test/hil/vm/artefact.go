package vm

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// artefacts sends files to the host as one tar stream, which may end anywhere: then with what was sent.
type artefacts struct{ tar *tar.Writer }

func newArtefacts(out io.Writer) *artefacts { return &artefacts{tar.NewWriter(out)} }

// add sends the regular files in a command's artefact directory, under the directory's name.
func (a *artefacts) add(dir string) error {
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(filepath.Dir(dir), file)
		if err != nil {
			return err
		}
		return a.send(file, rel)
	})
	if err != nil {
		return fmt.Errorf("send artefacts: %w", err)
	}
	return a.tar.Flush()
}

func (a *artefacts) send(file, name string) error {
	content, err := os.ReadFile(file) // whole: its size must not change under way
	if err != nil {
		return err
	}
	if err := a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err = a.tar.Write(content)
	return err
}

// unpackArtefacts writes the files of a stream into dir. A stream that is cut off, because the guest did not end well, is no error; names
// that lead out of dir are.
func unpackArtefacts(stream, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // holds nothing
	f, err := os.Open(stream)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("artefacts of the guest: %w", err)
		}
		content, err := io.ReadAll(r)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err == nil {
			err = root.MkdirAll(filepath.Dir(h.Name), 0o755)
		}
		if err == nil {
			err = root.WriteFile(h.Name, content, 0o644)
		}
		if err != nil {
			return fmt.Errorf("artefact %s of the guest: %w", h.Name, err)
		}
	}
}
