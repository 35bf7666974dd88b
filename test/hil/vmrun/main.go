// Vmrun runs one program, normally a test binary, inside a guest with a kernel of its own, and passes on its output and exit status. It is
// made for the go command:
//
//	go build -o bin/ ./test/hil/vmrun
//	go test -exec "$PWD/bin/vmrun -load cls_flower,act_ct -add tc" ./offload/tc/flower
//
// The program runs as root in a file system that holds only what it was given: itself, the "testdata" of the directory in which vmrun was
// started, the programs and files of -add with the libraries that they need, /proc, /sys, /dev and /tmp. Variables of the environment are
// passed on when -env names them, and those that begin with GO or SLUICE_; SLUICE_VM=1 tells tests where they are.
//
// The exit status is the program's; 125 says that there is none, because the guest hung, crashed or could not be started.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/test/hil/kernel"
	"github.com/sluice-gw/sluice/test/hil/vm"
)

// statusNone is the exit status when the program has none, as other programs that run programs have it: env(1), timeout(1).
const statusNone = 125

func main() {
	vm.Init()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	status, err := run(ctx, os.Args[1:])
	cancel()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "vmrun:", err)
	}
	os.Exit(status)
}

func run(ctx context.Context, args []string) (int, error) {
	spec, err := parse(args)
	if err != nil {
		return statusNone, err
	}
	o, err := vm.Run(ctx, spec)
	if err != nil {
		return statusNone, err
	}
	return o.Results[0].Code, nil
}

func parse(args []string) (spec vm.Spec, err error) {
	var o struct{ kernel, load, add, env string }
	f := flag.NewFlagSet("vmrun", flag.ContinueOnError)
	f.StringVar(&o.kernel, "kernel", kernel.Debian, "`name` of the kernel: debian or own")
	f.StringVar(&o.load, "load", "", "kernel `modules` to load, separated by commas")
	f.StringVar(&o.add, "add", "", "programs, files and directories of this host for the guest: `SOURCE[:TARGET],...`")
	f.StringVar(&o.env, "env", "", "`variables` of the environment to pass on, separated by commas: NAME or NAME=VALUE")
	f.StringVar(&spec.Artefacts, "artefacts", "", "`directory` that receives what the program leaves in the directory $"+vm.ArtefactEnv)
	f.DurationVar(&spec.Limit.CPU, "cpu", 10*time.Minute, "end a guest that has spent more CPU `time`")
	f.DurationVar(&spec.Limit.Wall, "wall", 30*time.Minute, "end a guest that runs for longer by the clock")
	if err := f.Parse(args); err != nil {
		return spec, err
	}
	if f.NArg() == 0 {
		return spec, errors.New("no program; usage: vmrun [FLAGS] PROGRAM [ARGUMENTS]")
	}
	if spec.Kernel, err = kernel.Find(o.kernel); err != nil {
		return spec, err
	}
	command := vm.Command{Name: filepath.Base(f.Arg(0)), Program: f.Arg(0), Args: f.Args()[1:]}
	if _, err := os.Stat("testdata"); err == nil {
		command.Testdata = "testdata"
	}
	spec.Commands, spec.Modules, spec.Output = []vm.Command{command}, split(o.load), os.Stdout
	spec.Env = append(environment(os.Environ(), split(o.env)), guest.Environment+"=1")
	for _, a := range split(o.add) {
		added, err := addition(a)
		if err != nil {
			return spec, err
		}
		spec.Add = append(spec.Add, added)
	}
	return spec, nil
}

// addition understands SOURCE[:TARGET]. A source without a slash is a program, looked up as the shell does.
func addition(text string) (a vm.Addition, err error) {
	a.Source, a.Target, _ = strings.Cut(text, ":")
	if !strings.Contains(a.Source, "/") {
		a.Source, err = exec.LookPath(a.Source)
	}
	if err == nil {
		a.Source, err = filepath.Abs(a.Source)
	}
	return a, err
}

// environment picks from the variables of this process: those that Go's runtime and the tests look at, and the named ones. A name with a
// value is passed on as it is.
func environment(ours, named []string) (picked []string) {
	for _, variable := range ours {
		name, _, _ := strings.Cut(variable, "=")
		wanted := strings.HasPrefix(name, "GO") || strings.HasPrefix(name, "SLUICE_")
		for _, n := range named {
			wanted = wanted || n == name
		}
		if wanted {
			picked = append(picked, variable)
		}
	}
	for _, n := range named {
		if strings.Contains(n, "=") {
			picked = append(picked, n)
		}
	}
	return picked
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}
