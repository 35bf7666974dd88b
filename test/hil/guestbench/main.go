// Guestbench measures the offload into TC flower in a guest (QEMU, software emulation) against what does the same without sluice, side by
// side in one run: the insertion of rules (against "tc -batch" and Open vSwitch's own offload), the first packet of a flow and the packets
// of one that is established (against the kernel's datapath of Open vSwitch), and the share of the scenarios' packets that bypass that
// datapath (against Open vSwitch's own offload). "make bench-hil" runs it; docs/performance.md has what came of it.
//
// The program is two: on the host it boots the guest with itself in it, and prints what the guest brings back; in the guest it measures.
// Emulated times say nothing about a machine. The ratios compare programs on the same emulated machine.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/test/hil/kernel"
	"github.com/sluice-gw/sluice/test/hil/vm"
)

type options struct {
	kernel, output, clock string
	parts                 []string
	sizes                 []int
	reps                  int
	scenarios             []string
}

// Clocks of the guest.
const (
	clockReal         = "real"
	clockInstructions = "instructions"
)

func main() {
	vm.Init()
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "guestbench:", err)
		os.Exit(2)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if guest.Inside() {
		err = measure(ctx, o)
	} else {
		err = run(ctx, o)
	}
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "guestbench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("guestbench", flag.ContinueOnError)
	f.StringVar(&o.kernel, "kernel", kernel.Debian, "`name` of the guest's kernel: debian or own")
	f.StringVar(&o.output, "output", "text", "`form` of the result: text or json")
	f.StringVar(&o.clock, "clock", clockReal, "the guest's `clock`: real, or instructions, by which each instruction of its one processor takes a nanosecond: "+
		"that is the same each time, whatever else the machine does, and leaves out all waiting")
	f.IntVar(&o.reps, "reps", 3, "how often each is measured; medians are compared")
	names := f.String("parts", strings.Join(partNames(), ","), "what is measured, separated by commas")
	sizes := f.String("sizes", "1000,5000,10000", "how many rules are inserted, separated by commas")
	scenarios := f.String("scenarios", "", "scenarios to be played, separated by commas; none is all that an emulated machine keeps the times of")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.parts, o.scenarios = list(*names), list(*scenarios)
	for _, p := range o.parts {
		if !slices.Contains(partNames(), p) {
			return o, fmt.Errorf("no part %q; there are %s", p, strings.Join(partNames(), ", "))
		}
	}
	for _, s := range list(*sizes) {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxRules {
			return o, fmt.Errorf("%q is no number of rules from 1 to %d", s, maxRules)
		}
		o.sizes = append(o.sizes, n)
	}
	if o.clock != clockReal && o.clock != clockInstructions {
		return o, fmt.Errorf("no clock %q; there are %s and %s", o.clock, clockReal, clockInstructions)
	}
	if f.NArg() > 0 || o.reps < 1 || (o.output != "text" && o.output != "json") {
		return o, fmt.Errorf("usage: guestbench [flags]; -help lists them")
	}
	return o, nil
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// print writes the result to standard output.
func (o *options) print(r result) error {
	if o.output == "text" {
		r.print(os.Stdout)
		return nil
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
