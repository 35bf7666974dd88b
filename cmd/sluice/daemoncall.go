package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sluice-gw/sluice/internal/daemon"
	"github.com/sluice-gw/sluice/internal/getopt"
	"github.com/sluice-gw/sluice/internal/version"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// daemonCall is a call of a program that takes the place of one of OVN's daemons.
type daemonCall struct {
	program        string // whose place it takes
	name           string // what error messages about the command line start with
	version        string // the answer to --version
	stdout, stderr io.Writer
}

// daemonLine is the command line of such a program.
type daemonLine interface {
	parse(args []string, posix bool) error
	usage(name string) string
}

// run reads the command line and then is the daemon: process is asked for when the line is read, life is what the daemon does
// until it ends. It returns the exit status.
func (c daemonCall) run(line daemonLine, args []string, log *vlog.Facility, process func() daemon.Process, life func(ctx context.Context, ready func() error) error) int {
	switch err := line.parse(args, os.Getenv("POSIXLY_CORRECT") != ""); {
	case errors.Is(err, errHelp):
		fmt.Fprint(c.stdout, line.usage(c.name))
		return 0
	case errors.Is(err, errVersion):
		fmt.Fprint(c.stdout, c.version)
		return 0
	case err != nil:
		if _, ok := errors.AsType[getopt.Error](err); ok {
			fmt.Fprintf(c.stderr, "%s: %v\n", c.name, err)
		} else {
			log.Fatal("main", err.Error())
		}
		return 1
	}
	p := process()
	return p.Run(func(ctx context.Context, ready func() error) error {
		log := log.Logger("main")
		log.Info("sluice " + version.String() + ", as " + c.program + " " + ovnRelease)
		err := life(ctx, ready)
		if sig, ok := errors.AsType[*daemon.SignalError](context.Cause(ctx)); ok {
			log.Info(sig.Error())
			return nil // the process now dies of the signal
		}
		return err
	})
}
