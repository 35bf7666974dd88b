package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/test/hil/kernel"
	"github.com/sluice-gw/sluice/test/hil/outfit"
	"github.com/sluice-gw/sluice/test/hil/vm"
)

// resultFile is what the guest leaves for the host.
const resultFile = "result.json"

// run boots the guest with this program in it and prints what it brings back, also where it failed half-way.
func run(ctx context.Context, o options) error {
	if missing := vm.Missing(o.kernel); len(missing) > 0 {
		return fmt.Errorf("no guest can run here: %v", missing)
	}
	dir, err := os.MkdirTemp("", "guestbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // only a temporary directory
	self, err := os.Executable()
	if err != nil {
		return err
	}
	k, err := kernel.Find(o.kernel)
	if err != nil {
		return err
	}
	command := vm.Command{Name: "bench", Program: self, Args: os.Args[1:]}
	spec := vm.Spec{
		Kernel: k, Modules: outfit.Modules(), Age: outfit.Age, Commands: []vm.Command{command}, Output: os.Stderr, Artefacts: dir,
		Limit: vm.Limit{CPU: 90 * time.Minute, Wall: 2 * time.Hour}, Env: []string{guest.Environment + "=1"},
		Instructions: o.clock == clockInstructions,
	}
	if spec.Add, err = outfit.Additions(ctx, dir); err != nil {
		return err
	}
	outcome, err := vm.Run(ctx, spec)
	if err == nil && outcome.Results[0].Code != 0 {
		err = fmt.Errorf("measuring in the guest ended with status %d", outcome.Results[0].Code)
	}
	text, missing := os.ReadFile(filepath.Join(dir, command.Name, resultFile))
	if missing != nil {
		return errors.Join(err, fmt.Errorf("the guest left no result: %w", missing))
	}
	var r result
	if bad := json.Unmarshal(text, &r); bad != nil {
		return errors.Join(err, bad)
	}
	r.Kernel, r.Clock = o.kernel+" "+r.Kernel, o.clock
	return errors.Join(err, o.print(r))
}
