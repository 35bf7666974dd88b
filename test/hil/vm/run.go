package vm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-gw/sluice/test/hil/kernel"
)

// Spec describes one run of a guest.
type Spec struct {
	Kernel kernel.Kernel
	// Modules are the kernel modules that the commands need; those that they need themselves are found out, and what is built in is fine.
	Modules []string
	// Add puts files and directories of the host into the guest, with the libraries of programs.
	Add []Addition
	// Age is how long the guest's kernel has to run before the first command does.
	Age time.Duration
	// Commands run one after the other, whatever the earlier ones came to.
	Commands []Command
	// Env is the commands' environment, besides PATH, HOME and TMPDIR.
	Env []string
	// Instructions has the guest's clock count the instructions of its one processor, each of which takes a nanosecond. What it measures is
	// the same each time, whatever else the host does, and says nothing about waiting.
	Instructions bool
	// Limit ends a guest that hangs.
	Limit Limit
	// Output receives what the commands write to their standard output and error, as it comes.
	Output io.Writer
	// Artefacts is the directory on the host that receives the commands' artefacts, each command's in a directory of its name; empty
	// throws them away.
	Artefacts string
}

// Addition is a file or directory of the host, and where the guest has it.
type Addition struct {
	Source string
	// Target is an absolute path; empty is Source's.
	Target string
}

// Command is a program to run in the guest.
type Command struct {
	// Name tells its artefacts from those of others.
	Name string
	// Banner is written to the output before the command runs.
	Banner string
	// Program is a file of the host; Args are its arguments.
	Program string
	Args    []string
	// Testdata is a directory of the host that the command finds as "testdata" in its working directory; empty is none.
	Testdata string
}

// ArtefactEnv is the environment variable that names a command's artefact directory inside the guest.
const ArtefactEnv = "VM_ARTEFACTS"

// Crash is the end of a guest that told no result of some command: its kernel or its init failed.
type Crash struct {
	Cause string
	// Log is the end of the kernel's log.
	Log string
}

func (c *Crash) Error() string { return fmt.Sprintf("the guest %s\n%s", c.Cause, c.Log) }

// Run boots a guest and returns what came of its commands. With an error, a *Hang, a *Crash or something that kept the guest from
// starting, there may be fewer results than commands.
func Run(ctx context.Context, spec Spec) (o Outcome, err error) {
	dir, err := os.MkdirTemp("", "vm")
	if err != nil {
		return o, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // only a temporary directory
	m := machine{
		image: spec.Kernel.Image, initramfs: filepath.Join(dir, "initramfs"), log: filepath.Join(dir, "kernel.log"),
		report: filepath.Join(dir, "report"), artefacts: filepath.Join(dir, "artefacts"),
		instructions: spec.Instructions,
	}
	if err := writeInitramfs(m.initramfs, spec); err != nil {
		return o, fmt.Errorf("write the guest's file system: %w", err)
	}
	var ended error
	o.CPU, ended = m.run(ctx, spec.Limit, spec.Output)
	var failed string
	if o.Results, failed, err = readReports(m.report); err != nil {
		return o, err
	}
	if spec.Artefacts != "" {
		if err := unpackArtefacts(m.artefacts, spec.Artefacts); err != nil {
			return o, err
		}
	}
	return o, verdict(ended, failed, len(spec.Commands)-len(o.Results), tail(m.log))
}

// verdict is the error of a run: ended is QEMU's own, failed is what init reported, missing is how many commands have no result.
func verdict(ended error, failed string, missing int, log string) error {
	switch {
	case ended != nil:
		return fmt.Errorf("%w\n%s", ended, log)
	case failed != "":
		return &Crash{Cause: "could not go on: " + failed, Log: log}
	case missing > 0:
		return &Crash{Cause: "ended without a result; its kernel's last words:", Log: log}
	}
	return nil
}

// readReports reads what the guest has reported. A last line that is cut off is what was under way when it ended.
func readReports(file string) (results []Result, failed string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, "", err
	}
	for line := range bytes.Lines(text) {
		var r report
		if err := json.Unmarshal(line, &r); err != nil {
			return results, failed, nil
		}
		if r.Failed != "" {
			return results, r.Failed, nil
		}
		results = append(results, Result{Code: r.Code, Took: r.Took})
	}
	return results, failed, nil
}

// tail is the end of a log, or nothing when there is none.
func tail(file string) string {
	const most = 8000
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return string(b[max(0, len(b)-most):])
}
