// Demo brings up a real OVN with two hypervisors and a gateway in network namespaces, each driven by "sluice controller", configures it
// with ovn-nbctl, sends packets through it and prints a table of what was checked. "make demo" builds and runs it. It ends with status 0
// when every check has passed, and leaves nothing behind unless it is told to.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/reference"
)

type options struct {
	controller, encap, output string
	keep, stop                bool
}

func main() {
	var o options
	flag.StringVar(&o.controller, "controller", "bin/sluice", "the `program` that drives each chassis: sluice, or one with ovn-controller's command line")
	flag.StringVar(&o.encap, "encap", "geneve", "tunnel `type`: geneve or vxlan")
	flag.StringVar(&o.output, "output", "text", "`form` of the result: text or json")
	flag.BoolVar(&o.keep, "keep", false, "leave the deployment up and say how to look around in it")
	flag.BoolVar(&o.stop, "stop", false, "remove deployments that were left up, and do nothing else")
	flag.Parse()
	if flag.NArg() > 0 || (o.output != "text" && o.output != "json") || (o.encap != "geneve" && o.encap != "vxlan") {
		flag.Usage()
		os.Exit(2)
	}
	// A second signal ends the program at once; what it leaves is removed by the next deployment.
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() { <-ctx.Done(); cancel() }()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	if o.stop {
		removed, err := lab.Reap(true)
		fmt.Println("removed deployments:", removed)
		return err
	}
	controller, err := lab.ParseController(o.controller)
	if err != nil {
		return fmt.Errorf("%w (make build builds bin/sluice)", err)
	}
	report := newReport(o.output, os.Stdout, os.Stderr)
	began := time.Now()
	report.progress("starting a central node, hypervisors hv1 and hv2, and gateway gw1, with %s and %s tunnels", controller, o.encap)
	d, err := reference.Start(ctx, reference.Options{Options: lab.Options{Controller: controller, Encap: o.encap}})
	if d != nil {
		defer func() {
			if o.keep && ctx.Err() == nil {
				err = errors.Join(err, d.Keep())
				explain(d, controller.Path(), os.Stderr)
				return
			}
			report.progress("stopping")
			err = errors.Join(err, d.Close())
		}()
	}
	if err != nil {
		return err
	}
	for _, stage := range d.Stages() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		report.progress("%s", stage.Title)
		if err := stage.Configure(); err != nil {
			return fmt.Errorf("%s: %w", stage.Title, err)
		}
		for _, c := range stage.Checks {
			start := time.Now()
			r, err := c.Run()
			report.check(stage.Title, c.Name, r, err, time.Since(start))
		}
	}
	return report.finish(time.Since(began), filepath.Base(controller.Path()))
}
