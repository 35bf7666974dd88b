package daemon

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/getopt"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// Options are the daemon options of a command line.
type Options struct {
	Pidfile          string // absolute; "" for none
	OverwritePidfile bool   // even if a live process owns it
	Detach           bool   // run in the background
	NoChdir          bool   // with Detach: stay in the working directory
	Monitor          bool   // supervise, and restart after a crash
	User             string // run as USER[:GROUP]; "" to stay who we are
}

// Table returns the entries of the option table that fill o. A pid file that is not named absolutely is in runDir.
func (o *Options) Table(runDir, program string) []getopt.Option {
	return []getopt.Option{
		{Long: "detach", Set: on(&o.Detach)},
		// The C programs that restrict which files the database may name are ovs-vswitchd and ovsdb-server; ovn-controller
		// takes the option and has nothing to switch off. Nor have we.
		{Long: "no-self-confinement", Set: func(*string) error { return nil }},
		{Long: "no-chdir", Set: on(&o.NoChdir)},
		{Long: "pidfile", Arg: getopt.Optional, Set: func(v *string) error {
			name := program + ".pid"
			if v != nil {
				name = *v
			}
			o.Pidfile = dirs.In(runDir, name)
			return nil
		}},
		{Long: "overwrite-pidfile", Set: on(&o.OverwritePidfile)},
		{Long: "monitor", Set: on(&o.Monitor)},
		{Long: "user", Arg: getopt.Required, Set: func(v *string) error { o.User = *v; return nil }},
	}
}

func on(b *bool) func(*string) error {
	return func(*string) error { *b = true; return nil }
}

// LogOptions are the logging options of a command line that Process.Run applies; the others apply at once.
type LogOptions struct {
	File     string // "" for none
	Required bool   // the file was named: it is an error if it cannot be opened
}

// Table returns the entries of the option table that fill o and configure f.
func (o *LogOptions) Table(f *vlog.Facility, logDir, program string) []getopt.Option {
	return []getopt.Option{
		{Long: "verbose", Short: 'v', Arg: getopt.Optional, Set: func(v *string) error {
			if v == nil {
				f.SetMaximum()
				return nil
			}
			if err := f.Set(*v); err != nil {
				return &VerboseError{Spec: *v, Err: err}
			}
			return nil
		}},
		{Long: "log-file", Arg: getopt.Optional, Set: func(v *string) error {
			if v == nil {
				*o = LogOptions{File: logDir + "/" + program + ".log"}
				return nil
			}
			*o = LogOptions{File: Absolute(*v), Required: true}
			return nil
		}},
		{Long: "syslog-method", Arg: getopt.Required, Set: func(v *string) error { return f.SetSyslogMethod(*v) }},
		{Long: "syslog-target", Arg: getopt.Required, Set: func(v *string) error { return f.SetSyslogTarget(*v) }},
	}
}

// VerboseError is a bad argument of -v.
type VerboseError struct {
	Spec string
	Err  error
}

func (e *VerboseError) Error() string { return "processing \"" + e.Spec + "\": " + e.Err.Error() }
func (e *VerboseError) Unwrap() error { return e.Err }

// Absolute resolves a file name of the command line now, because a daemon changes its working directory. A name that cannot be
// resolved stays as it is.
func Absolute(name string) string {
	abs, err := filepath.Abs(name)
	if name == "" || err != nil {
		return name
	}
	return abs
}

// Usage returns the lines of --help about the options in this file.
func Usage(runDir, logDir, program string) string {
	return strings.NewReplacer("RUNDIR", runDir, "LOGDIR", logDir, "PROGRAM", program).Replace(`
Daemon options:
  --detach                run in background as daemon
  --monitor               creates a process to monitor this daemon
  --user=username[:group] changes the effective daemon user:group
  --no-chdir              do not chdir to '/'
  --pidfile[=FILE]        create pidfile (default: RUNDIR/PROGRAM.pid)
  --overwrite-pidfile     with --pidfile, start even if already running

Logging options:
  -vSPEC, --verbose=SPEC   set logging levels
  -v, --verbose            set maximum verbosity level
  --log-file[=FILE]        enable logging to specified FILE
                           (default: LOGDIR/PROGRAM.log)
  --syslog-method=(libc|unix:file|udp:ip:port)
                           specify how to send messages to syslog daemon
  --syslog-target=HOST:PORT  also send syslog msgs to HOST:PORT via UDP
`)
}

// open opens the log file, and says whether the program may go on.
func (o *LogOptions) open(f *vlog.Facility) error {
	if o.File == "" {
		return nil
	}
	if err := f.OpenFile(o.File); err != nil && o.Required {
		return err
	}
	return nil
}

// defaultSyslogMethod applies the environment's choice, which the command line has preceded.
func defaultSyslogMethod(f *vlog.Facility) error {
	if m := os.Getenv("OVS_SYSLOG_METHOD"); m != "" {
		return f.SetSyslogMethod(m)
	}
	return nil
}
