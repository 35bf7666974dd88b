//go:build profile

package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
)

// A build with the tag "profile", which "make bench PROFILE=DIR" makes for itself, writes a profile of its CPU time to the file that SLUICE_CPU_PROFILE
// names: from its start until SIGUSR1. The file is there when it is whole. Other builds have nothing of this.
func init() {
	name := os.Getenv("SLUICE_CPU_PROFILE")
	if name == "" {
		return
	}
	if err := profile(name); err != nil {
		fmt.Fprintln(os.Stderr, "sluice: SLUICE_CPU_PROFILE:", err)
		os.Exit(1)
	}
}

func profile(name string) error {
	file, err := os.Create(name + ".part")
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGUSR1)
	go func() {
		<-stop
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "sluice: SLUICE_CPU_PROFILE:", err)
			return
		}
		if err := os.Rename(file.Name(), name); err != nil {
			fmt.Fprintln(os.Stderr, "sluice: SLUICE_CPU_PROFILE:", err)
		}
	}()
	return nil
}
