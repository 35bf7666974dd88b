package main

import (
	"errors"
	"fmt"

	"github.com/sluice-gw/sluice/internal/daemon"
	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/getopt"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// controllerLine is a command line of ovn-controller.
type controllerLine struct {
	dirs dirs.Dirs
	log  *vlog.Facility

	daemon       daemon.Options
	logFile      daemon.LogOptions
	tls          tlsconf.Options
	unixctl      string // absolute, or "none"; "" for the default, which has the daemon's pid in it
	chassis      string // -n; "" for the file system-id-override or the local database's system-id
	dummyVIFPlug bool
	database     string
}

func newControllerLine(d dirs.Dirs, log *vlog.Facility) *controllerLine {
	return &controllerLine{dirs: d, log: log, database: "unix:" + d.OVSRun + "/db.sock"}
}

// What parse returns for options that replace the program's work. They count as soon as they are seen.
var (
	errHelp    = errors.New("help was asked for")
	errVersion = errors.New("the version was asked for")
)

// parse reads the words behind the program's name.
func (l *controllerLine) parse(args []string, posix bool) error {
	words, err := getopt.Parse(l.table(), args, posix)
	switch {
	case err != nil:
		return err
	case len(words) > 1:
		return errors.New("exactly zero or one non-option argument required; use --help for usage")
	case len(words) == 1:
		l.database = words[0]
	}
	// Said now, because a daemon that waits for a server that cannot be is harder to understand.
	_, err = ovsdb.ParseRemote(l.database)
	return err
}

// table is the union of the options of ovn-controller from OVN 22.03 to 26.03. Ambiguous abbreviations are listed in this
// order.
func (l *controllerLine) table() []getopt.Option {
	table := []getopt.Option{
		{Long: "help", Short: 'h', Set: func(*string) error { return errHelp }},
		{Long: "version", Short: 'V', Set: func(*string) error { return errVersion }},
		{Long: "unixctl", Short: 'u', Arg: getopt.Required, Set: func(v *string) error {
			if l.unixctl = "none"; *v != "none" {
				l.unixctl = dirs.In(l.dirs.OVNRun, *v)
			}
			return nil
		}},
	}
	table = append(table, l.logFile.Table(l.log, l.dirs.OVSLog, controllerProgram)...)
	table = append(table, l.daemon.Table(l.dirs.OVNRun, controllerProgram)...)
	table = append(table, l.tls.Table()...)
	return append(table,
		getopt.Option{Long: "chassis", Short: 'n', Arg: getopt.Required, Set: func(v *string) error { l.chassis = *v; return nil }},
		// Upstream's tests pass it to every controller.
		getopt.Option{Long: "enable-dummy-vif-plug", Set: func(*string) error { l.dummyVIFPlug = true; return nil }},
	)
}

// usage is the text of --help. name is how the program was called.
func (l *controllerLine) usage(name string) string {
	return fmt.Sprintf(`%[1]s: OVN controller
usage %[1]s [OPTIONS] [OVS-DATABASE]
where OVS-DATABASE is a socket on which the OVS OVSDB server is listening.

Active OVS-DATABASE connection methods:
`, name) + tlsconf.Usage + daemon.Usage(l.dirs.OVNRun, l.dirs.OVSLog, controllerProgram) + `
Other options:
  -u, --unixctl=SOCKET    set control socket name
  -n, --chassis=NAME      custom chassis name
  -h, --help              display this help message
  -V, --version           display version information
`
}
