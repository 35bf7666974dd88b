package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/appliance/admin"
	"github.com/sluice-gw/sluice/controlplane/trace"
	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// offloaded is the option --offload, with or without =TARGET: the program whose offload
// is shown, as -t of "sluice offload explain" names it.
type offloaded struct {
	optionalValue
	timeout time.Duration
	socket  string
}

// open finds the program, which must answer each question within timeout.
func (s *offloaded) open(timeout time.Duration) (err error) {
	s.timeout = timeout
	if s.socket, err = unixctl.Socket(dirs.FromEnv(os.Getenv).OVNRun, cmp.Or(s.value, "ovn-controller")); err != nil {
		return fmt.Errorf("--offload: %w", err)
	}
	return nil
}

// shown is how the paths are shown in a trace.
func (s *offloaded) shown() trace.Installed {
	return trace.Installed{Lines: s.paths, None: "no paths of the offload", Error: "paths of the offload"}
}

// listedPaths bounds the paths of a logical flow that a trace lists: some have thousands.
const listedPaths = 5

// paths are those that go through the rules of a row, with what has become of them: at
// first what all have in common, then some of them, with the busiest first.
func (s *offloaded) paths(row ovsdb.UUID) ([]string, error) {
	a, _, err := s.explain(row.String())
	switch refused := new(unixctl.CommandError); {
	case errors.As(err, &refused): // it has no rules on this chassis
		return nil, nil
	case err != nil:
		return nil, err
	case a.Obstacle != "":
		return []string{"offload: none: " + a.Obstacle}, nil
	case len(a.Paths) == 0:
		return nil, nil
	}
	lines := []string{fmt.Sprintf("offload: %s; %s", a.OffloadPaths, counters(a.Traffic))}
	for _, x := range busiest(a.Paths, listedPaths) {
		line := "offload: " + x.State
		if r := x.Reason; r != nil {
			line += " (" + r.Code + ": " + r.Cause + ")"
		}
		lines = append(lines, fmt.Sprintf("%s, %s, from %s at %s, %s actions=%s", line, counters(x.Traffic), x.From, x.Stage, x.Match, x.Actions))
	}
	if more := a.Offloaded + a.Fallback + a.Unreached - listedPaths; more > 0 {
		lines = append(lines, fmt.Sprintf("offload: and %d more: sluice offload explain %s", more, row))
	}
	return lines, nil
}

// busiest are the n paths that have most packets, those first.
func busiest(paths []admin.OffloadPath, n int) []admin.OffloadPath {
	packets := func(x admin.OffloadPath) uint64 {
		return x.Traffic.Hardware.Packets + x.Traffic.Kernel.Packets + x.Traffic.Trapped.Packets
	}
	slices.SortStableFunc(paths, func(a, b admin.OffloadPath) int { return cmp.Compare(packets(b), packets(a)) })
	return paths[:min(len(paths), n)]
}

func counters(t admin.OffloadTraffic) string {
	return fmt.Sprintf("n_packets=%d in hardware, %d in the kernel, %d trapped", t.Hardware.Packets, t.Kernel.Packets, t.Trapped.Packets)
}

// packet is what the target makes of a microflow: the paths that it meets one after the
// other.
func (s *offloaded) packet(microflow string, states []string) (a admin.OffloadExplanation, raw json.RawMessage, err error) {
	return s.explain(append([]string{microflow}, states...)...)
}

func (s *offloaded) explain(args ...string) (a admin.OffloadExplanation, raw json.RawMessage, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	if raw, err = unixctl.CallJSON(ctx, s.socket, "offload/explain", args...); err != nil {
		return a, nil, err
	}
	return a, raw, json.Unmarshal(raw, &a)
}
