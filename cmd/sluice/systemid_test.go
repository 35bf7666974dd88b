package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// TestNameOfTheChassisByFile: -n wins over the file; without both the local database says it.
func TestNameOfTheChassisByFile(t *testing.T) {
	for _, tt := range []struct{ name, file, flag, want string }{
		{"no file", "", "", ""},
		{"a file", "hv3\n", "", "hv3"},
		{"no newline", "hv3", "", "hv3"},
		{"the first line counts", "hv3\r\nhv4\n", "", "hv3"},
		{"an empty line", "\nhv4\n", "", ""},
		{"the command line wins", "hv3\n", "hv2", "hv2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.file != "" {
				if err := os.WriteFile(filepath.Join(dir, "system-id-override"), []byte(tt.file), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var console strings.Builder
			log := vlog.New(vlog.Config{Program: controllerProgram, Console: &console})
			line := newControllerLine(dirs.Dirs{OVNSysconf: dir}, log)
			line.chassis = tt.flag
			if got := line.options(1).Chassis; got != tt.want {
				t.Errorf("the chassis is called %q, want %q", got, tt.want)
			}
			if console.Len() > 0 {
				t.Errorf("logged: %s", console.String())
			}
		})
	}
}

// TestUnreadableNameOfTheChassis: a name that was meant to count and cannot be read is spoken of.
func TestUnreadableNameOfTheChassis(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "system-id-override"), 0o755); err != nil {
		t.Fatal(err)
	}
	var console strings.Builder
	line := newControllerLine(dirs.Dirs{OVNSysconf: dir}, vlog.New(vlog.Config{Program: controllerProgram, Console: &console}))
	if got := line.options(1).Chassis; got != "" {
		t.Errorf("the chassis is called %q", got)
	}
	if want := "WARN|the chassis is named by external_ids:system-id: read " + dir + "/system-id-override: is a directory"; !strings.Contains(console.String(), want) {
		t.Errorf("logged %q, want %q", console.String(), want)
	}
}
