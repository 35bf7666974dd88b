// Play plays scenarios (package scenario) in network namespaces of this machine, or on the equipment that a testbed file lists (package
// testbed), and reports what came of them, as text and for CI systems as JUnit's XML. It ends with status 0 when all were played and went as
// expected. Without names it plays all scenarios of this repository, in namespaces without -offload but for those about the offload; a name is
// one of those, or a file.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/test/hil/scenario"
	"github.com/sluice-gw/sluice/test/hil/testbed"
	"github.com/sluice-gw/sluice/test/lab"
)

type options struct {
	testbed, controller, encap, datapath, offload, junit string
}

// ofNamespaces are the flags that say how a testbed in namespaces is to be made.
var ofNamespaces = []string{"controller", "encap", "datapath", "offload"}

func main() {
	var o options
	flag.StringVar(&o.testbed, "testbed", "", "play on the equipment that the `file` lists, instead of in namespaces")
	flag.StringVar(&o.controller, "controller", "bin/sluice", "the `program` that drives each chassis: sluice, or one with ovn-controller's command line")
	flag.StringVar(&o.encap, "encap", "geneve", "tunnel `type`: geneve or vxlan")
	flag.StringVar(&o.datapath, "datapath", string(lab.Userspace), "Open vSwitch's datapath: netdev (userspace) or system (the kernel's)")
	flag.StringVar(&o.offload, "offload", "", "have the chassis offload: the `mode` is software, hardware or hardware-only; it needs the kernel's datapath and sluice")
	flag.StringVar(&o.junit, "junit", "", "write JUnit's XML to the `file`")
	flag.Parse()
	flag.Visit(func(f *flag.Flag) {
		if o.testbed != "" && slices.Contains(ofNamespaces, f.Name) {
			fmt.Fprintf(os.Stderr, "play: -%s is for testbeds in namespaces; with -testbed the file says what there is\n", f.Name)
			os.Exit(2)
		}
	})
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, o, flag.Args())
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "play:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, names []string) (err error) {
	scenarios, err := choose(names, o.offload != "")
	if err != nil {
		return err
	}
	start, err := o.start(ctx)
	if err != nil {
		return err
	}
	player := scenario.NewPlayer(start)
	defer func() { err = errors.Join(err, player.Close()) }()
	var results []scenario.Result
	for _, s := range scenarios {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		fmt.Fprintf(os.Stderr, "playing %s\n", s.Name)
		results = append(results, player.Play(s))
	}
	if err := scenario.WriteText(os.Stdout, results); err != nil {
		return err
	}
	if o.junit != "" {
		if err := writeJUnit(o.junit, o.name(), results); err != nil {
			return err
		}
	}
	for _, r := range results {
		if r.Failure() != nil {
			return errors.New("scenarios failed, or could not be played")
		}
	}
	return nil
}

// start is what starts the testbeds.
func (o *options) start(ctx context.Context) (func() (scenario.Testbed, error), error) {
	if o.testbed != "" {
		text, err := os.ReadFile(o.testbed)
		if err != nil {
			return nil, err
		}
		equipment, err := testbed.Parse(o.testbed, text)
		if err != nil {
			return nil, err
		}
		return testbed.Start(ctx, equipment), nil
	}
	controller, err := lab.ParseController(o.controller)
	if err != nil {
		return nil, fmt.Errorf("%w (make build builds bin/sluice)", err)
	}
	if err := o.check(controller); err != nil {
		return nil, err
	}
	return scenario.Namespaces(ctx, lab.Options{Controller: controller, Encap: o.encap, Datapath: lab.Datapath(o.datapath), Offload: o.offload}), nil
}

// check refuses testbeds that there are not.
func (o *options) check(controller lab.Controller) error {
	if (o.encap != "geneve" && o.encap != "vxlan") || (o.datapath != string(lab.Userspace) && o.datapath != string(lab.Kernel)) {
		return fmt.Errorf("no testbed with tunnels %q and datapath %q", o.encap, o.datapath)
	}
	if o.offload == "" {
		return nil
	}
	if mode, err := offload.ParseMode(o.offload); err != nil || mode == offload.Off {
		return fmt.Errorf("-offload %q: there are software, hardware and hardware-only", o.offload)
	}
	if o.datapath != string(lab.Kernel) {
		return fmt.Errorf("-offload %s with the datapath %q: only packets of the kernel's datapath can bypass it; use -datapath %s", o.offload, o.datapath, lab.Kernel)
	}
	if !controller.IsSluice() {
		return fmt.Errorf("-offload %s with %s, which has no such setting: use sluice", o.offload, controller)
	}
	return nil
}

// name tells results of one testbed from those of another.
func (o *options) name() string {
	if o.testbed != "" {
		return strings.TrimSuffix(filepath.Base(o.testbed), filepath.Ext(o.testbed))
	}
	name := o.datapath + "-" + o.encap
	if o.offload != "" {
		name += "-" + o.offload
	}
	return name
}

// choose finds the named scenarios: those of the repository, or files. Without names it is all that show something with the offload as it is.
func choose(names []string, offloads bool) ([]*scenario.Scenario, error) {
	all, err := scenario.All()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return slices.DeleteFunc(all, func(s *scenario.Scenario) bool { return s.NeedsOffload() && !offloads }), nil
	}
	var chosen []*scenario.Scenario
next:
	for _, name := range names {
		for _, s := range all {
			if s.Name == name {
				chosen = append(chosen, s)
				continue next
			}
		}
		text, err := os.ReadFile(name)
		if err != nil {
			var known []string
			for _, s := range all {
				known = append(known, s.Name)
			}
			return nil, fmt.Errorf("%w; it is none of %s either", err, strings.Join(known, ", "))
		}
		s, err := scenario.Parse(name, string(text))
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

func writeJUnit(file, testbed string, results []scenario.Result) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(scenario.WriteJUnit(f, testbed, results), f.Close())
}
