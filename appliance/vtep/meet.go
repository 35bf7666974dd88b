package vtep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/appliance/vtep/inbound"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// meet waits for the switch, if it is one that connects to us, and makes its connection the one that look uses. A switch that is registered is known by its identity and
// certificate, else the name tells. p are the ports of the process; nil: one is opened for this. leave ends it.
func meet(ctx context.Context, reg Registry, p *ports, r *Registering) (leave func(), err error) {
	if !ovsdb.IsPassive(r.Target) {
		return func() {}, nil
	}
	at, err := ovsdb.ParsePassive(r.Target)
	if err != nil {
		return nil, err
	}
	if r.Bootstrap || r.TLS.Bootstrap {
		return nil, fmt.Errorf("%v: the CA certificate cannot be taken from the first that connects, who may be anybody: give it (-C FILE)", at)
	}
	r.Target = at.String()
	if p == nil {
		log := r.Log
		if log == nil {
			log = slog.New(slog.DiscardHandler)
		}
		p = newPorts(r.keys(r.TLS), log)
	}
	known := r.peer()
	if known.Identity == "" {
		entries, _ := reg.Read() // what cannot be read is told by check
		for _, e := range entries {
			if e.Name == r.Name {
				known = e.peer()
			}
		}
	}
	if !at.TLS {
		known.Subject = ""
	}
	l, release := p.hold(at)
	if err := l.Opened(ctx); err != nil {
		release()
		return nil, err
	}
	wanted, not := known, inbound.Peer{}
	if r.AcceptIdentity {
		wanted, not = not, wanted
	}
	claim, err := l.Survey(ctx, r.Name, wanted, not)
	if err != nil {
		release()
		return nil, err
	}
	var first net.Conn
	leave = func() {
		if first != nil {
			first.Close()
		}
		claim.Close()
		release()
	}
	waiting, cancel := context.WithTimeout(ctx, r.Wait)
	defer cancel()
	if first, err = claim.Accept(waiting); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = missed(ctx, l, r)
		}
		leave()
		return nil, err
	}
	met, err := claim.Peer(ctx)
	if err != nil {
		leave()
		return nil, err
	}
	if r.Subject = met.Subject; r.AcceptIdentity && met.Identity != known.Identity {
		r.replaced = known.Identity
	}
	r.accept = func(ctx context.Context) (net.Conn, error) {
		if c := first; c != nil {
			first = nil
			return c, nil
		}
		return claim.Accept(ctx)
	}
	return leave, nil
}

// missed says that the switch has not come, and who has.
func missed(ctx context.Context, l *inbound.Listener, r *Registering) error {
	scheme := map[bool]string{true: "ssl", false: "tcp"}[strings.HasPrefix(r.Target, "pssl:")]
	text := fmt.Sprintf("switch %s has not connected to %s within %v: its table Manager is to have %s:ADDRESS:PORT of this host (vtep-ctl set-manager, or the vendor's way)",
		r.Name, r.Target, r.Wait, scheme)
	st, err := l.State(ctx)
	if err != nil {
		return errors.New(text)
	}
	const listed = 10
	for i, w := range st.Waiting {
		if i == listed {
			text += fmt.Sprintf("; and %d more wait", len(st.Waiting)-i)
			break
		}
		text += "; there is " + w.Text()
	}
	if st.Refused > 0 {
		text += fmt.Sprintf("; %d connections were refused, the log of who listens has why", st.Refused)
	}
	return errors.New(text)
}

// SurveyRequest is what the command "survey" of a process is to do with a switch that connects to that one.
type SurveyRequest struct {
	Entry           Entry         `json:"entry"`
	Manager         string        `json:"manager,omitempty"`
	AcceptVXLANMode bool          `json:"accept_vxlan_mode,omitempty"`
	AcceptIdentity  bool          `json:"accept_identity,omitempty"`
	Diff            bool          `json:"diff,omitempty"`    // only tell what would be written
	DryRun          bool          `json:"dry_run,omitempty"` // register, but for doing it
	Wait            time.Duration `json:"wait"`              // for the switch
	Timeout         time.Duration `json:"timeout"`           // for the databases, then
}

// SurveyAnswer is what came of it.
type SurveyAnswer struct {
	Plan  *Plan  `json:"plan,omitempty"`
	Diff  *Diff  `json:"diff,omitempty"`
	Error string `json:"error,omitempty"` // why the switch is not registered
}

// survey does what is asked in JSON.
func (f *Fleet) survey(ctx context.Context, request string) (a SurveyAnswer, err error) {
	var q SurveyRequest
	if err := json.Unmarshal([]byte(request), &q); err != nil {
		return a, fmt.Errorf("survey: it is for sluice vtep register and diff, which ask in JSON: %w", err)
	}
	if !ovsdb.IsPassive(q.Entry.Target) {
		return a, fmt.Errorf("survey: %q is no port at which switches connect (pssl:PORT, ptcp:PORT)", q.Entry.Target)
	}
	r := Registering{Entry: q.Entry, Southbound: f.opt.Southbound, TLS: f.opt.TLS, Manager: q.Manager, AcceptVXLANMode: q.AcceptVXLANMode, AcceptIdentity: q.AcceptIdentity,
		Compare: q.DryRun, Release: f.opt.Release, Wait: q.Wait}
	ctx, cancel := context.WithTimeout(ctx, q.Wait+q.Timeout)
	defer cancel()
	leave, err := meet(ctx, f.opt.Registry, f.ports, &r)
	if err != nil {
		return a, err
	}
	defer leave()
	if q.AcceptIdentity && !q.DryRun { // it would put back the chassis of the database that the switch had; the reload starts what there is then
		f.end(q.Entry.Name)
		defer f.askReload(context.WithoutCancel(ctx), nil)
	}
	if q.Diff {
		d, err := compare(ctx, r)
		return SurveyAnswer{Diff: &d}, err
	}
	err = register(ctx, f.opt.Registry, r, func(p Plan) bool {
		a.Plan = &p
		return !q.DryRun || len(p.Refusals) > 0
	})
	if err == nil && !q.DryRun {
		_, err = f.askReload(ctx, nil)
	}
	if err != nil && a.Plan != nil {
		a.Error, err = err.Error(), nil
	}
	return a, err
}
