package elfdep

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// build compiles a program and two libraries, one of which needs the other and is found by a run path relative to the program.
func build(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	for name, text := range map[string]string{
		"low.c": "int low(void) { return 1; }\n", "high.c": "int low(void);\nint high(void) { return low(); }\n",
		"main.c": "int high(void);\nint main(void) { return high(); }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-shared", "-o", "sub/liblow.so", "low.c"},
		{"-shared", "-o", "sub/libhigh.so", "high.c", "-Lsub", "-llow", "-Wl,-rpath,$ORIGIN"},
		{"-o", "main", "main.c", "-Lsub", "-lhigh", "-Wl,-rpath,$ORIGIN/sub", "-Wl,-rpath-link,sub"},
	} {
		cmd := exec.Command("gcc", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("gcc %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	return dir
}

func TestClosure(t *testing.T) {
	dir := build(t)
	if err := os.Symlink(filepath.Join(dir, "main"), filepath.Join(dir, "sub", "link")); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"main", "sub/link"} {
		files, err := Closure(filepath.Join(dir, program))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{filepath.Join(dir, "sub", "libhigh.so"), filepath.Join(dir, "sub", "liblow.so")} {
			if !slices.Contains(files, want) {
				t.Errorf("%s: no %s in %q", program, want, files)
			}
		}
		// The rest is the C library and the dynamic linker, wherever this host has them: ldd(1) must agree.
		out, err := exec.Command("ldd", filepath.Join(dir, program)).Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			for word := range strings.FieldsSeq(line) {
				if filepath.IsAbs(word) && !slices.Contains(files, word) {
					t.Errorf("%s: ldd has %s, which is not in %q", program, word, files)
				}
			}
		}
	}
}

func TestMissingLibrary(t *testing.T) {
	dir := build(t)
	if err := os.Remove(filepath.Join(dir, "sub", "liblow.so")); err != nil {
		t.Fatal(err)
	}
	_, err := Closure(filepath.Join(dir, "main"))
	if err == nil || !strings.Contains(err.Error(), "libhigh.so: no library liblow.so on this host") {
		t.Errorf("got error %v", err)
	}
}

func TestStatic(t *testing.T) {
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "main")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", program, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if files, err := Closure(program); err != nil || len(files) > 0 {
		t.Errorf("a static program needs %q, %v", files, err)
	}
	for file, want := range map[string]bool{program: true, source: false} {
		if is, err := IsELF(file); err != nil || is != want {
			t.Errorf("IsELF(%s) = %t, %v", filepath.Base(file), is, err)
		}
	}
	if _, err := Closure(source); err == nil || !strings.Contains(err.Error(), "main.go") {
		t.Errorf("a source file: got error %v", err)
	}
}

func TestConfiguredDirectories(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ld.so.conf": "include d/*.conf\n/opt/lib # ours\nhwcap 0 nosegneg\n",
		"d/a.conf":   "# Multiarch\n/lib/x\n", "d/b.conf": "/lib/y\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dirs, err := configuredDirectories(filepath.Join(dir, "ld.so.conf"))
	if err != nil || !slices.Equal(dirs, []string{"/lib/x", "/lib/y", "/opt/lib"}) {
		t.Errorf("got %q, %v", dirs, err)
	}
	if dirs, err := configuredDirectories(filepath.Join(dir, "none")); err != nil || len(dirs) > 0 {
		t.Errorf("without a file: got %q, %v", dirs, err)
	}
}
