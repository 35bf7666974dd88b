package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
)

// shell runs commands on a machine. Each is a start of the command line that reaches it, which reads what to do from its standard input: so
// words are quoted once, for the shell there, whatever is on the way.
type shell struct {
	name  string // of the machine
	reach word
	limit time.Duration // for a command
}

// run runs a script, none of which reads the standard input, up to the first line that fails, and returns its output without the last
// newline. An error has the script's own words.
func (s shell) run(ctx context.Context, script string) (string, error) {
	argv, err := lab.Split(s.reach.Text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", s.name, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, fmt.Errorf("it did not end within %s", s.limit))
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader("set -e\n{\n" + script + "\n} </dev/null\n")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C at the terminal must not end what mends a fault
	cmd.WaitDelay = s.limit
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		} else if errors.Is(err, exec.ErrWaitDelay) {
			err = errors.New("a program that it has started keeps its output open: have it go into the background entirely")
		}
		return "", fmt.Errorf("%s (%s): %s: %w: %s", s.name, s.reach.Text, shortened(script), err, strings.TrimSpace(said.String()))
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// program runs a command line of that shell with further words.
func (s shell) program(ctx context.Context, command word, args ...string) (string, error) {
	return s.run(ctx, command.Text+" "+quote(args))
}

// quote makes words ones of a shell's command line.
func quote(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}

func shortened(script string) string {
	const most = 300
	if len(script) > most {
		return script[:most] + " ..."
	}
	return script
}
