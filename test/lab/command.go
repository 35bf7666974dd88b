package lab

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// command runs a short tool and returns its error output when it fails.
func command(argv ...string) error {
	_, err := output(context.Background(), nil, argv...)
	return err
}

// output runs argv with env (nil: the caller's) and returns its standard output without the last newline. The error of a tool
// that fails holds its command line and its own words.
func output(ctx context.Context, env []string, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return strings.TrimSuffix(string(out), "\n"), nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return "", fmt.Errorf("%s: %w: %s", commandLine(argv), err, strings.TrimSpace(stderr.String()))
}

// commandLine shortens a command for messages.
func commandLine(argv []string) string {
	const most = 300
	s := strings.Join(argv, " ")
	if len(s) > most {
		s = s[:most] + " ..."
	}
	return s
}
