package unixctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/internal/pidfile"
)

// CommandError is an error text that the other program answered.
type CommandError struct {
	Command string
	Text    string // without the newline at its end
}

func (e *CommandError) Error() string { return e.Command + ": " + e.Text }

// Socket returns the control socket of target as ovs-appctl(8) -t finds it: target is a socket's absolute name, or the name
// of a program whose pid file is runDir/target.pid.
func Socket(runDir, target string) (string, error) {
	if filepath.IsAbs(target) {
		return target, nil
	}
	path := runDir + "/" + target + ".pid"
	pid, err := pidfile.Read(path)
	if err != nil {
		return "", fmt.Errorf("cannot read pidfile \"%s\" (is %s running?): %w", path, target, err)
	}
	return DefaultPath(runDir, target, pid), nil
}

// Call runs a command in the program that serves socket and returns its answer. A refusal by the program is a
// *CommandError; other errors mean that there was no answer.
func Call(ctx context.Context, socket, command string, args ...string) (string, error) {
	var text string
	err := converse(ctx, socket, command, func(c *caller) (err error) {
		text, err = c.text(command, args)
		return err
	})
	return text, err
}

// CallJSON is Call for the answer as JSON (ovs-appctl --format json, from Open vSwitch 3.5): the command's own document or,
// when it has only a text, an object with the members "reply-format" and "reply". Older programs refuse it.
func CallJSON(ctx context.Context, socket, command string, args ...string) (json.RawMessage, error) {
	var answer json.RawMessage
	err := converse(ctx, socket, command, func(c *caller) error {
		err := c.call(setOptions, []string{"--format", "json"}, &answer)
		if err != nil {
			return err
		}
		return c.call(command, args, &answer)
	})
	return answer, err
}

// caller is one connection to a program.
type caller struct {
	in  *reader
	out *json.Encoder
}

// converse connects to socket, for the sake of command, and calls f.
func converse(ctx context.Context, socket, command string, f func(*caller) error) error {
	conn, err := dial(ctx, socket)
	if err != nil {
		return fmt.Errorf("cannot connect to \"%s\": %w", socket, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	err = f(&caller{newReader(conn, maxReply), json.NewEncoder(conn)})
	if refused := (*CommandError)(nil); err != nil && !errors.As(err, &refused) {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("%s: %s: %w", socket, command, err)
	}
	return err
}

// call sends one request and waits for its answer.
func (c *caller) call(command string, args []string, result *json.RawMessage) error {
	if args == nil {
		args = []string{} // params must be an array
	}
	if err := c.out.Encode(map[string]any{"id": 0, "method": command, "params": args}); err != nil {
		return err
	}
	var r struct {
		Result json.RawMessage `json:"result"`
		Error  *string         `json:"error"`
	}
	if err := c.in.next(&r); err != nil {
		return err
	}
	if r.Error != nil {
		return &CommandError{Command: command, Text: strings.TrimSuffix(*r.Error, "\n")}
	}
	*result = r.Result
	return nil
}

func (c *caller) text(command string, args []string) (string, error) {
	var answer json.RawMessage
	if err := c.call(command, args, &answer); err != nil {
		return "", err
	}
	var text *string
	if err := json.Unmarshal(answer, &text); err != nil || text == nil {
		return "", fmt.Errorf("the answer %.100q is not a string", answer)
	}
	return *text, nil
}
