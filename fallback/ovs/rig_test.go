package ovs

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
)

// quiet is a logger for tests that look at nothing.
var quiet = slog.New(slog.DiscardHandler)

var update = flag.Bool("update", false, "write the golden files")

const (
	bridgeName = "br-int"
	northd     = "23.03.1-20.27.0-70.6"
	patience   = 60 * time.Second
)

// rig is a real bridge and the backends of it, one at a time.
type rig struct {
	t    *testing.T
	sw   *vswitch.Switch
	mail *backend.Mailbox
	be   *Backend
	log  *logBook

	acks    chan ack
	resend  chan string
	packets chan PacketIn
	rev     backend.Revision
	kill    func()
}

type ack struct {
	rev      backend.Revision
	failures []backend.Failure
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, sw: vswitch.Start(t), log: &logBook{}}
	r.sw.AddBridge(bridgeName)
	for n := 1; n <= 4; n++ {
		r.sw.AddPort(bridgeName, fmt.Sprint("p", n), fmt.Sprint(n))
	}
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			t.Logf("log of the backend:\n%s", r.log)
		}
	})
	return r
}

// start runs a new backend that knows nothing.
func (r *rig) start() {
	r.stop()
	r.mail, r.acks, r.resend, r.packets = backend.NewMailbox(), make(chan ack, 1000), make(chan string, 10), make(chan PacketIn, 1000)
	acks := r.acks
	r.be = New(Config{Addr: func() string { return "unix:" + r.sw.Mgmt(bridgeName) }, Changes: r.mail,
		Acked:  func(rev backend.Revision, f []backend.Failure) { acks <- ack{rev, f} },
		Resend: func(why string) { r.resend <- why }, PacketIn: func(p PacketIn) { r.packets <- p }, Log: slog.New(r.log)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	be := r.be
	go func() { _ = be.Run(ctx); close(done) }()
	r.kill = func() { cancel(); <-done }
}

// stop ends the backend; the switch keeps what it has.
func (r *rig) stop() {
	if r.kill != nil {
		r.kill()
		r.kill = nil
	}
}

// send gives the backend a delta and waits until it is carried out; it returns what
// of all rules is refused.
func (r *rig) send(d backend.Delta) []backend.Failure {
	r.t.Helper()
	r.rev++
	d.Revision = r.rev
	d.Complete = true
	if d.Release == "" {
		d.Release = northd
	}
	r.mail.Send(d)
	return r.acked()
}

// acked waits for the acknowledgement of the newest revision.
func (r *rig) acked() []backend.Failure {
	r.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case a := <-r.acks:
			if a.rev == r.rev {
				return a.failures
			}
		case <-limit:
			r.t.Fatalf("no acknowledgement of revision %d\n%s", r.rev, r.log)
		}
	}
}

// put is send of rules, which must all be taken.
func (r *rig) put(rules ...ir.Rule) {
	r.t.Helper()
	for _, f := range r.send(backend.Delta{Put: rules}) {
		r.t.Errorf("refused: %s", f)
	}
}

// flows are the flows of the bridge as ovs-ofctl writes them, sorted, without
// counters and cookies.
func (r *rig) flows() []string {
	r.t.Helper()
	var out []string
	for line := range strings.Lines(r.sw.Ofctl("dump-flows", "--no-stats", "--names", bridgeName)) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "cookie="); ok {
			_, line, _ = strings.Cut(rest, ", ")
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// want compares the bridge's flows with lines.
func (r *rig) want(lines ...string) {
	r.t.Helper()
	slices.Sort(lines)
	if got := r.flows(); !slices.Equal(got, lines) {
		r.t.Errorf("the bridge has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

// status waits for nothing: what the backend says of itself now.
func (r *rig) status() Status { return r.be.Status() }

// rules parses rules, one a line.
func rules(t testing.TB, text string) []ir.Rule {
	t.Helper()
	var out []ir.Rule
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		r, err := ir.ParseRule(line)
		if err != nil {
			t.Fatal(err)
		}
		// An owner of its own for each, as a logical flow is.
		r.Owner = ir.Owner{Kind: ir.OwnerLogicalFlow, UUID: [16]byte{0: byte(r.Priority >> 8), 1: byte(r.Priority), 3: byte(r.Stage)}}
		out = append(out, r)
	}
	return out
}

func ids(rules []ir.Rule) []ir.RuleID {
	var out []ir.RuleID
	for _, r := range rules {
		out = append(out, r.ID)
	}
	return out
}

// logBook keeps the messages of a logger.
type logBook struct {
	mu    sync.Mutex
	lines []string // guarded by mu
}

func (l *logBook) Enabled(context.Context, slog.Level) bool { return true }

func (l *logBook) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, r.Level.String()+" "+r.Message)
	return nil
}

func (l *logBook) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *logBook) WithGroup(string) slog.Handler      { return l }

// String is all messages, one a line.
func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
