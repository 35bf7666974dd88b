package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/appliance/admin"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// TestTraceOffload: the lines of a logical flow, by what a program answers about it.
func TestTraceOffload(t *testing.T) {
	row := ovsdb.UUID{0x12, 0x34}
	path := func(match, state string, packets uint64, why *admin.OffloadReason) admin.OffloadPath {
		x := admin.OffloadPath{From: "port vm1", Stage: "phy_to_log", Match: match, Actions: "drop", State: state, Reason: why}
		x.Traffic.Kernel.Packets = packets
		return x
	}
	var many admin.OffloadExplanation
	many.Offloaded, many.Fallback, many.Traffic.Kernel.Packets = 6, 1, 9
	for _, match := range []string{"a", "b", "c", "d", "e"} {
		many.Paths = append(many.Paths, path(match, "offloaded", 0, nil))
	}
	many.Paths = append(many.Paths, path("f", "offloaded", 9, nil), path("g", "fallback", 2, &admin.OffloadReason{Code: "hash", Cause: "a hash decides"}))
	off := admin.OffloadExplanation{OffloadState: admin.OffloadState{Obstacle: "it is switched off"}}
	const counted = "n_packets=0 in hardware, "
	for _, tt := range []struct {
		answer admin.OffloadExplanation
		err    error
		want   string
	}{
		{answer: off, want: "offload: none: it is switched off"},
		{err: errors.New("no such row")},
		{},
		{answer: many, want: "offload: " + many.OffloadPaths.String() + "; " + counted + "9 in the kernel, 0 trapped\n" +
			"offload: offloaded, " + counted + "9 in the kernel, 0 trapped, from port vm1 at phy_to_log, f actions=drop\n" +
			"offload: fallback (hash: a hash decides), " + counted + "2 in the kernel, 0 trapped, from port vm1 at phy_to_log, g actions=drop\n" +
			"offload: offloaded, " + counted + "0 in the kernel, 0 trapped, from port vm1 at phy_to_log, a actions=drop\n" +
			"offload: offloaded, " + counted + "0 in the kernel, 0 trapped, from port vm1 at phy_to_log, b actions=drop\n" +
			"offload: offloaded, " + counted + "0 in the kernel, 0 trapped, from port vm1 at phy_to_log, c actions=drop\n" +
			"offload: and 2 more: sluice offload explain " + row.String()},
	} {
		var asked []string
		s := answers(t, func(args []string) (any, error) { asked = args; return tt.answer, tt.err })
		lines, err := s.paths(row)
		if got := strings.Join(lines, "\n"); err != nil || got != tt.want {
			t.Errorf("got\n%s\n%v, want\n%s", got, err, tt.want)
		}
		if len(asked) != 1 || asked[0] != row.String() {
			t.Errorf("asked for %q", asked)
		}
	}
	s := answers(t, func(args []string) (any, error) { return admin.OffloadExplanation{What: strings.Join(args, ";")}, nil })
	if a, raw, err := s.packet("ip4", []string{"new", "est"}); err != nil || a.What != "ip4;new;est" || !strings.Contains(string(raw), a.What) {
		t.Errorf("%+v, %s, %v", a, raw, err)
	}
	gone := offloaded{socket: t.TempDir() + "/none", timeout: time.Minute}
	if _, err := gone.paths(row); err == nil {
		t.Error("no error without a program")
	}
}

// answers is the option for a program that answers offload/explain.
func answers(t *testing.T, answer func(args []string) (any, error)) *offloaded {
	t.Helper()
	commands := &unixctl.Commands{}
	commands.Register(unixctl.Command{Name: "offload/explain", MinArgs: 1, MaxArgs: 9,
		Run:  func(context.Context, []string) (string, error) { return "", errors.New("JSON is wanted") },
		JSON: func(_ context.Context, args []string) (any, error) { return answer(args) }})
	server, err := unixctl.Listen(unixctl.Config{Path: filepath.Join(t.TempDir(), "ctl"), Commands: commands})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	s := &offloaded{optionalValue: optionalValue{wanted: true, value: server.Path()}}
	if err := s.open(time.Minute); err != nil {
		t.Fatal(err)
	}
	return s
}
