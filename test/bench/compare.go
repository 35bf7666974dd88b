package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/load"
)

// comparison is the result for one load.
type comparison struct {
	Size         string
	LogicalFlows int
	PortBindings int
	LoadAverage  string // of the machine, at the end
	Reference    string // the programs
	Contender    string
	Metrics      []metric
	Samples      map[string][]sample // by "reference" and "contender"; durations in nanoseconds
}

// metric is one figure of both programs.
type metric struct {
	Name      string
	Unit      string
	Reference float64 // medians
	Contender float64
	Ratio     float64 // contender to reference
	Bar       float64 `json:",omitempty"` // the largest ratio that is good enough; 0 where none is set
	Met       bool
}

// compare measures both programs in turns, after a start of each that does not count. The order changes with each repetition, so that neither
// always finds what the other has left.
func compare(ctx context.Context, o options, z load.Size, reference, contender lab.Controller, status func(string, ...any)) (c comparison, err error) {
	s, err := build(ctx, z, status)
	if s != nil {
		defer func() { err = errors.Join(err, s.close()) }()
	}
	if err != nil {
		return c, err
	}
	adds := o.adds
	if adds == 0 {
		adds = addsFor(z)
	}
	type part struct {
		role    string
		program lab.Controller
	}
	order := []part{{"reference", reference}, {"contender", contender}}
	for _, p := range order {
		if err := s.warmUp(p.program, p.role, o.monitorAll); err != nil {
			return c, fmt.Errorf("%s: %w", p.program, err)
		}
	}
	samples := map[string][]sample{}
	for rep := range o.reps {
		slices.Reverse(order)
		for _, p := range order {
			x, err := s.measure(p.program, fmt.Sprintf("%s%d", p.role, rep), adds, z, o.monitorAll)
			if err != nil {
				return c, fmt.Errorf("%s: %w", p.program, err)
			}
			status("%s: %s: cold start %.2f s, CPU %.2f s, peak %d MB, %d flows (%d); a port: remote %s CPU %s, local %s CPU %s", z,
				filepath.Base(p.program.Path()), x.ColdWall.Seconds(), x.ColdCPU.Seconds(), x.PeakRSS>>20, x.Flows, x.FlowsLater,
				x.RemoteWall.Round(time.Millisecond), x.RemoteCPU, x.LocalWall.Round(time.Millisecond), x.LocalCPU)
			samples[p.role] = append(samples[p.role], x)
		}
	}
	load, _ := os.ReadFile("/proc/loadavg") // for the reader to judge the times by; nothing depends on it
	return comparison{
		Size: z.String(), LogicalFlows: s.rows["Logical_Flow"], PortBindings: s.rows["Port_Binding"], LoadAverage: strings.TrimSpace(string(load)),
		Reference: reference.String(), Contender: contender.String(), Metrics: metrics(samples["reference"], samples["contender"]), Samples: samples,
	}, nil
}

// addsFor is how many ports are added to a load: few to a large one, where each takes OVN seconds.
func addsFor(z load.Size) int {
	switch n := z.Switches * z.Ports; {
	case n <= 200:
		return 20
	case n <= 2000:
		return 10
	default:
		return 5
	}
}

// The bars: how much of the reference's cost the contender may have.
const (
	half  = 1.0 / 2
	third = 1.0 / 3
)

func metrics(reference, contender []sample) []metric {
	seconds := func(d time.Duration) float64 { return d.Seconds() }
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	var all []metric
	for _, m := range []struct {
		name, unit string
		bar        float64
		value      func(sample) float64
	}{
		{"cold start, CPU", "s", half, func(s sample) float64 { return seconds(s.ColdCPU) }},
		{"cold start, time", "s", half, func(s sample) float64 { return seconds(s.ColdWall) }},
		{"peak memory", "MB", half, func(s sample) float64 { return float64(s.PeakRSS) / (1 << 20) }},
		{"local port, CPU", "ms", third, func(s sample) float64 { return ms(s.LocalCPU) }},
		{"local port, until acknowledged", "ms", 0, func(s sample) float64 { return ms(s.LocalWall) }},
		{"local port, until up", "ms", 0, func(s sample) float64 { return ms(s.LocalUp) }},
		{"remote port, CPU", "ms", 0, func(s sample) float64 { return ms(s.RemoteCPU) }},
		{"remote port, until acknowledged", "ms", 0, func(s sample) float64 { return ms(s.RemoteWall) }},
		{"flows at acknowledgement", "", 0, func(s sample) float64 { return float64(s.Flows) }},
		{"flows a second later", "", 0, func(s sample) float64 { return float64(s.FlowsLater) }},
		{"ovs-vswitchd during cold start, CPU", "s", 0, func(s sample) float64 { return seconds(s.ColdSwitchCPU) }},
		{"Southbound server during cold start, CPU", "s", 0, func(s sample) float64 { return seconds(s.ColdServerCPU) }},
	} {
		x := metric{Name: m.name, Unit: m.unit, Bar: m.bar, Reference: median(reference, m.value), Contender: median(contender, m.value)}
		if x.Reference > 0 {
			x.Ratio = x.Contender / x.Reference
		}
		x.Met = x.Bar > 0 && x.Reference > 0 && x.Ratio <= x.Bar
		all = append(all, x)
	}
	return all
}

func median(samples []sample, value func(sample) float64) float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, value(s))
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// print writes the comparison as a table.
func (c comparison) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %d logical flows, %d port bindings; medians of %d; load average %s\n",
		c.Size, c.LogicalFlows, c.PortBindings, len(c.Samples["reference"]), c.LoadAverage)
	fmt.Fprintf(w, "  %-42s %18s %18s %8s  %s\n", "", filepath.Base(strings.Fields(c.Reference)[0]), filepath.Base(strings.Fields(c.Contender)[0]), "ratio", "bar")
	for _, m := range c.Metrics {
		bar := ""
		if m.Bar > 0 {
			bar = fmt.Sprintf("<= %.2f: not met", m.Bar)
			if m.Met {
				bar = fmt.Sprintf("<= %.2f: met", m.Bar)
			}
		}
		unit := strings.TrimSpace(fmt.Sprintf("%s %s", m.Name, bracketed(m.Unit)))
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-42s %18.4g %18.4g %8.2f  %s", unit, m.Reference, m.Contender, m.Ratio, bar), " "))
	}
}

func bracketed(unit string) string {
	if unit == "" {
		return ""
	}
	return "[" + unit + "]"
}
