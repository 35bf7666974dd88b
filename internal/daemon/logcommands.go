package daemon

import (
	"context"

	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// LogCommands returns the commands that manage the log f at run time (ovs-appctl(8), "LOGGING COMMANDS").
func LogCommands(f *vlog.Facility) []unixctl.Command {
	show := func(text func() string) unixctl.Handler {
		return func(context.Context, []string) (string, error) { return text(), nil }
	}
	do := func(act func(args []string) error) unixctl.Handler {
		return func(_ context.Context, args []string) (string, error) { return "", act(args) }
	}
	return []unixctl.Command{
		{Name: "vlog/set", Usage: "{spec | PATTERN:destination:pattern}", MaxArgs: unixctl.Unlimited, Run: do(func(specs []string) error {
			if len(specs) == 0 {
				f.SetMaximum()
			}
			for _, spec := range specs {
				if err := f.Set(spec); err != nil {
					return err
				}
			}
			return nil
		})},
		{Name: "vlog/list", Run: show(f.Levels)},
		{Name: "vlog/list-pattern", Run: show(f.Patterns)},
		{Name: "vlog/reopen", Run: do(func([]string) error { return f.ReopenFile() })},
		{Name: "vlog/close", Run: do(func([]string) error { f.CloseFile(); return nil })},
		{Name: "vlog/enable-rate-limit", Usage: "[module]...", MaxArgs: unixctl.Unlimited,
			Run: do(func(modules []string) error { return f.LimitRates(true, modules...) })},
		{Name: "vlog/disable-rate-limit", Usage: "[module]...", MaxArgs: unixctl.Unlimited,
			Run: do(func(modules []string) error { return f.LimitRates(false, modules...) })},
		{Name: "vlog/message", Hidden: true, MinArgs: 1, MaxArgs: 1, Run: do(func(words []string) error {
			f.Logger("vlog").Info("user-message: " + words[0])
			return nil
		})},
	}
}
