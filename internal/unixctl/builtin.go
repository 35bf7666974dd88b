package unixctl

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-gw/sluice/internal/getopt"
)

// setOptions is handled by the connection, whose state it changes.
const setOptions = "set-options"

// builtins returns the commands that every server has.
func (s *Server) builtins() []Command {
	return []Command{
		{Name: "list-commands", Run: s.list, JSON: s.listJSON},
		{Name: "version", Run: func(context.Context, []string) (string, error) { return s.cfg.Version, nil }},
		{Name: setOptions, Usage: "[--format text|json]", MinArgs: 1, MaxArgs: 2},
	}
}

func (s *Server) list(context.Context, []string) (string, error) {
	var b strings.Builder
	b.WriteString("The available commands are:\n")
	for _, cmd := range s.cfg.Commands.listed() {
		fmt.Fprintf(&b, "  %-23s %s\n", cmd.Name, cmd.Usage)
	}
	return b.String(), nil
}

func (s *Server) listJSON(context.Context, []string) (any, error) {
	usage := make(map[string]string)
	for _, cmd := range s.cfg.Commands.listed() {
		usage[cmd.Name] = cmd.Usage
	}
	return usage, nil
}

// setOptions changes the output format of the connection. All arguments are checked before anything changes.
func (c *client) setOptions(args []string) (string, error) {
	format := c.json
	table := []getopt.Option{{Long: "format", Short: 'f', Arg: getopt.Required, Set: func(v *string) error {
		switch {
		case strings.EqualFold(*v, "text"):
			format = false
		case strings.EqualFold(*v, "json"):
			format = true
		default:
			return fmt.Errorf("option format has invalid value %s", *v)
		}
		return nil
	}}}
	words, err := getopt.Parse(table, args, false)
	if err != nil {
		return "", err
	}
	if len(words) > 0 {
		return "", fmt.Errorf("unexpected argument %s: the only option is --format text|json", words[0])
	}
	c.json = format
	return "", nil
}
