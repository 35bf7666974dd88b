package vtepserve

import (
	"context"

	"github.com/sluice-gw/sluice/internal/unixctl"
)

// commands are those of the control socket.
func (s *Switch) commands(exit unixctl.Exits) []unixctl.Command {
	return append(s.short.admin(s).Commands(), []unixctl.Command{
		{Name: "exit", Usage: "[--restart]", MaxArgs: 1, Run: func(ctx context.Context, args []string) (string, error) {
			return "", exit.Ask(ctx, len(args) == 1 && args[0] == "--restart")
		}},
		{Name: "vtep-connection-status", Run: s.connected(func(st Status) bool { return st.Database.Connected })},
		{Name: "ovs-connection-status", Run: s.connected(func(st Status) bool { return st.OVS.Connected && st.OpenFlow.Connected })},
		{Name: "status",
			Run: func(ctx context.Context, _ []string) (string, error) {
				st, err := s.Status(ctx)
				if err != nil {
					return "", err
				}
				return st.Text(), nil
			},
			JSON: func(ctx context.Context, _ []string) (any, error) { return s.Status(ctx) }},
	}...)
}

// connected answers "connected" or "not connected", as ovn-controller's commands of that kind do.
func (s *Switch) connected(is func(Status) bool) unixctl.Handler {
	return func(ctx context.Context, _ []string) (string, error) {
		st, err := s.Status(ctx)
		switch {
		case err != nil:
			return "", err
		case is(st):
			return "connected", nil
		}
		return "not connected", nil
	}
}
