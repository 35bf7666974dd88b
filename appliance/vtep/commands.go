package vtep

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/sluice-gw/sluice/appliance/vtep/inbound"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// FleetStatus is the answer of the command "status" to who asked for JSON.
type FleetStatus struct {
	Switches []Status `json:"switches"`
	// Listening are the ports at which switches connect, with those that are connected and not registered; where all switches are asked for.
	Listening []inbound.State `json:"listening,omitempty"`
	// Skipped says which registered switches could not be read.
	Skipped string `json:"skipped,omitempty"`
}

// commands are ovn-controller-vtep's, and status, diff, reload and withdraw, which are ours.
func (f *Fleet) commands() []unixctl.Command {
	return []unixctl.Command{
		{Name: "exit", Usage: "[--cleanup]", MaxArgs: 1, Run: f.exit},
		{Name: "sb-connection-status", Usage: "[SWITCH]", MaxArgs: 1, Run: f.connection(func(s Status) bool { return s.Southbound.Connected })},
		{Name: "vtep-connection-status", Usage: "[SWITCH]", MaxArgs: 1, Run: f.connection(func(s Status) bool { return s.Switch.Connected })},
		{Name: "status", Usage: "[SWITCH]", MaxArgs: 1,
			Run: func(ctx context.Context, args []string) (string, error) {
				s, err := f.status(ctx, args)
				return s.Text(), err
			},
			JSON: func(ctx context.Context, args []string) (any, error) { return f.status(ctx, args) }},
		{Name: "diff", Usage: "SWITCH", MinArgs: 1, MaxArgs: 1,
			Run: func(ctx context.Context, args []string) (string, error) {
				d, err := f.diff(ctx, args[0])
				return d.Text(), err
			},
			JSON: func(ctx context.Context, args []string) (any, error) { return f.diff(ctx, args[0]) }},
		{Name: "survey", Usage: "REQUEST", MinArgs: 1, MaxArgs: 1,
			Run: func(ctx context.Context, args []string) (string, error) {
				a, err := f.survey(ctx, args[0])
				text, _ := json.Marshal(a) // it has nothing that cannot be written
				return string(text), err
			},
			JSON: func(ctx context.Context, args []string) (any, error) { return f.survey(ctx, args[0]) }},
		{Name: "reload", Run: f.askReload},
		{Name: "withdraw", Usage: "SWITCH", MinArgs: 1, MaxArgs: 1, Run: f.withdraw},
	}
}

// exit ends the process. With --cleanup all agents take back first what they have written.
func (f *Fleet) exit(ctx context.Context, args []string) (string, error) {
	cleanup := false
	if len(args) > 0 {
		if cleanup = args[0] == "--cleanup"; !cleanup {
			return "", fmt.Errorf("exit: unknown argument %s: --cleanup withdraws the switches, without it everything stays as it is", args[0])
		}
	}
	var err error
	if cleanup {
		members, _ := f.members("")
		failed := make([]error, len(members))
		var wg sync.WaitGroup
		for i, m := range members { // one that does not answer is not to hold up the others
			wg.Go(func() { failed[i] = m.leaveNow(ctx) })
		}
		wg.Wait()
		err = errors.Join(failed...)
	}
	select {
	case f.exits <- struct{}{}:
	case <-ctx.Done():
	}
	return "", err
}

// askReload has the registry read again.
func (f *Fleet) askReload(ctx context.Context, _ []string) (string, error) {
	answer := make(chan error, 1)
	select {
	case f.reloads <- answer:
		return "", <-answer
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// while is ctx as long as the agent runs.
func (m *member) while(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(m.ended, func() { cancel(fmt.Errorf("switch %s: it has ended: %w", m.entry.Name, context.Cause(m.ended))) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// leaveNow takes back what an agent has written, and ends it.
func (m *member) leaveNow(ctx context.Context) error {
	ctx, done := m.while(ctx)
	defer done()
	if err := m.Exit(ctx, true); err != nil && m.ended.Err() == nil {
		return err
	}
	return nil
}

// ask is the status of an agent, also of one that has ended.
func (m *member) ask(ctx context.Context) (Status, error) {
	during, done := m.while(ctx)
	defer done()
	s, err := m.Status(during)
	if err == nil && m.claim != nil {
		addInbound(during, m.claim, &s)
	}
	if err != nil && m.ended.Err() != nil {
		return Status{Name: m.entry.Name, Switch: Database{Remote: m.entry.Target, Error: context.Cause(during).Error()}}, nil
	}
	return s, err
}

// askAll is ask with what the switches have counted.
func (m *member) askAll(ctx context.Context) (Status, error) {
	s, err := m.ask(ctx)
	if err != nil || !s.Switch.Connected || m.ended.Err() != nil {
		return s, err
	}
	during, done := m.while(ctx)
	defer done()
	if s.Statistics, err = m.Statistics(during); err != nil {
		s.Uncounted = cmp.Or(context.Cause(during), err).Error()
	}
	return s, nil
}

// diff is what an agent would write now.
func (f *Fleet) diff(ctx context.Context, name string) (Diff, error) {
	members, err := f.members(name)
	if err != nil {
		return Diff{}, err
	}
	ctx, done := members[0].while(ctx)
	defer done()
	return members[0].Diff(ctx)
}

// withdraw ends one agent and takes back what it has written. It starts again with the next reload, if it is registered then.
func (f *Fleet) withdraw(ctx context.Context, args []string) (string, error) {
	members, err := f.members(args[0])
	if err != nil {
		return "", err
	}
	if err := members[0].leaveNow(ctx); err != nil {
		return "", err
	}
	<-members[0].ended.Done()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.agents, args[0])
	return "", nil
}

// connection answers "connected" if all of the switches asked for are.
func (f *Fleet) connection(up func(Status) bool) unixctl.Handler {
	return func(ctx context.Context, args []string) (string, error) {
		s, err := f.status(ctx, args)
		if err != nil {
			return "", err
		}
		for _, sw := range s.Switches {
			if !up(sw) {
				return "not connected", nil
			}
		}
		if len(s.Switches) == 0 {
			return "not connected", nil
		}
		return "connected", nil
	}
}

func (f *Fleet) status(ctx context.Context, args []string) (FleetStatus, error) {
	members, err := f.members(strings.Join(args, ""))
	s := FleetStatus{Switches: []Status{}}
	if err != nil {
		return s, err
	}
	ask := (*member).ask
	if len(args) > 0 {
		ask = (*member).askAll
	}
	for _, m := range members {
		st, err := ask(m, ctx)
		if err != nil {
			return s, err
		}
		s.Switches = append(s.Switches, st)
	}
	if len(args) == 0 {
		s.Listening = f.ports.states(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.Skipped = f.skipped
	return s, nil
}

// Text is for people.
func (s FleetStatus) Text() string {
	var b strings.Builder
	for _, sw := range s.Switches {
		b.WriteString(sw.Text())
	}
	if len(s.Switches) == 0 {
		b.WriteString("no switches\n")
	}
	for _, l := range s.Listening {
		if l.Failure != "" {
			b.WriteString(l.Failure + "\n")
		}
		for _, w := range l.Waiting {
			fmt.Fprintf(&b, "%s: %s\n", l.Target, w.Text())
		}
	}
	if s.Skipped != "" {
		b.WriteString("not read: " + s.Skipped + "\n")
	}
	return b.String()
}
