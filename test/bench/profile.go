package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/load"
)

// profiles records a profile for each load and prints the names of the files.
func profiles(ctx context.Context, o options, status func(string, ...any)) error {
	dir, err := filepath.Abs(o.profile)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	program, err := profiled(ctx, dir)
	if err != nil {
		return err
	}
	for _, z := range o.sizes {
		file, err := recordProfile(ctx, dir, z, o, program, status)
		if err != nil {
			return fmt.Errorf("%s: %w", z, err)
		}
		fmt.Println(file)
	}
	return nil
}

// profiled builds sluice so that it writes a CPU profile (cmd/sluice/profile.go).
func profiled(ctx context.Context, dir string) (lab.Controller, error) {
	program := filepath.Join(dir, "sluice")
	out, err := exec.CommandContext(ctx, "go", "build", "-tags", "profile", "-o", program, "./cmd/sluice").CombinedOutput()
	if err != nil {
		return lab.Controller{}, fmt.Errorf("go build -tags profile: %w\n%s", err, out)
	}
	return lab.ParseController(program)
}

// recordProfile profiles a cold start on a load, on a chassis that is registered already, and returns the name of the profile in dir.
func recordProfile(ctx context.Context, dir string, z load.Size, o options, program lab.Controller, status func(string, ...any)) (file string, err error) {
	s, err := build(ctx, z, status)
	if s != nil {
		defer func() { err = errors.Join(err, s.close()) }()
	}
	if err != nil {
		return "", err
	}
	if err := s.warmUp(program, "warm-up", o.monitorAll); err != nil {
		return "", err
	}
	file = filepath.Join(dir, "cold-"+z.String()+".pprof")
	if err := os.RemoveAll(file); err != nil {
		return "", err
	}
	if err := os.Setenv("SLUICE_CPU_PROFILE", file); err != nil { // for the controller, which inherits it
		return "", err
	}
	defer os.Unsetenv("SLUICE_CPU_PROFILE")
	ch, err := s.chassis(program, "profiled", o.monitorAll)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, ch.Crash()) }()
	var x sample
	if err := s.coldStart(ch, &x); err != nil {
		return "", err
	}
	if err := syscall.Kill(ch.ControllerProcess().Pid(), syscall.SIGUSR1); err != nil {
		return "", err
	}
	status("%s: cold start %.2f s, CPU %.2f s", z, x.ColdWall.Seconds(), x.ColdCPU.Seconds())
	return file, lab.Until(ctx, patience, "the profile", func() error { _, err := os.Stat(file); return err })
}
