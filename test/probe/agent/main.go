// Agent runs on a machine that is a host of a testbed, and does there what package probe does, for a program elsewhere that has started it,
// by ssh(1) for example, and that it talks to by its standard input and output (package remote). Its argument is the network interface that
// is tested, which must not be the one by which the machine is reached. It needs root, and ends with its standard input; the interface is
// then as it was before.
package main

import (
	"fmt"
	"os"

	"github.com/sluice-gw/sluice/test/probe"
	"github.com/sluice-gw/sluice/test/probe/remote"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: agent INTERFACE, with a program of the tests of sluice at standard input and output")
		os.Exit(2)
	}
	if err := remote.Serve(os.Stdin, os.Stdout, probe.Local{Netns: probe.Here{}, Interface: os.Args[1]}); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}
