package vlog

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// quiet makes a Facility that logs to the returned file only.
func quiet(t *testing.T, cfg Config) (*Facility, string) {
	t.Helper()
	if cfg.Program == "" {
		cfg.Program = "prog"
	}
	f := New(cfg)
	for _, spec := range []string{"console:off", "syslog:off"} {
		if err := f.Set(spec); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "prog.log")
	if err := f.OpenFile(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.CloseFile)
	return f, path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFileFormat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock starts at 2000-01-01T00:00:00Z
		f, path := quiet(t, Config{})
		log := f.Logger("binding")
		log.Info("Claiming lport sw0-p1 for this chassis.\n")
		time.Sleep(1234 * time.Millisecond)
		log.Debug("not shown")
		log.Warn("slow", "took", 3*time.Second)
		log.Error("bad row", "table", "Port_Binding", "name", "a b", "err", errors.New(`no "x"`), "none", "")
		log.Log(context.Background(), SlogEmer, "dying")
		f.Fatal("main", "cannot go on")
		log.With("dp", 7).WithGroup("g").Info("grouped", "a", 1, slog.Group("h", "b", 2))
		want := `2000-01-01T00:00:00.000Z|00001|vlog|INFO|opened log file ` + path + `
2000-01-01T00:00:00.000Z|00002|binding|INFO|Claiming lport sw0-p1 for this chassis.
2000-01-01T00:00:01.234Z|00003|binding|WARN|slow took=3s
2000-01-01T00:00:01.234Z|00004|binding|ERR|bad row table=Port_Binding name="a b" err="no \"x\"" none=""
2000-01-01T00:00:01.234Z|00005|binding|EMER|dying
2000-01-01T00:00:01.234Z|00006|main|EMER|cannot go on
2000-01-01T00:00:01.234Z|00007|binding|INFO|grouped dp=7 g.a=1 g.h.b=2
`
		if got := read(t, path); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestConsole(t *testing.T) {
	var console bytes.Buffer
	f := New(Config{Program: "prog", Console: &console})
	f.SetSubprogram("monitor")
	if err := f.Set("syslog:off"); err != nil {
		t.Fatal(err)
	}
	f.Logger("daemon_unix").Info("hello")
	f.Fatal("daemon_unix", "no way on")
	if ok, _ := regexp.MatchString(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\|00001\|daemon_unix\(monitor\)\|INFO\|hello\nprog: no way on\n$`,
		console.String()); !ok {
		t.Errorf("got %q", console.String())
	}
}

func TestLevels(t *testing.T) {
	f, path := quiet(t, Config{Modules: []string{"Early"}})
	early := f.Logger("early")
	for _, spec := range []string{"file:warn", "early:file:dbg"} {
		if err := f.Set(spec); err != nil {
			t.Fatal(err)
		}
	}
	late := f.Logger("late") // appears after its level was set
	early.Debug("yes 1")
	late.Info("no")
	late.Warn("yes 2")
	if late.Enabled(t.Context(), slog.LevelInfo) || !early.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("Enabled disagrees with the levels")
	}
	if err := f.Set("off"); err != nil {
		t.Fatal(err)
	}
	early.Error("no")
	f.SetMaximum()
	if err := f.Set("console:off"); err != nil {
		t.Fatal(err)
	}
	late.Debug("yes 3")
	got := read(t, path)
	if strings.Contains(got, "|no") || strings.Count(got, "|yes") != 3 {
		t.Errorf("got\n%s", got)
	}
}

func TestAliases(t *testing.T) {
	f := New(Config{Program: "prog", Modules: []string{"ofctrl", "real"}, Aliases: map[string]string{"vconn": "ofctrl", "real": "ofctrl"},
		Silent: []string{"hmap", "real"}})
	for _, spec := range []string{"off", "VCONN:file:dbg", "real:file:warn", "hmap:file:dbg"} {
		if err := f.Set(spec); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.LimitRates(false, "vconn", "hmap"); err != nil {
		t.Fatal(err)
	}
	want := "ofctrl             OFF        OFF        DBG    (rate limiting disabled)\n" +
		"real               OFF        OFF       WARN\nvlog               OFF        OFF        OFF\n"
	if got := f.Levels(); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s", got)
	}
}

func TestSetErrors(t *testing.T) {
	f := New(Config{Program: "prog"})
	before := f.Levels()
	tests := []struct{ spec, want string }{
		{"foo", `no destination, level, or module "foo"`},
		{"console:dbg:info", "cannot specify multiple levels"},
		{"console,file", "cannot specify multiple destinations"},
		{"vlog vlog", "cannot specify multiple modules"},
		{"PATTERN", "missing destination"},
		{"pattern:x:%m", `unknown destination "x"`},
		{"PATTERN:file:%q", `pattern "%q": unknown conversion %q`},
		{"PATTERN:file:%D{%G}", `pattern "%D{%G}": time format "%G": conversion %G is not supported`},
		{"PATTERN:file:%D{%Y", `pattern "%D{%Y": %D{ lacks its }`},
		{"PATTERN:file:100%", `pattern "100%": it ends inside a conversion; write %% for a percent sign`},
		{"PATTERN:file:%9999m", `pattern "%9999m": field width 9999 is over 1024`},
		{"FACILITY:foo", "invalid facility"},
		{"FACILITY:", "invalid facility"},
	}
	for _, tt := range tests {
		if err := f.Set(tt.spec); err == nil || err.Error() != tt.want {
			t.Errorf("Set(%q): got %v, want %q", tt.spec, err, tt.want)
		}
	}
	if after := f.Levels(); after != before {
		t.Errorf("refused specs changed levels:\n%s", after)
	}
}

func TestSetGrammar(t *testing.T) {
	for _, spec := range []string{"", ",:", "any", "ANY:File:DBG", "dbg vlog", "vlog,console off", "  syslog :emer"} {
		if err := New(Config{Program: "prog"}).Set(spec); err != nil {
			t.Errorf("Set(%q): %v", spec, err)
		}
	}
}

func TestReopen(t *testing.T) {
	var opened []string
	f, path := quiet(t, Config{OnLogFile: func(file *os.File) {
		if file == nil {
			opened = append(opened, "-")
		} else {
			opened = append(opened, filepath.Base(file.Name()))
		}
	}})
	log := f.Logger("m")
	if err := f.ReopenFile(); err != nil { // the same file: nothing happens, nothing is said
		t.Fatal(err)
	}
	log.Info("one")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	log.Info("two")
	if err := f.ReopenFile(); err != nil {
		t.Fatal(err)
	}
	log.Info("three")
	f.CloseFile()
	log.Info("lost")
	if err := f.ReopenFile(); err != nil {
		t.Fatal(err)
	}
	words := func(path string) (out []string) {
		for line := range strings.Lines(read(t, path)) {
			fields := strings.SplitN(strings.TrimSpace(line), "|", 5)
			out = append(out, strings.ReplaceAll(fields[4], path, "LOG"))
		}
		return out
	}
	if got := strings.Join(words(path+".1"), ";"); !strings.HasSuffix(got, ";one;two;closing log file") {
		t.Errorf("rotated file: %s", got)
	}
	if got, want := strings.Join(words(path), ";"), "opened log file LOG;three;opened log file LOG"; got != want {
		t.Errorf("new file: got %s, want %s", got, want)
	}
	if got, want := strings.Join(opened, " "), "prog.log prog.log - prog.log"; got != want {
		t.Errorf("OnLogFile saw %q, want %q", got, want)
	}
}

func TestFileErrors(t *testing.T) {
	var console bytes.Buffer
	f := New(Config{Program: "prog", Console: &console})
	if err := f.Set("syslog:off"); err != nil {
		t.Fatal(err)
	}
	if err := f.ReopenFile(); !errors.Is(err, ErrNoLogFile) {
		t.Errorf("reopen without a file: %v", err)
	}
	err := f.OpenFile("/nonexistent/x.log")
	if want := "failed to open /nonexistent/x.log for logging: no such file or directory"; err == nil || err.Error() != want ||
		!strings.Contains(console.String(), "|vlog|WARN|"+want) {
		t.Errorf("got %v, console %q", err, console.String())
	}
}

func TestReports(t *testing.T) {
	f := New(Config{Program: "prog", Modules: []string{"ovsdb_idl_with_a_long_name", "main"}})
	for _, spec := range []string{"console:off", "main:file:dbg", "PATTERN:console:%m"} {
		if err := f.Set(spec); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.LimitRates(false, "MAIN"); err != nil {
		t.Fatal(err)
	}
	want := `                 console    syslog    file
                 -------    ------    ------
main               OFF       INFO        DBG    (rate limiting disabled)
ovsdb_idl_with_a_long_name   OFF       INFO       INFO
vlog               OFF       INFO       INFO
`
	if got := f.Levels(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	want = `         prefix                            format
         ------                            ------
SYSLOG   <%B> %D{%h %e %T} %E %A:          ovs|%05N|%c%T|%p|%m
CONSOLE  none                              %m
FILE     none                              %D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m
`
	if got := f.Patterns(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := f.LimitRates(true, "any"); err != nil || strings.Contains(f.Levels(), "disabled") {
		t.Errorf("enabling all: %v\n%s", err, f.Levels())
	}
	if err := f.LimitRates(true, "nosuch"); err == nil || err.Error() != "unknown module" {
		t.Errorf("unknown module: %v", err)
	}
}

func FuzzSet(f *testing.F) {
	for _, s := range []string{"console:off", "PATTERN:file:%-010c|%D{%h %e %T.####}%%", "FACILITY:local7", "vlog dbg", "PATTERN:any:%0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		var console bytes.Buffer
		fac := New(Config{Program: "prog", Console: &console})
		if err := fac.SetSyslogMethod("null"); err != nil {
			t.Fatal(err)
		}
		if err := fac.Set(spec); err != nil {
			return
		}
		fac.Logger("vlog").Info("text")
		fac.Levels()
		fac.Patterns()
	})
}
