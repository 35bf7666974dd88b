// Kerneltests runs the kernel tests of all packages, those that ask for the guest by internal/testkit/guest, in one guest: booting is what
// takes time. Each package's test binary runs after the others, whatever those came to; a summary like the go command's ends the output.
//
// Where no guest can run, the tests are counted as skipped; with "vm" in SLUICE_REQUIRE that is a failure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/test/hil/kernel"
	"github.com/sluice-gw/sluice/test/hil/outfit"
	"github.com/sluice-gw/sluice/test/hil/vm"
)

// errFailed says that the guest did its work and tests failed, which their output has told.
var errFailed = errors.New("kernel tests failed")

type options struct {
	kernel, run, artefacts string
	short                  bool
	packages               []string
}

func main() {
	vm.Init()
	var o options
	flag.StringVar(&o.kernel, "kernel", kernel.Debian, "`name` of the guest's kernel: debian or own")
	flag.StringVar(&o.run, "run", "^"+guest.Prefix, "run only tests that match the `pattern`")
	flag.StringVar(&o.artefacts, "artefacts", "", "`directory` that receives what the tests leave in their ArtifactDir")
	flag.BoolVar(&o.short, "short", false, "tests that can do less do less (testing.Short)")
	flag.Parse()
	if o.packages = flag.Args(); len(o.packages) == 0 {
		o.packages = []string{"./..."}
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kerneltests:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	packages, err := find(ctx, o.packages)
	if err != nil {
		return err
	}
	if len(packages) == 0 {
		return fmt.Errorf("no package in %s has kernel tests", strings.Join(o.packages, " "))
	}
	dir, err := os.MkdirTemp("", "kerneltests")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // only a temporary directory
	for i := range packages {
		if err := packages[i].build(ctx, dir); err != nil {
			return err
		}
	}
	if missing := vm.Missing(o.kernel); len(missing) > 0 {
		n, err := skip(ctx, packages, o, missing)
		fmt.Printf("kerneltests: skipped %d tests of %d packages: %v\n", n, len(packages), missing)
		return err
	}
	return play(ctx, packages, dir, o)
}

// limit is some times what the tests of all packages take.
func (o *options) limit() vm.Limit {
	if o.short {
		return vm.Limit{CPU: 30 * time.Minute, Wall: time.Hour}
	}
	return vm.Limit{CPU: 90 * time.Minute, Wall: 3 * time.Hour}
}

// play boots the guest, and prints what came of each package. dir holds what is compiled.
func play(ctx context.Context, packages []pkg, dir string, o options) error {
	k, err := kernel.Find(o.kernel)
	if err != nil {
		return err
	}
	spec := vm.Spec{
		Kernel: k, Modules: outfit.Modules(), Age: outfit.Age, Output: os.Stdout, Artefacts: o.artefacts,
		Limit: o.limit(),
		Env:   []string{guest.Environment + "=1"},
	}
	if spec.Add, err = outfit.Additions(ctx, dir); err != nil {
		return err
	}
	for _, p := range packages {
		spec.Commands = append(spec.Commands, p.command(o.run, o.short))
	}
	start := time.Now()
	outcome, err := vm.Run(ctx, spec)
	results := outcome.Results
	fmt.Printf("\nguest with the kernel %q: %.0f s, and %.0f s of CPU time\n", o.kernel, time.Since(start).Seconds(), outcome.CPU.Seconds())
	for i, p := range packages {
		switch {
		case i >= len(results):
			fmt.Printf("FAIL\t%s\tno result\n", p.ImportPath)
		case results[i].Code != 0:
			fmt.Printf("FAIL\t%s\t%.1fs in the guest, exit status %d\n", p.ImportPath, results[i].Took.Seconds(), results[i].Code)
			err = errors.Join(err, errFailed)
		default:
			fmt.Printf("ok  \t%s\t%.1fs in the guest\n", p.ImportPath, results[i].Took.Seconds())
		}
	}
	return err
}

// skip counts the tests that do not run, and fails where they must.
func skip(ctx context.Context, packages []pkg, o options, missing []capability.Missing) (n int, err error) {
	for _, p := range packages {
		out, err := exec.CommandContext(ctx, p.binary, "-test.list", o.run).Output()
		if err != nil {
			return n, fmt.Errorf("list the tests of %s: %w", p.ImportPath, err)
		}
		n += len(strings.Fields(string(out)))
	}
	if capability.Required("vm") {
		return n, fmt.Errorf("%s has \"vm\": %v", capability.Environment, missing)
	}
	return n, nil
}
