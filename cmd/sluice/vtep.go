package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sluice-gw/sluice/appliance/vtep"
	"github.com/sluice-gw/sluice/controlplane/node/config"
	"github.com/sluice-gw/sluice/internal/daemon"
	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/getopt"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/version"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// vtepProgram is the name under which the controller of hardware VTEPs runs, however it was called.
const vtepProgram = "ovn-controller-vtep"

// vtepModules are its sources of log messages that exist from the start, vtepAliases those of the C program that are spelled
// otherwise here.
var (
	vtepModules = []string{"daemon_unix", "inbound", "jsonrpc", "main", "metrics", "reconnect", "stream_ssl", "unixctl", "vtep"}
	vtepAliases = map[string]string{
		"ovsdb_cs": "reconnect", "ovsdb_idl": "reconnect", "stream": "reconnect", "stream_fd": "reconnect", "stream_tcp": "reconnect",
		"stream_unix": "reconnect", "socket_util": "reconnect", "gateway": "vtep", "binding": "vtep", "ovn_controller_vtep": "main",
		"daemon": "daemon_unix", "fatal_signal": "daemon_unix",
	}
)

// vtepMain is ovn-controller-vtep(8). name is what error messages about the command line start with.
func vtepMain(name string, args []string, stdout, stderr io.Writer) int {
	log := vlog.New(vlog.Config{
		Program: vtepProgram, Console: stderr, OnLogFile: daemon.CrashTo, Modules: vtepModules, Aliases: vtepAliases, Silent: silentModules,
	})
	line := newVTEPLine(dirs.FromEnv(os.Getenv), log)
	call := daemonCall{program: vtepProgram, name: name, version: vtepVersion() + "SB DB Schema " + southboundSchema + "\n", stdout: stdout, stderr: stderr}
	return call.run(line, args, log, func() daemon.Process {
		return daemon.Process{Program: vtepProgram, Options: line.daemon, Log: log, LogFile: line.logFile}
	}, func(ctx context.Context, ready func() error) error {
		return vtep.Run(ctx, line.options(filepath.Base(name) == vtepProgram, os.Getpid()), ready)
	})
}

// vtepVersion is the answer to the version command, see versionText.
func vtepVersion() string {
	return vtepProgram + " " + ovnRelease + "\nsluice " + version.String() + "\n"
}

// vtepLine is a command line of ovn-controller-vtep.
type vtepLine struct {
	dirs dirs.Dirs
	log  *vlog.Facility

	daemon     daemon.Options
	logFile    daemon.LogOptions
	tls        tlsconf.Options
	unixctl    string // absolute, or "none"; "" for the default
	database   string // --vtep-db, "" if it is not given
	southbound string
	metrics    string // address, "" for nowhere
}

func newVTEPLine(d dirs.Dirs, log *vlog.Facility) *vtepLine {
	return &vtepLine{dirs: d, log: log, southbound: "unix:" + d.OVNRun + "/ovnsb_db.sock"}
}

// registry is where registered switches are remembered.
func registry(d dirs.Dirs) vtep.Registry {
	return vtep.Registry{Dir: d.OVNSysconf + "/ovn/sluice-vtep"}
}

func (l *vtepLine) parse(args []string, posix bool) error {
	words, err := getopt.Parse(l.table(), args, posix)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return fmt.Errorf("no argument is expected, %q was given; use --help for usage", words[0])
	}
	if ovsdb.IsPassive(l.database) {
		return fmt.Errorf("--vtep-db=%[1]s: any switch may connect there, and each is to be named: sluice vtep register NAME --target %[1]s", l.database)
	}
	for _, remote := range []string{l.database, l.southbound} {
		if remote != "" {
			if _, err := ovsdb.ParseRemote(remote); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *vtepLine) table() []getopt.Option {
	table := []getopt.Option{
		{Long: "help", Short: 'h', Set: func(*string) error { return errHelp }},
		{Long: "version", Short: 'V', Set: func(*string) error { return errVersion }},
		{Long: "vtep-db", Arg: getopt.Required, Set: func(v *string) error { l.database = *v; return nil }},
		{Long: "ovnsb-db", Arg: getopt.Required, Set: func(v *string) error { l.southbound = *v; return nil }},
		{Long: "metrics", Arg: getopt.Required, Set: func(v *string) (err error) {
			if l.metrics, err = config.MetricsAddress(*v); err != nil {
				err = fmt.Errorf("--metrics: %w", err)
			}
			return err
		}},
		{Long: "unixctl", Short: 'u', Arg: getopt.Required, Set: func(v *string) error {
			if l.unixctl = "none"; *v != "none" {
				l.unixctl = dirs.In(l.dirs.OVNRun, *v)
			}
			return nil
		}},
	}
	table = append(table, l.logFile.Table(l.log, l.dirs.OVNLog, vtepProgram)...)
	table = append(table, l.daemon.Table(l.dirs.OVNRun, vtepProgram)...)
	return append(table, l.tls.Table()...)
}

// options are the part of the command line that the controllers want. The C program has a default for --vtep-db; it holds when we are
// called by its name and no switch is registered.
func (l *vtepLine) options(byName bool, pid int) vtep.Options {
	socket := unixctl.DefaultPath(l.dirs.OVNRun, vtepProgram, pid)
	if l.unixctl != "" {
		socket = l.unixctl
	}
	reg := registry(l.dirs)
	database := l.database
	if database == "" && byName {
		if entries, err := reg.Read(); err == nil && len(entries) == 0 {
			database = "unix:" + l.dirs.OVSRun + "/db.sock"
		}
	}
	return vtep.Options{Switch: database, Southbound: l.southbound, Registry: reg, TLS: l.tls, Log: l.log, Unixctl: socket, Version: vtepVersion(), Release: ovnRelease, Metrics: l.metrics}
}

// usage is the text of --help. name is how the program was called.
func (l *vtepLine) usage(name string) string {
	return fmt.Sprintf(`%[1]s: OVN controller VTEP
usage %[1]s [OPTIONS]
   or sluice vtep register | list | show | diff | deregister | serve | status
   (--help of each tells more)

Options:
  --vtep-db=DATABASE      connect to vtep database at DATABASE, besides those of
                          registered switches (as %[2]s, with none
                          registered, default: unix:%[3]s/db.sock)
                          (switches that connect to this host are registered:
                          sluice vtep register NAME --target=pssl:PORT)
  --ovnsb-db=DATABASE     connect to ovn-sb database at DATABASE
                          (default: unix:%[4]s/ovnsb_db.sock)
  --metrics=ADDRESS:PORT  serve metrics for Prometheus there, or at unix:/PATH
  -u, --unixctl=SOCKET    set control socket name
  -h, --help              display this help message
  -V, --version           display version information

Active database connection methods:
`, name, vtepProgram, l.dirs.OVSRun, l.dirs.OVNRun) + tlsconf.Usage + daemon.Usage(l.dirs.OVNRun, l.dirs.OVNLog, vtepProgram)
}
