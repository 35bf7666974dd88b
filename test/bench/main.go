// Bench measures sluice's controller against Debian's ovn-controller, in turns on the same generated deployment: a cold start (CPU, time,
// memory) and the addition of single ports (CPU, latency). "make bench" builds and runs it.
//
// With -profile it records where sluice's CPU time goes in a cold start.
//
// The chassis that is measured is real (ovsdb-server, ovs-vswitchd with the dummy datapath, the controller); nine others exist as rows of
// the Southbound database. CPU seconds are the figures to compare: on a busy machine times mostly tell how busy it was.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/load"
)

type options struct {
	sizes             []load.Size
	reps, adds        int
	contender, output string
	profile           string // directory; "" compares
	monitorAll        bool
}

func main() {
	o, err := parse()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse() (options, error) {
	var o options
	sizes := flag.String("size", "10x10,50x20,200x50", "loads, `SWITCHESxPORTS` separated by commas")
	flag.IntVar(&o.reps, "reps", 3, "how often each controller is measured; medians are compared")
	flag.IntVar(&o.adds, "adds", 0, "how many ports of each kind are added in each repetition; 0 is 20, 10 or 5, by the size of the load")
	flag.StringVar(&o.contender, "controller", "bin/sluice", "the `program` that is compared with "+lab.ReferenceController)
	flag.StringVar(&o.output, "output", "text", "`form` of the result: text or json")
	flag.StringVar(&o.profile, "profile", "", "write CPU profiles of sluice's cold starts to this `directory` instead of comparing")
	flag.BoolVar(&o.monitorAll, "monitor-all", false, "set ovn-monitor-all")
	flag.Parse()
	for s := range strings.SplitSeq(*sizes, ",") {
		z, err := load.ParseSize(s)
		if err != nil {
			return o, err
		}
		o.sizes = append(o.sizes, z)
	}
	if flag.NArg() > 0 || o.reps < 1 || o.adds < 0 || (o.output != "text" && o.output != "json") {
		return o, fmt.Errorf("usage: bench [flags]; -help lists them")
	}
	return o, nil
}

func run(ctx context.Context, o options) error {
	began := time.Now()
	status := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "[%6.1f s] %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	if o.profile != "" {
		return profiles(ctx, o, status)
	}
	contender, err := lab.ParseController(o.contender)
	if err != nil {
		return fmt.Errorf("%w (make build builds bin/sluice)", err)
	}
	reference, err := lab.ParseController(lab.ReferenceController)
	if err != nil {
		return err
	}
	var all []comparison
	for _, z := range o.sizes {
		c, err := compare(ctx, o, z, reference, contender, status)
		if err != nil {
			return fmt.Errorf("%s: %w", z, err)
		}
		all = append(all, c)
		if o.output == "text" {
			c.print(os.Stdout)
		}
	}
	if o.output == "json" {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	return nil
}
