package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/sluice-gw/sluice/appliance/vtepserve"
	"github.com/sluice-gw/sluice/appliance/vtepserve/plan"
	"github.com/sluice-gw/sluice/internal/daemon"
	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/getopt"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/version"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// serveProgram is the name under which a hardware VTEP switch in software runs: of its pid file, control socket, log and process.
const serveProgram = "sluice-vtep"

// serveModules are its sources of log messages that exist from the start.
var serveModules = []string{"daemon_unix", "jsonrpc", "main", "offload", "ovsdb_server", "rconn", "reconnect", "unixctl", "vtep"}

// serveMain is "sluice vtep serve". name is what error messages about the command line start with.
func serveMain(name string, args []string, stdout, stderr io.Writer) int {
	log := vlog.New(vlog.Config{Program: serveProgram, Console: stderr, OnLogFile: daemon.CrashTo, Modules: serveModules, Silent: silentModules})
	line := newServeLine(dirs.FromEnv(os.Getenv), log)
	call := daemonCall{program: serveProgram, name: name, version: serveVersion(), stdout: stdout, stderr: stderr}
	return call.run(line, args, log, func() daemon.Process {
		return daemon.Process{Program: serveProgram, Options: line.daemon, Log: log, LogFile: line.logFile}
	}, func(ctx context.Context, ready func() error) error {
		return vtepserve.Run(ctx, line.options(os.Getpid()), ready)
	})
}

// serveVersion is the answer to the version command.
func serveVersion() string {
	return serveProgram + " " + version.String() + "\nhardware_vtep schema " + vtepSchemaVersion + "\n"
}

// vtepSchemaVersion is the version of the schema that vtepdb/switchrows describes.
const vtepSchemaVersion = "1.7.0"

// serveLine is a command line of "sluice vtep serve".
type serveLine struct {
	dirs dirs.Dirs
	log  *vlog.Facility

	daemon   daemon.Options
	logFile  daemon.LogOptions
	unixctl  string // absolute, or "none"; "" for the default
	ovs      string // remote of Open vSwitch's database
	plan     plan.Config
	database *vtepserve.Database
}

func newServeLine(d dirs.Dirs, log *vlog.Facility) *serveLine {
	return &serveLine{dirs: d, log: log, ovs: "unix:" + d.OVSRun + "/db.sock", database: &vtepserve.Database{
		File: d.OVSDB + "/vtep.db", Schema: d.OVSPkgData + "/vtep.ovsschema", Socket: d.OVSRun + "/vtep.sock", Control: d.OVSRun + "/vtep.ctl"}}
}

func (l *serveLine) parse(args []string, posix bool) error {
	words, err := getopt.Parse(l.table(), args, posix)
	switch {
	case err != nil:
		return err
	case len(words) != 1:
		return errors.New("exactly one non-option argument required, the bridge; use --help for usage")
	case !l.plan.TunnelIP.IsValid():
		return errors.New("--tunnel-ip is required: the address of this host that tunnels end at; use --help for usage")
	}
	if l.plan.Bridge = words[0]; l.plan.Name == "" {
		l.plan.Name = words[0]
	}
	_, err = ovsdb.ParseRemote(l.ovs)
	return err
}

func (l *serveLine) table() []getopt.Option {
	text := func(s *string) func(*string) error { return func(v *string) error { *s = *v; return nil } }
	file := func(s *string) func(*string) error {
		return func(v *string) error { *s = daemon.Absolute(*v); return nil }
	}
	table := []getopt.Option{
		{Long: "help", Short: 'h', Set: func(*string) error { return errHelp }},
		{Long: "version", Short: 'V', Set: func(*string) error { return errVersion }},
		{Long: "tunnel-ip", Arg: getopt.Required, Set: func(v *string) (err error) {
			if l.plan.TunnelIP, err = netip.ParseAddr(*v); err != nil || !l.plan.TunnelIP.Is4() {
				return fmt.Errorf("--tunnel-ip=%s: an IPv4 address is expected: vtep(5) has no tunnels over IPv6", *v)
			}
			return nil
		}},
		{Long: "management-ip", Arg: getopt.Required, Set: func(v *string) error {
			if _, err := netip.ParseAddr(*v); err != nil {
				return fmt.Errorf("--management-ip=%s: %w", *v, err)
			}
			l.plan.ManagementIPs = append(l.plan.ManagementIPs, *v)
			return nil
		}},
		{Long: "name", Arg: getopt.Required, Set: text(&l.plan.Name)},
		{Long: "description", Arg: getopt.Required, Set: text(&l.plan.Description)},
		{Long: "remote", Arg: getopt.Required, Set: l.addRemote},
		{Long: "database", Arg: getopt.Required, Set: file(&l.database.File)},
		{Long: "schema", Arg: getopt.Required, Set: file(&l.database.Schema)},
		{Long: "socket", Arg: getopt.Required, Set: file(&l.database.Socket)},
		{Long: "ovs-db", Arg: getopt.Required, Set: text(&l.ovs)},
		{Long: "unixctl", Short: 'u', Arg: getopt.Required, Set: func(v *string) error {
			if l.unixctl = "none"; *v != "none" {
				l.unixctl = dirs.In(l.dirs.OVNRun, *v)
			}
			return nil
		}},
	}
	table = append(table, l.serverTLS()...)
	table = append(table, l.logFile.Table(l.log, l.dirs.OVNLog, serveProgram)...)
	return append(table, l.daemon.Table(l.dirs.OVNRun, serveProgram)...)
}

// addRemote is --remote of ovsdb-server. What the server would take, and this switch cannot do without, is checked by its beginning only.
func (l *serveLine) addRemote(v *string) error {
	for _, form := range []string{"ptcp:", "pssl:", "punix:", "tcp:", "ssl:", "unix:", "db:"} {
		if strings.HasPrefix(*v, form) {
			l.database.Remotes = append(l.database.Remotes, *v)
			return nil
		}
	}
	return fmt.Errorf("--remote=%s: ptcp:PORT[:IP], pssl:PORT[:IP], punix:FILE, tcp:HOST:PORT, ssl:HOST:PORT or db:DB,TABLE,COLUMN is expected", *v)
}

// serverTLS are ovsdb-server's options about keys, which it gets as they are. Files are named absolutely.
func (l *serveLine) serverTLS() (table []getopt.Option) {
	for _, o := range []struct {
		long  string
		short byte
		file  bool
	}{
		{"private-key", 'p', true}, {"certificate", 'c', true}, {"ca-cert", 'C', true}, {"bootstrap-ca-cert", 0, true}, {"peer-ca-cert", 0, true},
		{"ssl-protocols", 0, false}, {"ssl-ciphers", 0, false},
	} {
		table = append(table, getopt.Option{Long: o.long, Short: o.short, Arg: getopt.Required, Set: func(v *string) error {
			value := *v
			if o.file && value != "none" && !strings.HasPrefix(value, "db:") {
				value = daemon.Absolute(value)
			}
			l.database.TLS = append(l.database.TLS, "--"+o.long+"="+value)
			return nil
		}})
	}
	return table
}

// options are the part of the command line that the switch itself wants.
func (l *serveLine) options(pid int) vtepserve.Options {
	socket := unixctl.DefaultPath(l.dirs.OVNRun, serveProgram, pid)
	if l.unixctl != "" {
		socket = l.unixctl
	}
	return vtepserve.Options{
		Switch: vtepserve.SwitchConfig{Plan: l.plan, Database: l.database.Remote(), OVS: l.ovs,
			OpenFlow: "unix:" + l.dirs.OVSRun + "/" + l.plan.Bridge + ".mgmt"},
		Database: l.database, Log: l.log, Unixctl: socket, Version: serveVersion(),
	}
}

// usage is the text of --help. name is how the program was called.
func (l *serveLine) usage(name string) string {
	return fmt.Sprintf(`%[1]s: hardware VTEP switch
usage %[1]s [OPTIONS] --tunnel-ip=IP BRIDGE
where BRIDGE is a bridge of Open vSwitch on this host that is given to the
switch: its ports are the switch's, and its flows are replaced.

Presents this host as a hardware VTEP (vtep(5)) to any controller of that
schema: runs the database, bridges VLANs of ports with VXLAN as its rows say.

Switch:
  --tunnel-ip=IP          IPv4 address of this host that tunnels end at
  --name=NAME             name in table Physical_Switch (default: BRIDGE)
  --description=TEXT      its description
  --management-ip=IP      address at which the host is managed; may be repeated
  --ovs-db=DATABASE       connect to Open vSwitch's database at DATABASE
                          (default: %[2]s)

Database:
  --remote=REMOTE         serve controllers at REMOTE, or connect to it, besides
                          those that the database names as managers; may be
                          repeated: ptcp:PORT[:IP], pssl:PORT[:IP],
                          punix:FILE, tcp:HOST:PORT, ssl:HOST:PORT
  --database=FILE         file of the database, made when it does not exist
                          (default: %[3]s)
  --schema=FILE           its schema, to which an older database is converted
                          (default: %[4]s)
  --socket=FILE           Unix domain socket of the database
                          (default: %[5]s)
PKI configuration (required to use SSL/TLS), for ovsdb-server:
  -p, --private-key=FILE  file with private key
  -c, --certificate=FILE  file with certificate for private key
  -C, --ca-cert=FILE      file with peer CA certificate
  --bootstrap-ca-cert=FILE  file with peer CA certificate to read or create
  --peer-ca-cert=FILE     file with CA certificate to send to peers
  --ssl-protocols=PROTOS  list of SSL/TLS protocols to enable
  --ssl-ciphers=CIPHERS   list of SSL/TLS ciphers to enable
`, name, l.ovs, l.database.File, l.database.Schema, l.database.Socket) + daemon.Usage(l.dirs.OVNRun, l.dirs.OVNLog, serveProgram) + `
Other options:
  -u, --unixctl=SOCKET    set control socket name
  -h, --help              display this help message
  -V, --version           display version information

Exit status: 0 after "exit" (ovn-appctl -t ` + serveProgram + ` exit), 1 when the
command line is wrong or the database cannot be made or served. Frames go on
when it ends: what bridges them is in Open vSwitch.
`
}

// vtepServe is here for --help and completion only: dispatch runs it.
type vtepServe struct{}

type vtepStatus struct {
	Output string `enum:"text,json" default:"text" help:"Form of the answer: ${enum}."`
}

// Run asks the running switch.
func (c vtepStatus) Run(ctx context.Context, out io.Writer) error {
	s := controlSocket{Target: serveProgram, Timeout: patience(vtepserve.Patience), Output: c.Output}
	return s.ask(ctx, out, "status")
}
