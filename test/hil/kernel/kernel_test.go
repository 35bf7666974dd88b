package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	if _, err := Find(Debian); !errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), "debian.sh makes it") {
		t.Errorf("an empty cache: got error %v", err)
	}
	if _, err := Find("other"); !errors.Is(err, ErrAbsent) {
		t.Errorf("an unknown kernel: got error %v", err)
	}
	dir := filepath.Join(cache, "sluice", "kernel")
	version := filepath.Join(dir, "debian-6.1-1")
	if err := os.MkdirAll(filepath.Join(version, "modules"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("debian-6.1-1", filepath.Join(dir, Debian)); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(Debian); err == nil || errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), "not whole") {
		t.Errorf("half a kernel: got error %v", err)
	}
	for _, file := range []string{"vmlinuz", "modules/modules.dep"} {
		if err := os.WriteFile(filepath.Join(version, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	k, err := Find(Debian)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Kernel{Image: filepath.Join(version, "vmlinuz"), Modules: filepath.Join(version, "modules")}); k != want {
		t.Errorf("got %+v, want %+v", k, want)
	}
}
