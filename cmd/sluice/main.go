// Sluice is the gateway appliance's one program. Called as "ovn-controller", by that name or as "sluice controller", it takes the
// place of OVN's; called as "ovn-controller-vtep" or "sluice vtep" it manages hardware VTEP switches, and as
// "sluice vtep serve" it is one. Its other commands are for the people who look after a gateway.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sluice-gw/sluice/internal/version"
)

func main() {
	os.Exit(dispatch(os.Args, os.Stdout, os.Stderr))
}

// dispatch runs the program for a command line and returns its exit status.
func dispatch(argv []string, stdout, stderr io.Writer) int {
	name := filepath.Base(argv[0])
	switch {
	case name == controllerProgram:
		return controllerMain(argv[0], argv[1:], stdout, stderr)
	case len(argv) > 1 && argv[1] == "controller":
		// Not for kong: these are the C program's options, by the C library's rules.
		return controllerMain(argv[0]+" controller", argv[2:], stdout, stderr)
	case name == vtepProgram:
		return vtepMain(argv[0], argv[1:], stdout, stderr)
	case len(argv) > 2 && argv[1] == "vtep" && argv[2] == "serve":
		return serveMain(argv[0]+" vtep serve", argv[3:], stdout, stderr)
	case len(argv) > 1 && argv[1] == "vtep" && (len(argv) == 2 || strings.HasPrefix(argv[2], "-")):
		return vtepMain(argv[0]+" vtep", argv[2:], stdout, stderr)
	}
	return commandMain(name, argv[1:], stdout, stderr)
}

// misused is the command that err, a mistake in a command line, is about.
func misused(name string, err error) string {
	if e, ok := errors.AsType[*kong.ParseError](err); ok && e.Context.Selected() != nil {
		return e.Context.Selected().FullPath()
	}
	return name
}

// commandMain runs a command of the tree.
func commandMain(name string, args []string, stdout, stderr io.Writer) int {
	var tree commands
	exit := -1 // what --help wants
	parser, err := kong.New(&tree, kong.Name(name), kong.Description("The OVN gateway appliance."), kong.Vars{"version": "sluice " + version.String()},
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }))
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 1
	}
	parsed, err := parser.Parse(args)
	switch {
	case exit >= 0:
		return exit
	case err != nil:
		fmt.Fprintf(stderr, "%s: %v (try \"%s --help\")\n", name, err, misused(name, err))
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.BindTo(stdout, (*io.Writer)(nil))
	if err := parsed.Run(); err != nil {
		if status, ok := errors.AsType[exitStatus](err); ok {
			return int(status)
		}
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}
