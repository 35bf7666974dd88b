package vlog

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Facility needs to know. Program is required.
type Config struct {
	Program string // as in file names and syslog, for example "ovn-controller"
	Console io.Writer

	// Modules that exist before anyone asked for their Logger, so that command line options may name them.
	Modules []string

	// Aliases maps names that people may know a module by to its name. Levels and rate limits may be set by them.
	Aliases map[string]string

	// Silent are names of modules from which no message comes. Levels and rate limits of them may be set, without effect, so
	// that command lines and scripts made for a program that has them go on working.
	Silent []string

	// OnLogFile, if set, is told of each log file that is opened, and of nil when it is closed. It must not log.
	OnLogFile func(*os.File)
}

// Facility is the log of one program. Its methods may be used from any goroutine.
type Facility struct {
	cfg      Config
	start    time.Time
	fileOpen atomic.Bool

	mu       sync.Mutex // guards what follows, and keeps the order of lines and of their numbers the same
	modules  map[string]*module
	initial  [nDestinations]Level // levels of modules that appear later
	patterns [nDestinations]pattern
	lines    uint64 // numbered so far
	sub      string // see SetSubprogram
	file     *os.File
	fileName string
	sys      syslogger
}

// New makes a Facility that logs everything from Info up to the console and the system log.
func New(cfg Config) *Facility {
	f := &Facility{cfg: cfg, start: time.Now(), modules: make(map[string]*module)}
	for d := range nDestinations {
		f.initial[d] = Info
		f.patterns[d] = mustCompile(destinations[d].pattern)
	}
	for _, name := range append([]string{"vlog"}, cfg.Modules...) {
		f.module(name)
	}
	return f
}

// SetSubprogram names the process among those of the program ("monitor"); it is shown behind the module: "vlog(monitor)".
func (f *Facility) SetSubprogram(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sub = name
}

// Fatal logs why the program stops, as Emer, and says it on the console whatever the console's level is. It does not
// stop the program.
func (f *Facility) Fatal(module, text string) {
	m := f.module(module)
	m.setLevel(Console, Off) // said below
	f.write(m, Emer, time.Now(), text)
	if f.cfg.Console != nil {
		fmt.Fprintf(f.cfg.Console, "%s: %s\n", f.cfg.Program, text)
	}
}

// Logger returns the logger of a module. Attributes follow the message as key=value.
func (f *Facility) Logger(module string) *slog.Logger {
	return slog.New(&handler{facility: f, module: f.module(module)})
}

// module finds or makes the module; case does not matter when it is looked up.
func (f *Facility) module(name string) *module {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := strings.ToLower(name)
	m := f.modules[key]
	if m == nil {
		m = &module{name: name}
		for d := range nDestinations {
			m.setLevel(d, f.initial[d])
		}
		f.modules[key] = m
	}
	return m
}

func (f *Facility) enabled(m *module, l Level) bool {
	for d := range nDestinations {
		if m.level(d) >= l && (d != File || f.fileOpen.Load()) {
			return true
		}
	}
	return false
}

// write sends one message to every destination that its module and level admit.
func (f *Facility) write(m *module, l Level, at time.Time, text string) {
	if !f.enabled(m, l) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines++
	e := entry{facility: f, module: m.name, level: l, at: at, number: f.lines, text: strings.TrimRight(text, "\n")}
	// Nobody can be told that a log line could not be written, so errors end here.
	if m.level(Console) >= l && f.cfg.Console != nil {
		f.cfg.Console.Write(append(f.patterns[Console].render(nil, &e), '\n'))
	}
	if m.level(Syslog) >= l {
		f.sys.send(&e, string(f.patterns[Syslog].render(nil, &e)))
	}
	if m.level(File) >= l && f.file != nil {
		f.file.Write(append(f.patterns[File].render(nil, &e), '\n'))
	}
}
