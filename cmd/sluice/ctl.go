package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"time"

	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// controlSocket is where a running program is asked, and how.
type controlSocket struct {
	Target  string   `short:"t" default:"ovn-controller" help:"Program, by its pid file in OVN's run directory, or absolute name of its control socket."`
	Timeout patience `short:"T" default:"1m" help:"How long to wait for the answer: seconds, or with a unit (1m)."`
	Output  string   `enum:"text,json" default:"text" help:"Form of the answer: ${enum}."`
}

// ask runs a command in the program and prints its answer.
func (s *controlSocket) ask(ctx context.Context, out io.Writer, command string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(s.Timeout))
	defer cancel()
	socket, err := unixctl.Socket(dirs.FromEnv(os.Getenv).OVNRun, s.Target)
	if err != nil {
		return err
	}
	if s.Output == "json" {
		answer, err := unixctl.CallJSON(ctx, socket, command, args...)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := json.Indent(&b, answer, "", "  "); err != nil {
			return err
		}
		b.WriteByte('\n')
		_, err = b.WriteTo(out)
		return err
	}
	text, err := unixctl.Call(ctx, socket, command, args...)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)
	return err
}

// ctlCommand is ovn-appctl -t TARGET COMMAND.
type ctlCommand struct {
	controlSocket
	Command string   `arg:"" help:"Command; list-commands lists them."`
	Args    []string `arg:"" optional:"" passthrough:"" help:"Its arguments."`
}

// Run asks the program.
func (c *ctlCommand) Run(ctx context.Context, out io.Writer) error {
	return c.ask(ctx, out, c.Command, c.Args...)
}

// statusCommand is the controller's status command.
type statusCommand struct{ controlSocket }

// Run asks the program.
func (c *statusCommand) Run(ctx context.Context, out io.Writer) error {
	return c.ask(ctx, out, "status")
}
