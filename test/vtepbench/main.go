// Vtepbench measures "sluice vtep" against Debian's ovn-controller-vtep on the same generated network: a cold start, from empty switches to
// full ones, and the move of one MAC address. "make bench-vtep" builds and runs it.
//
// Everything is databases: a Southbound one, which nobody computes, and one for each switch. One process of sluice manages all switches. One of
// ovn-controller-vtep manages one, so there are as many; some of them are run (-sample), and what they take together is multiplied. CPU
// seconds are the figures to compare: on a busy machine times mostly tell how busy it was.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
)

// size is how much there is.
type size struct {
	Switches        int // physical
	LogicalSwitches int // each is bound on one of them
	MACs            int // one for each VM
	Hypervisors     int
}

type options struct {
	size
	sample, moves     int
	contender, output string
}

func main() {
	var o options
	flag.IntVar(&o.Switches, "switches", 50, "physical switches, with a database each")
	flag.IntVar(&o.LogicalSwitches, "logical", 4000, "logical switches, each bound on one physical switch")
	flag.IntVar(&o.MACs, "macs", 100_000, "VMs with a MAC address, in these logical switches")
	flag.IntVar(&o.Hypervisors, "hypervisors", 20, "chassis that have the VMs")
	flag.IntVar(&o.sample, "sample", 2, "how many processes of ovn-controller-vtep are run, for all switches")
	flag.IntVar(&o.moves, "moves", 20, "VMs that move, one after the other")
	flag.StringVar(&o.contender, "controller", "bin/sluice", "the `program` that is compared with "+lab.ReferenceVTEPController)
	flag.StringVar(&o.output, "output", "text", "`form` of the result: text or json")
	flag.Parse()
	if flag.NArg() > 0 || o.Switches < 1 || o.LogicalSwitches < o.Switches || o.MACs < o.LogicalSwitches || o.Hypervisors < 2 || o.sample < 1 || o.moves < 1 ||
		o.output != "text" && o.output != "json" {
		fmt.Fprintln(os.Stderr, "usage: vtepbench [flags]; -help lists them. There are at least as many MAC addresses as logical switches, and as these switches")
		os.Exit(2)
	}
	o.sample = min(o.sample, o.Switches)
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "vtepbench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	program, err := filepath.Abs(o.contender)
	if err != nil {
		return err
	}
	s, err := build(ctx, o.size)
	if s != nil {
		defer s.close()
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%+v: loaded\n", o.size)
	reference, err := s.measure(o.sample, o.moves, func(i int) []string {
		return []string{lab.ReferenceVTEPController, "--vtep-db=" + s.switches[i].remote(), "--ovnsb-db=" + s.sb.remote()}
	}, false)
	if err != nil {
		return fmt.Errorf("%s: %w", lab.ReferenceVTEPController, err)
	}
	reference.multiply(float64(o.Switches) / float64(o.sample))
	if err := s.reset(); err != nil {
		return err
	}
	contender, err := s.measure(o.Switches, o.moves, func(int) []string {
		return []string{program, "vtep", "--ovnsb-db=" + s.sb.remote()}
	}, true)
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	load, _ := os.ReadFile("/proc/loadavg") // for the reader to judge the times by; nothing depends on it
	r := result{Size: o.size, Sample: o.sample, Reference: reference, Contender: contender, LoadAverage: string(load[:max(0, len(load)-1)])}
	if o.output == "json" {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	r.print(os.Stdout)
	return nil
}

// result is the comparison.
type result struct {
	Size                 size
	Sample               int // processes of the reference that were run
	LoadAverage          string
	Reference, Contender sample
}

// The bar of issue 4: at most this part of the reference's.
const half = 0.5

func (r result) print(w *os.File) {
	fmt.Fprintf(w, "\n%d MACs in %d logical switches of %d switches; load average %s\n", r.Size.MACs, r.Size.LogicalSwitches, r.Size.Switches, r.LoadAverage)
	fmt.Fprintf(w, "ovn-controller-vtep: %d processes of %d were run, times %.3g\n", r.Sample, r.Size.Switches, float64(r.Size.Switches)/float64(r.Sample))
	fmt.Fprintf(w, "  %-30s %20s %12s %8s\n", "", "ovn-controller-vtep", "sluice", "ratio")
	for _, m := range []struct {
		name                 string
		reference, contender float64
		bar                  bool
	}{
		{"cold start, CPU [s]", r.Reference.ColdCPU.Seconds(), r.Contender.ColdCPU.Seconds(), true},
		{"peak memory [MB]", float64(r.Reference.PeakRSS) / (1 << 20), float64(r.Contender.PeakRSS) / (1 << 20), true},
		{"a move, CPU [ms]", ms(r.Reference.MoveCPU), ms(r.Contender.MoveCPU), false},
		{"a move, until written [ms]", ms(r.Reference.MoveWall), ms(r.Contender.MoveWall), false},
	} {
		bar := ""
		switch ratio := m.contender / m.reference; {
		case m.bar && ratio <= half:
			bar = "  <= 0.50: met"
		case m.bar:
			bar = "  <= 0.50: not met"
		}
		fmt.Fprintf(w, "  %-30s %20.4g %12.4g %8.3f%s\n", m.name, m.reference, m.contender, m.contender/m.reference, bar)
	}
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
