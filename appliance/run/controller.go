// Package run starts and supervises the goroutines of sluice's programs. It is the
// one place where they start; everything below has constructors that start
// nothing and Run methods that block.
package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gw/sluice/appliance/admin"
	"github.com/sluice-gw/sluice/appliance/metrics"
	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/node/aging"
	"github.com/sluice-gw/sluice/controlplane/node/config"
	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/fallback/ovs"
	"github.com/sluice-gw/sluice/internal/coverage"
	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/memory"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/vlog"
	"github.com/sluice-gw/sluice/offload"
)

// Options are what the command line says.
type Options struct {
	Dirs     dirs.Dirs
	Database string // the local Open_vSwitch database
	Chassis  string // -n or the file system-id-override: instead of external_ids:system-id
	TLS      tlsconf.Options
	Log      *vlog.Facility
	Unixctl  string // path of the control socket; "none" for none
	Version  string // answer to "version"
}

// chassisRun is one run of the controller.
type chassisRun struct {
	opt   Options
	queue *unixctl.Queue
	cover *coverage.Registry
	punts *coverage.Counter // packet-ins, by ovn-controller's name for their count
	mail  *backend.Mailbox
	store *punt.Mailbox
	offer *reconcile.Mailbox
	acks  chan ack
	hard  chan backend.Revision // acknowledged by the target of the offload
	again chan string
	link  chan bool // whether the switch is connected
	// The bridges of physical networks that the offload asks about, and the answers.
	hands     chan offload.Handovers // what Open vSwitch must be ready to take over from the target of the offload
	providers chan []string
	states    chan map[string]device.BridgeState
	// Questions for what is used, and the answers.
	useAsked chan struct{}
	used     chan aging.Idle
	exit     unixctl.Exits

	vsw  *vsw.Replica
	sb   *sb.Replica
	ovs  *ovs.Backend
	tc   *reconcile.Reconciler
	slow *punt.SlowPath
	ctl  *controller.Controller

	metrics *metrics.Server

	ovsAck ack
	tcAck  backend.Revision
	asked  []string // of providers

	keys   *keys
	remote string
	bridge atomic.Pointer[bridgeName] // the backend's goroutine reads it
}

type ack struct {
	rev      backend.Revision
	failures []backend.Failure
}

// errExit ends the run after the "exit" command.
var errExit = errors.New("exit")

// gcPercent makes the garbage collector run earlier than Go's default of 100: at
// cold start most of the heap is rows and rules that stay, and a controller's
// memory is counted on every hypervisor. It costs a few per cent of CPU there.
// GOGC in the environment takes precedence.
const gcPercent = 50

// Controller runs sluice as the controller of this chassis until ctx ends or it is
// told to exit. ready is called when the control socket answers.
func Controller(ctx context.Context, opt Options, ready func() error) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	r := &chassisRun{opt: opt, queue: unixctl.NewQueue(), cover: &coverage.Registry{}, mail: backend.NewMailbox(),
		store: punt.NewMailbox(), offer: reconcile.NewMailbox(), acks: make(chan ack, 1), hard: make(chan backend.Revision, 1), again: make(chan string, 1), link: make(chan bool, 1),
		hands: make(chan offload.Handovers, 1), providers: make(chan []string, 1), states: make(chan map[string]device.BridgeState, 1),
		useAsked: make(chan struct{}, 1), used: make(chan aging.Idle, 1), exit: make(unixctl.Exits)}
	r.metrics = metrics.New(metrics.Config{Collect: metrics.Chassis(admin.NewInspector(r, r.queue)), Log: opt.Log.Logger("metrics")})
	r.punts = r.cover.Counter("pinctrl_total_pin_pkts")
	r.vsw = vsw.NewReplica(vsw.Config{SessionConfig: ovsdb.SessionConfig{Remote: opt.Database, TLS: opt.TLS.Client(opt.Log.Logger("stream_ssl")),
		Logger: opt.Log.Logger("reconnect"), Messages: opt.Log.Logger("jsonrpc")}})
	g, ctx := errgroup.WithContext(ctx)
	mem := memory.New(memory.Config{Usage: r.memory, On: r.queue, Log: opt.Log.Logger("memory")})
	commands := &unixctl.Commands{}
	commands.Register(r.cover.Commands()...)
	commands.Register(mem.Commands()...)
	commands.Register(daemonLog(opt.Log)...)
	commands.Register(admin.Commands(r, r.queue)...)
	server, err := unixctl.Listen(unixctl.Config{Path: opt.Unixctl, Version: opt.Version, Commands: commands, Log: opt.Log.Logger("unixctl")})
	if err != nil {
		return err
	}
	g.Go(func() error { return server.Serve(ctx) })
	g.Go(func() error { return r.vsw.Run(ctx) })
	g.Go(func() error { return mem.Run(ctx) })
	g.Go(func() error { return r.cover.Run(ctx) })
	g.Go(func() error { return r.metrics.Run(ctx) })
	if err := ready(); err != nil {
		return err
	}
	g.Go(func() error { return r.engine(ctx, g) })
	err = g.Wait()
	if errors.Is(err, errExit) {
		return nil
	}
	return err
}

// engine is the engine goroutine.
func (r *chassisRun) engine(ctx context.Context, g *errgroup.Group) error {
	if err := r.awaitConfig(ctx); err != nil {
		return err
	}
	cfg := r.readConfig()
	r.bridge.Store(&bridgeName{cfg.Bridge, cfg.BridgeRemote})
	log := r.opt.Log
	r.keys = newKeys(r.opt.TLS, log.Logger("stream_ssl"))
	r.keys.follow(r.vsw.DB())
	r.sb = sb.NewReplica(sb.Config{SessionConfig: ovsdb.SessionConfig{TLS: r.keys.client(),
		Probe: time.Duration(cfg.RemoteProbe) * time.Millisecond, Logger: log.Logger("reconnect"), Messages: log.Logger("jsonrpc")}})
	r.setRemote(cfg.Remote)
	r.ovs = ovs.New(ovs.Config{Addr: r.bridgeAddr, Changes: r.mail, Acked: r.acked, Resend: r.resend, Linked: r.linked, PacketIn: r.packetIn,
		Log: log.Logger("ofctrl"), Conn: log.Logger("rconn"), Punts: log.Logger("pinctrl"), Probe: time.Duration(cfg.BridgeProbe) * time.Second})
	if err := r.startOffload(ctx, g); err != nil {
		return err
	}
	r.slow = punt.New(punt.Config{Switch: sw{r.ovs}, Store: r.store, ACLLog: log.Logger("acl_log"),
		Log: log.Logger("pinctrl")})
	r.ctl = controller.New(controller.Config{SB: r.sb, VSW: r.vsw, NameFlag: r.opt.Chassis, Hostname: hostname(),
		Send: r.mail.Send, AskUse: r.askUse, Busy: r.mail.Waiting, Offload: r.offer.Send, SlowPath: r.slow, Store: r.store, Log: log.Logger("main"), Now: time.Now, Coverage: r.cover})
	g.Go(func() error { return r.sb.Run(ctx) })
	g.Go(func() error { return r.ovs.Run(ctx) })
	g.Go(func() error { return r.slow.Run(ctx) })
	g.Go(func() error { return r.watchUse(ctx) })
	r.ctl.Switch(false)
	r.ctl.OnVSW(&vsw.Changes{})
	return r.loop(ctx)
}

// awaitConfig waits for the local database's content.
func (r *chassisRun) awaitConfig(ctx context.Context) error {
	for {
		for {
			if _, more := r.vsw.Next(); !more {
				break
			}
		}
		if r.vsw.State().Connected {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.vsw.Ready():
		case f := <-r.queue.C():
			f()
		case req := <-r.exit:
			req.Done <- nil
			return errExit
		}
	}
}

func (r *chassisRun) readConfig() config.Config {
	src := config.Source{NameFlag: r.opt.Chassis, Hostname: hostname()}
	for row := range r.vsw.DB().OpenVSwitch.All() {
		src.ExternalIDs, src.IfaceTypes = row.ExternalIDs, row.IfaceTypes
	}
	return config.Read(src)
}

// batch bounds the change sets that are taken before their consequences are sent.
const batch = 1000

// loop is the life of the engine goroutine: take what has come in, then settle. A
// paused controller does neither; the databases keep what comes in meanwhile.
func (r *chassisRun) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var vswReady, sbReady <-chan struct{}
		var due <-chan time.Time
		if !r.ctl.Paused() {
			r.take()
			r.follow()
			r.ctl.Settle()
			r.askBridges()
			vswReady, sbReady = r.vsw.Ready(), r.sb.Ready()
			if at := r.ctl.Wake(); !at.IsZero() {
				timer.Reset(max(time.Until(at), time.Millisecond))
				due = timer.C
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-vswReady:
		case <-sbReady:
		case a := <-r.acks:
			r.ovsAck = a
			if v := r.ctl.HandoverVersion(a.rev); v != 0 {
				r.tc.Taken(reconcile.Taken{Version: v, Failures: a.failures})
			}
			r.acknowledge()
		case r.tcAck = <-r.hard:
			r.acknowledge()
		case x := <-r.hands:
			r.ctl.Handover(x)
		case states := <-r.states:
			r.ctl.Bridges(states)
		case idle := <-r.used:
			r.ctl.Used(idle)
		case up := <-r.link:
			r.ctl.Switch(up)
		case why := <-r.again:
			r.ctl.Resend(why)
		case <-r.store.Ready():
			r.ctl.Learned(r.store.Take())
		case f := <-r.queue.C():
			f()
		case <-due:
		case req := <-r.exit:
			if err := r.leave(ctx, req); err != nil {
				return err
			}
		}
	}
}

// take hands the change sets that have come in to the controller.
func (r *chassisRun) take() {
	for range batch {
		v, moreV := r.vsw.Next()
		if moreV {
			r.ctl.OnVSW(v)
		}
		s, moreS := r.sb.Next()
		if moreS {
			r.ctl.OnSB(s)
		}
		if !moreV && !moreS {
			return
		}
	}
}

// leave ends the run; without restart it withdraws the chassis first, unless
// external_ids:ovn-cleanup-on-exit says otherwise.
func (r *chassisRun) leave(ctx context.Context, req unixctl.Exit) error {
	keep := req.Option || !r.ctl.Configuration().CleanupOnExit
	how := "True"
	if keep {
		how = "False (--restart)"
	}
	r.opt.Log.Logger("main").Info("Exiting ovn-controller, resource cleanup: " + how)
	if keep {
		req.Done <- nil
		return errExit
	}
	r.clearOffload(ctx)
	finished := false
	r.ctl.Leave(func(err error) {
		finished = true
		if err != nil {
			r.opt.Log.Logger("main").Warn("withdrawing this chassis failed: " + err.Error())
		}
	})
	limit := time.NewTimer(leaveLimit)
	defer limit.Stop()
	for !finished {
		r.vsw.Next()
		r.sb.Next()
		r.ctl.Settle()
		if finished {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.sb.Ready():
		case <-r.vsw.Ready():
		case <-limit.C:
			finished = true
			r.opt.Log.Logger("main").Warn(fmt.Sprintf("withdrawing this chassis: the databases have not answered for %v; "+
				"if it stays there, remove it with \"ovn-sbctl chassis-del %s\"", leaveLimit, r.ctl.Configuration().Chassis))
		}
	}
	req.Done <- nil
	return errExit
}

// leaveLimit is how long an exit waits for the databases.
const leaveLimit = 5 * time.Second

func (r *chassisRun) acked(rev backend.Revision, failures []backend.Failure) {
	latest(r.acks, ack{rev, failures})
}

func (r *chassisRun) linked(up bool) { latest(r.link, up) }

func (r *chassisRun) resend(why string) { latest(r.again, why) }

// latest puts v into a channel of length one in place of what is there.
func latest[T any](c chan T, v T) {
	for {
		select {
		case c <- v:
			return
		default:
		}
		select {
		case <-c:
		default:
		}
	}
}

func hostname() string {
	h, err := os.Hostname()
	if err != nil {
		return ""
	}
	return h
}

func (r *chassisRun) memory() map[string]uint64 {
	if r.ctl == nil {
		return nil
	}
	return r.ctl.Memory()
}
