package vtep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/vtepdb"
)

// Registering is what is asked for when a switch is registered.
type Registering struct {
	Entry
	Southbound string
	TLS        tlsconf.Options // of the command line; those of the entry go before
	// Manager is a target to be added to Global.managers of the switch's database ("ptcp:6640", "pssl:6640", "ssl:HOST:6640"); "" for none.
	Manager string
	// AcceptVXLANMode lets the registration turn VXLAN mode on for the whole of OVN.
	AcceptVXLANMode bool
	// AcceptIdentity lets a registered switch have another database than it had, or another certificate, where it connects to us.
	AcceptIdentity bool
	Compare        bool   // have Plan.Changes worked out
	Release        string // of OVN, see AgentConfig
	// Wait is how long a switch that is to connect to us is waited for.
	Wait time.Duration
	// Log is told of those who connect meanwhile. nil: no one is.
	Log *slog.Logger

	accept   func(context.Context) (net.Conn, error) // of a switch that has been met
	replaced string                                  // identity of the database that it had before
}

// Plan is what a registration will do, and why it will not.
type Plan struct {
	Steps    []string `json:"steps"`
	Notes    []string `json:"notes"`
	Refusals []string `json:"refusals"` // any: nothing is done
	// Changes are what the process that manages the switch would write then, where that was asked for.
	Changes *Diff `json:"changes,omitempty"`
}

// survey looks at both databases once.
type survey struct {
	*Agent
	end  context.CancelFunc
	done chan error
}

// look connects to both databases and reads them. Errors name the one that does not answer.
func look(ctx context.Context, r Registering) (*survey, error) {
	quiet := slog.New(slog.DiscardHandler)
	s := &survey{done: make(chan error, 2), Agent: NewAgent(AgentConfig{Name: r.Name, Pair: r.Pair, Switch: r.Target, Southbound: r.Southbound,
		SwitchTLS: r.keys(r.TLS).Client(quiet), SouthboundTLS: r.identity(r.TLS).Client(quiet), Accept: r.accept, Release: r.Release, Log: quiet, Reconnect: quiet})}
	running, end := context.WithCancel(context.Background())
	s.end = end
	go func() { s.done <- s.vtep.Run(running) }()
	go func() { s.done <- s.sb.Run(running) }()
	for {
		s.take()
		s.plan.Settle()
		if s.vtep.State().Connected && s.sb.State().Connected {
			return s, nil
		}
		select {
		case <-s.vtep.Ready():
		case <-s.sb.Ready():
		case <-ctx.Done():
			s.close()
			return nil, unreached(map[string]idl.State{"the switch's database " + r.Target: s.vtep.State(), "the Southbound database " + r.Southbound: s.sb.State()})
		}
	}
}

// unreached says which databases cannot be used, and why.
func unreached(databases map[string]idl.State) error {
	var said []string
	for what, st := range databases {
		switch {
		case st.Connected:
		case st.Err == nil:
			said = append(said, what+" has not answered")
		default:
			said = append(said, fmt.Sprintf("%s cannot be used: %v", what, st.Err))
		}
	}
	slices.Sort(said)
	return errors.New(strings.Join(said, "; "))
}

// close ends the connections.
func (s *survey) close() {
	s.end()
	<-s.done
	<-s.done
}

// commit executes a transaction of one of the databases.
func (s *survey) commit(ctx context.Context, r *idl.Replica, tx *idl.Tx) error {
	var res *idl.Result
	r.Commit(tx, func(got idl.Result) { res = &got })
	for {
		s.take()
		if res != nil {
			return res.Err
		}
		select {
		case <-s.vtep.Ready():
		case <-s.sb.Ready():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// maxVXLANDatapaths is how many logical switches and routers OVN can have in VXLAN mode: 12 of the 24 bits of the VNI are left for the
// datapath (ovn-architecture(7), "Tunnel Encapsulations").
const maxVXLANDatapaths = 4095

// Register registers a switch: it looks at both databases, tells by confirm what it will do, and does it unless something refuses.
// confirm is called once; false ends it there.
func Register(ctx context.Context, reg Registry, r Registering, confirm func(Plan) bool) error {
	leave, err := meet(ctx, reg, nil, &r)
	if err != nil {
		return err
	}
	defer leave()
	return register(ctx, reg, r, confirm)
}

// register is Register with a switch that has been met.
func register(ctx context.Context, reg Registry, r Registering, confirm func(Plan) bool) error {
	s, err := look(ctx, r)
	if err != nil {
		return err
	}
	defer s.close()
	if r.accept != nil {
		r.Identity = s.plan.Roll().Identity
	}
	p := s.check(reg, r)
	if r.Compare && s.plan.Roll().Identity != "" {
		d, err := s.compare(ctx)
		if err != nil {
			return err
		}
		p.Changes = &d
	}
	if !confirm(p) {
		return nil
	}
	if len(p.Refusals) > 0 {
		return errors.New("the switch is not registered: " + strings.Join(p.Refusals, "; "))
	}
	if tx := s.manager(r.Manager); tx.Len() > 0 {
		if err := s.commit(ctx, s.vtep.Replica, tx); err != nil {
			return fmt.Errorf("the manager row of the switch: %w", err)
		}
	}
	if err := s.replace(ctx, r); err != nil {
		return err
	}
	var tx idl.Tx
	(&southbound{db: s.sb.DB(), tx: &tx, taken: s.taken, seen: s.seen, log: s.log}).writeRoll(s.plan.Roll())
	if tx.Len() > 0 {
		tx.Comment("sluice vtep register " + r.Name)
		if err := s.commit(ctx, s.sb.Replica, &tx); err != nil {
			return fmt.Errorf("the chassis of switch %s: %w", r.Name, err)
		}
	}
	return reg.Write(r.Entry)
}

// manager adds a target to the switch's managers, unless it is there.
func (s *survey) manager(target string) *idl.Tx {
	tx := &idl.Tx{}
	if target == "" || s.vtep.DB().ManagerByTarget.One(target) != nil {
		return tx
	}
	for g := range s.vtep.DB().Global.All() {
		tx.Mutate("Global", g.UUID, "managers", "insert", tx.Insert("Manager", map[string]any{"target": target}))
	}
	return tx
}

// check says what a registration will do.
func (s *survey) check(reg Registry, r Registering) (p Plan) {
	step := func(format string, args ...any) { p.Steps = append(p.Steps, fmt.Sprintf(format, args...)) }
	note := func(format string, args ...any) { p.Notes = append(p.Notes, fmt.Sprintf(format, args...)) }
	refuse := func(format string, args ...any) { p.Refusals = append(p.Refusals, fmt.Sprintf(format, args...)) }
	vtep := s.vtep.State()
	note("the switch's database %s answers, schema %s", r.Target, vtep.Schema)
	for _, m := range vtep.Missing {
		note("its schema is older than vtep(5) 1.7.0: missing is %s", m)
	}
	if s.plan.Roll().Identity == "" {
		refuse("the switch's database has no row in Global, so the switch has not set itself up; or the Southbound database has none in SB_Global: start ovn-northd")
		return p
	}
	names := s.plan.Switches()
	if !slices.Contains(names, r.Name) {
		refuse("the switch's database has no Physical_Switch %q; it has %q: register it by that name", r.Name, names)
	}
	if r.Pair != "" && s.sb.DB().ChassisByName.One(r.Pair) == nil {
		refuse("%s", s.noPair(r.Pair))
	}
	for _, problem := range s.plan.Problems() {
		switch problem.Code {
		case "chassis-conflict":
			if s.replaces(r, problem.Subject) {
				step("put chassis %s in the place of the one of database %s", problem.Subject, r.replaced)
				continue
			}
			refuse("%s", problem.Text)
		case "no-tunnel-ip", "pair-apart":
			refuse("%s", problem.Text)
		default:
			note("%s", problem.Text)
		}
	}
	s.follow()
	for _, problem := range s.settings {
		if problem.Code == versionMismatch {
			refuse("%s", problem.Text)
		} else {
			note("%s", problem.Text)
		}
	}
	roll := s.plan.Roll()
	for _, c := range roll.Chassis {
		held := &southbound{db: s.sb.DB()}
		if other, ip := held.holder(c, nil, roll.Left); other != "" {
			refuse("%s", held.held(c, other, ip))
		}
		if with := s.plan.Elsewhere(c.Name); len(with) > 0 {
			step("join chassis %s with tunnel address %s, which is that of a pair with %s", c.Name, strings.Join(c.IPs, ", "), strings.Join(with, ", "))
		} else if s.sb.DB().ChassisByName.One(c.Name) != nil {
			step("take over chassis %s with tunnel address %s", c.Name, strings.Join(c.IPs, ", "))
		} else {
			step("create chassis %s with a VXLAN tunnel to %s, without outer UDP checksums", c.Name, strings.Join(c.IPs, ", "))
		}
	}
	s.checkVXLANMode(r, refuse, note)
	entries, err := reg.Read()
	if err != nil {
		refuse("%v", err)
	}
	for _, e := range entries {
		if e.Name == r.Pair && e.Pair != "" && r.Pair != "" {
			refuse("switch %s is registered as one of a pair with %s: say --pair=%s, or, for switch %s itself, nothing", e.Name, e.Pair, e.Pair, e.Pair)
		}
		if e.Name != r.Name && s.has(e, r.Entry) {
			refuse("switch %s is registered with the same database, at %s: one entry for a database is enough, it is for all of its switches. To have another target: "+
				"sluice vtep register %s --target %s", e.Name, e.Target, e.Name, r.Target)
		}
		if e.Name == r.Name && e.Target != r.Target {
			step("change the target of switch %s, which was %s", r.Name, e.Target)
		}
		if e.Name == r.Name && e.Identity != "" && r.Identity != "" && e.Identity != r.Identity {
			step("have switch %s known by database %s, which was %s", r.Name, r.Identity, e.Identity)
		}
		if e.Name == r.Name && e.Pair != r.Pair && e.Pair != "" {
			step("part switch %s from chassis %s", r.Name, e.Pair)
		}
	}
	checkSubject(r, entries, step, note)
	if r.Manager != "" {
		if s.vtep.DB().ManagerByTarget.One(r.Manager) != nil {
			note("the switch has the manager %s already", r.Manager)
		} else {
			step("add the manager %s to the switch's database", r.Manager)
		}
	}
	step("remember the switch in %s", reg.file(r.Name))
	return p
}

// noPair says that there is no chassis to share.
func (s *survey) noPair(pair string) string {
	for row := range s.sb.DB().Chassis.All() {
		for _, m := range vtepdb.ReadMembers(row.OtherConfig) {
			if slices.Contains(m.Switches, pair) {
				return fmt.Sprintf("switch %s has no chassis of its own to share, but is part of chassis %s: say --pair=%s", pair, row.Name, row.Name)
			}
		}
	}
	return fmt.Sprintf("there is no chassis %s to share: register switch %s first, without --pair", pair, pair)
}

// checkVXLANMode refuses to be the one that limits all of OVN to the datapaths of VXLAN mode, which the first chassis with VXLAN turns on.
func (s *survey) checkVXLANMode(r Registering, refuse, note func(string, ...any)) {
	db := s.sb.DB()
	for g := range db.SBGlobal.All() {
		if g.Options["vxlan_mode"] == "false" {
			return
		}
	}
	for e := range db.Encap.All() {
		if e.Type == "vxlan" {
			note("OVN is in VXLAN mode already: no more than %d datapaths, of which it has %d", maxVXLANDatapaths, db.DatapathBinding.Len())
			return
		}
	}
	const fix = "with OVN 24.03 or newer avoid it: ovn-nbctl set NB_Global . options:vxlan_mode=false"
	highest := int64(0)
	for dp := range db.DatapathBinding.All() {
		highest = max(highest, dp.TunnelKey)
	}
	switch {
	case highest > maxVXLANDatapaths:
		refuse("this would be the first chassis with VXLAN, which limits all of OVN to %d datapaths, and a tunnel key of %d is in use; %s", maxVXLANDatapaths, highest, fix)
	case !r.AcceptVXLANMode:
		refuse("this would be the first chassis with VXLAN, which limits all of OVN to %d datapaths (it has %d); %s; or accept it: --accept-vxlan-mode",
			maxVXLANDatapaths, db.DatapathBinding.Len(), fix)
	default:
		note("OVN will be in VXLAN mode: no more than %d datapaths", maxVXLANDatapaths)
	}
}

// Deregister takes back from both databases what is there of a switch. It is for when no process runs that does so ("withdraw").
func Deregister(ctx context.Context, r Registering) error {
	quiet := slog.New(slog.DiscardHandler)
	leave, err := meet(ctx, Registry{}, nil, &r)
	if err != nil {
		return err
	}
	defer leave()
	a := NewAgent(AgentConfig{Name: r.Name, Pair: r.Pair, Switch: r.Target, Southbound: r.Southbound,
		SwitchTLS: r.keys(r.TLS).Client(quiet), SouthboundTLS: r.identity(r.TLS).Client(quiet), Accept: r.accept, Release: r.Release, Log: quiet, Reconnect: quiet})
	ctx, cancel := context.WithTimeout(ctx, 3*leaveLimit)
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- a.Run(ctx) }()
	err = a.Exit(ctx, true)
	cancel()
	<-end
	return err
}

// Patience is how long Register waits for databases when nobody says so.
const Patience = 15 * time.Second
