package vtep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gw/sluice/appliance/metrics"
	"github.com/sluice-gw/sluice/appliance/vtep/inbound"
	"github.com/sluice-gw/sluice/internal/daemon"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// Options are what the command line says.
type Options struct {
	Switch     string // remote of a switch's database that is not registered; "" for none
	Southbound string
	Registry   Registry
	TLS        tlsconf.Options
	Log        *vlog.Facility
	Unixctl    string // path of the control socket; "none" for none
	Version    string // answer to "version"
	Release    string // of OVN, see AgentConfig
	Metrics    string // where Prometheus is answered: "ADDRESS:PORT" or "unix:/PATH"; "" for nowhere
}

// Fleet is the agents of a process.
type Fleet struct {
	opt     Options
	log     *slog.Logger
	ports   *ports
	reloads chan chan error
	exits   chan struct{}

	mu      sync.Mutex
	agents  map[string]*member // guarded by mu
	skipped string             // why some of the registry are not there; guarded by mu
}

// member is an agent that runs.
type member struct {
	*Agent
	entry Entry
	claim *inbound.Claim // to the connections of a switch that connects to us, else nil
	end   context.CancelFunc
	ended context.Context // ends with the agent; its cause is why
}

// gcPercent makes the garbage collector run earlier than Go's default of 100: most of the heap is rows that stay, and a change costs next to nothing. GOGC in the
// environment takes precedence.
const gcPercent = 30

// Run is the life of the process: agents for all switches, until ctx ends or the command "exit". ready is called when the control
// socket answers.
func Run(ctx context.Context, opt Options, ready func() error) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	f := &Fleet{opt: opt, log: opt.Log.Logger("main"), ports: newPorts(opt.TLS, opt.Log.Logger("inbound")), reloads: make(chan chan error), exits: make(chan struct{}), agents: map[string]*member{}}
	commands := &unixctl.Commands{}
	commands.Register(daemon.LogCommands(opt.Log)...)
	commands.Register(f.commands()...)
	server, err := unixctl.Listen(unixctl.Config{Path: opt.Unixctl, Version: opt.Version, Commands: commands, Log: opt.Log.Logger("unixctl")})
	if err != nil {
		return err
	}
	scrapes := metrics.New(metrics.Config{Collect: f.collect, Log: opt.Log.Logger("metrics")})
	scrapes.Listen(opt.Metrics)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return server.Serve(ctx) })
	g.Go(func() error { return scrapes.Run(ctx) })
	if err := ready(); err != nil {
		return err
	}
	g.Go(func() error { return f.loop(ctx) })
	if err := g.Wait(); !errors.Is(err, errExit) {
		return err
	}
	return nil
}

// loop starts the agents, and others when it is told to. At its end all have ended.
func (f *Fleet) loop(ctx context.Context) error {
	defer func() {
		members, _ := f.members("")
		for _, m := range members {
			m.end()
			<-m.ended.Done()
		}
	}()
	if err := f.reload(ctx); err != nil {
		f.log.Error(err.Error())
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case answer := <-f.reloads:
			answer <- f.reload(ctx)
		case <-f.exits:
			return errExit
		}
	}
}

// lineName is how the switch of the command line is called.
const lineName = "(--vtep-db)"

// reload makes the agents those of the command line and the registry. An agent whose entry is as before is left alone; one that is
// not registered any more ends and leaves in the databases what it wrote.
func (f *Fleet) reload(ctx context.Context) error {
	entries, err := f.opt.Registry.Read()
	registered := slices.ContainsFunc(entries, func(e Entry) bool { return e.Target == f.opt.Switch })
	if f.opt.Switch != "" && !registered {
		entries = append(entries, Entry{Name: lineName, Target: f.opt.Switch})
	}
	defer f.ports.holdAll(entries)() // so that those that stay needed stay open meanwhile
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.skipped = ""; err != nil {
		f.skipped = err.Error()
	}
	wanted := map[string]Entry{}
	for _, e := range entries {
		wanted[e.Name] = e
	}
	for name, m := range f.agents {
		if wanted[name] != m.entry && (err == nil || wanted[name] != Entry{}) {
			m.end()
			<-m.ended.Done()
			delete(f.agents, name)
		}
	}
	for name, e := range wanted {
		if f.agents[name] == nil {
			f.agents[name] = f.start(ctx, e)
		}
	}
	return err
}

// start runs an agent for an entry.
func (f *Fleet) start(ctx context.Context, e Entry) *member {
	tls := f.opt.Log.Logger("stream_ssl")
	cfg := AgentConfig{
		Name: e.Name, Pair: e.Pair, Identity: e.Identity, Switch: e.Target, Southbound: f.opt.Southbound,
		SwitchTLS: e.keys(f.opt.TLS).Client(tls), SouthboundTLS: e.identity(f.opt.TLS).Client(tls),
		Release: f.opt.Release, Log: f.opt.Log.Logger("vtep"), Reconnect: f.opt.Log.Logger("reconnect"), Messages: f.opt.Log.Logger("jsonrpc"),
	}
	m := &member{entry: e}
	release := func() {}
	if at, err := ovsdb.ParsePassive(e.Target); err == nil {
		l, closer := f.ports.hold(at)
		m.claim = l.Claim(e.Name, e.peer())
		cfg.Accept = m.claim.Accept
		release = func() {
			m.claim.Close()
			closer()
		}
	}
	m.Agent = NewAgent(cfg)
	ctx, m.end = context.WithCancel(ctx)
	ended, over := context.WithCancelCause(context.Background())
	m.ended = ended
	go func() {
		err := m.Run(ctx)
		release()
		if err != nil && ctx.Err() == nil {
			f.log.Error(fmt.Sprintf("switch %s: %v", e.Name, err))
		}
		over(err)
	}()
	return m
}

// end ends an agent, if there is one with the name, until the next reload.
func (f *Fleet) end(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.agents[name]; m != nil {
		m.end()
		<-m.ended.Done()
		delete(f.agents, name)
	}
}

// members are the agents of which name is one, or all if it is "", by name.
func (f *Fleet) members(name string) ([]*member, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if name != "" {
		if m := f.agents[name]; m != nil {
			return []*member{m}, nil
		}
		return nil, fmt.Errorf("no switch %s here; there are: %v", name, slices.Sorted(maps.Keys(f.agents)))
	}
	var all []*member
	for _, name := range slices.Sorted(maps.Keys(f.agents)) {
		all = append(all, f.agents[name])
	}
	return all, nil
}
