package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Options says what a deployment is made of.
type Options struct {
	// Controller runs on each chassis that does not choose another.
	Controller Controller
	// Encap is the tunnel type of each chassis that does not choose another: "geneve" (when empty) or "vxlan".
	Encap string
	// Datapath is the datapath of each chassis' switch: Userspace (when empty) or Kernel.
	Datapath Datapath
	// Offload is external_ids:sluice-offload of each chassis; "" for none.
	Offload string
	// SwitchConfig is other_config of each chassis' Open vSwitch, KEY=VALUE, which is there before ovs-vswitchd starts: that reads some of it once.
	SwitchConfig []string
	// Timeout is how long a packet that must come may take; 0 is 3 s. Programs may take some times as long.
	Timeout time.Duration
	// Log receives progress, one line without newline at a time; nil discards it.
	Log func(line string)
}

// Lab is one deployment. Its methods may be used from several goroutines, except Close.
type Lab struct {
	// Prefix begins the name of every namespace of the deployment.
	Prefix string
	// Dir holds its databases, sockets and logs: a directory "central" and one for each chassis.
	Dir string
	// Central is the central node.
	Central *Central
	// Underlay is the switch that joins the chassis' tunnel interfaces.
	Underlay *Netns

	ctx    context.Context // the deployment lives inside it: when it ends, every operation fails and Close is due
	opts   Options
	record record

	mu        sync.Mutex
	netns     map[string]*Netns // guarded by mu; by name without prefix
	processes []*Process        // guarded by mu; in the order they were started
	chassis   []*Chassis        // guarded by mu; in the order they were added
	physical  *Netns            // guarded by mu; nil until a chassis is wired to the physical network
	vteps     int               // guarded by mu; how many were added
}

// New starts a deployment without chassis: a central node with empty databases, and the underlay. It first removes what
// killed programs left behind. The caller must call Close, also when New fails after it has returned a Lab.
func New(ctx context.Context, opts Options) (*Lab, error) {
	l, err := newBare(ctx, opts)
	if err != nil {
		return l, err
	}
	l.Central, err = startCentral(l)
	return l, err
}

// newBare is New without a central node.
func newBare(ctx context.Context, opts Options) (*Lab, error) {
	if opts.Encap == "" {
		opts.Encap = "geneve"
	}
	if opts.Datapath == "" {
		opts.Datapath = Userspace
	}
	if opts.Timeout == 0 {
		opts.Timeout = 3 * time.Second
	}
	if opts.Log == nil {
		opts.Log = func(string) {}
	}
	if missing := Missing(); len(missing) > 0 {
		return nil, fmt.Errorf("a lab needs what is missing here: %v", missing)
	}
	if _, err := Reap(false); err != nil {
		return nil, fmt.Errorf("remove deployments of programs that were killed: %w", err)
	}
	prefix := fmt.Sprintf("sl%04x", rand.N(1<<16))
	l := &Lab{
		Prefix: prefix, Dir: filepath.Join(StateRoot, prefix),
		ctx: ctx, opts: opts, netns: map[string]*Netns{},
	}
	if err := os.MkdirAll(StateRoot, 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(l.Dir, 0o755); err != nil {
		return nil, err // the prefix is taken
	}
	l.record.path = filepath.Join(l.Dir, recordFile)
	if err := l.record.add("owner %d %s", os.Getpid(), startTime(os.Getpid())); err != nil {
		return l, err
	}
	var err error
	if l.Underlay, err = l.AddNetns("underlay"); err != nil {
		return l, err
	}
	return l, bridge(l.Underlay, "br-ul")
}

// Close ends the processes, the controllers first so that they can leave in order, and removes namespaces and files.
func (l *Lab) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, role := range []func(*Process) bool{isController, isSwitchOrNorthd, func(*Process) bool { return true }} {
		var wg sync.WaitGroup
		for _, p := range l.processes {
			if p.Alive() == nil && role(p) {
				wg.Go(func() { p.Terminate(3 * time.Second) })
			}
		}
		wg.Wait()
	}
	var errs []error
	for _, n := range l.netns {
		errs = append(errs, deleteNetns(n.Name))
	}
	return errors.Join(append(errs, os.RemoveAll(l.Dir))...)
}

// Keep marks the deployment as left up on purpose: the caller ends without Close, and Reap(true) removes it later.
func (l *Lab) Keep() error {
	return os.WriteFile(filepath.Join(l.Dir, keepFile), nil, 0o644)
}

// AddNetns creates a namespace; name is without the deployment's prefix.
func (l *Lab) AddNetns(name string) (*Netns, error) {
	full := l.Prefix + "-" + name
	// Recorded first: a namespace that is recorded and missing does no harm, the other way round it would stay for ever.
	if err := l.record.add("netns %s", full); err != nil {
		return nil, err
	}
	n, err := newNetns(full)
	if n != nil {
		l.mu.Lock()
		l.netns[name] = n
		l.mu.Unlock()
	}
	return n, err
}

// removeNetns removes a namespace and the interfaces in it, with their other ends.
func (l *Lab) removeNetns(name string) error {
	l.mu.Lock()
	n := l.netns[name]
	delete(l.netns, name)
	l.mu.Unlock()
	return deleteNetns(n.Name)
}

// Chassis returns the chassis that were added, in that order.
func (l *Lab) Chassis() []*Chassis {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.chassis)
}

// Timeout is how long a packet that must come may take.
func (l *Lab) Timeout() time.Duration { return l.opts.Timeout }

// Context is what the deployment lives in.
func (l *Lab) Context() context.Context { return l.ctx }

// Logf reports progress.
func (l *Lab) Logf(format string, args ...any) { l.opts.Log(fmt.Sprintf(format, args...)) }

// start starts a process in the namespace (nil: where we are) and records it.
func (l *Lab) start(name string, n *Netns, dir string, env []string, argv ...string) (*Process, error) {
	if err := l.ctx.Err(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if n != nil {
		argv = append([]string{"ip", "netns", "exec", n.Name}, argv...)
	}
	p, err := startProcess(name, dir, filepath.Join(dir, filepath.Base(name)+".out"), env, argv...)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.processes = append(l.processes, p)
	l.mu.Unlock()
	return p, l.record.add("process %d %s %s", p.Pid(), startTime(p.Pid()), name)
}
