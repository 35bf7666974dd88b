package vtep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/txdiff"
)

// Diff is what an agent would write now.
type Diff struct {
	Name       string          `json:"name"`
	Switch     []txdiff.Change `json:"switch_database"`
	Southbound []txdiff.Change `json:"southbound_database"`
	// Notes say what else there is to know: what follows later, and why nothing of all that is written.
	Notes []string `json:"notes"`
}

// How rows are called.
var (
	switchNames = txdiff.Names{By: map[string][]string{
		"Global": nil, "Physical_Switch": {"name"}, "Physical_Port": {"name"}, "Logical_Switch": {"name"},
		"Ucast_Macs_Remote": {"logical_switch", "MAC"}, "Mcast_Macs_Remote": {"logical_switch", "MAC"}, "Tunnel": {"local", "remote"},
		"Physical_Locator": {"encapsulation_type", "dst_ip"}, "Physical_Locator_Set": {"locators"},
	}, Inline: []string{"Physical_Locator", "Physical_Locator_Set"}}
	southboundNames = txdiff.Names{By: map[string][]string{
		"Chassis": {"name"}, "Encap": {"type", "ip"}, "Port_Binding": {"logical_port"}, "FDB": {"dp_key", "mac"},
	}}
)

// Diff asks the agent what it would write now. Nothing is written for that. What is on its way, and not there yet, is part of it.
func (a *Agent) Diff(ctx context.Context) (d Diff, err error) {
	var complete bool
	err = a.queue.Do(ctx, func() {
		if complete = a.complete(); complete {
			d = a.diff()
		}
	})
	if err == nil && !complete {
		err = fmt.Errorf("switch %s: both databases are to be read first: sluice vtep show %s tells about the connections", a.cfg.Name, a.cfg.Name)
	}
	return d, err
}

// diff works it out. The plan is left as it is.
func (a *Agent) diff() Diff {
	var down, up idl.Tx
	a.plan.Preview(&down)
	(&southbound{roll: true, db: a.sb.DB(), tx: &up, taken: map[string]string{}, seen: map[string]bool{}, log: slog.New(slog.DiscardHandler), limit: math.MaxInt}).write(a.plan)
	d := Diff{Name: a.cfg.Name, Switch: txdiff.Of(&down, a.vtep.Replica, switchNames), Southbound: txdiff.Of(&up, a.sb.Replica, southboundNames), Notes: []string{}}
	for _, p := range a.settings {
		if p.Code == versionMismatch || p.Code == otherIdentity {
			d.Notes = append(d.Notes, p.Text)
		}
	}
	follows := func(changes []txdiff.Change, table, what string) {
		for _, c := range changes {
			if c.Action == txdiff.Add && c.Table == table {
				d.Notes = append(d.Notes, what)
				return
			}
		}
	}
	follows(d.Southbound, "Chassis", "ports are bound when the chassis is there")
	follows(d.Switch, "Logical_Switch", "VLANs are bound when the new logical switch is there, and what is in it follows")
	return d
}

// Text is for people.
func (d Diff) Text() string {
	var b strings.Builder
	for _, part := range []struct {
		database string
		changes  []txdiff.Change
	}{{"the switch's database", d.Switch}, {"the Southbound database", d.Southbound}} {
		if len(part.changes) == 0 {
			fmt.Fprintf(&b, "%s: %s is as it is to be\n", d.Name, part.database)
			continue
		}
		fmt.Fprintf(&b, "%s: %d rows of %s\n", d.Name, len(part.changes), part.database)
		for _, c := range part.changes {
			fmt.Fprintf(&b, "  %s\n", c)
		}
	}
	for _, note := range d.Notes {
		fmt.Fprintf(&b, "%s: note: %s\n", d.Name, note)
	}
	return b.String()
}

// Compare is Diff for when no process manages the switch: it connects to both databases and reads them.
func Compare(ctx context.Context, r Registering) (Diff, error) {
	leave, err := meet(ctx, Registry{}, nil, &r)
	if err != nil {
		return Diff{}, err
	}
	defer leave()
	return compare(ctx, r)
}

// compare is Compare with a switch that has been met.
func compare(ctx context.Context, r Registering) (Diff, error) {
	s, err := look(ctx, r)
	if err != nil {
		return Diff{}, err
	}
	defer s.close()
	return s.compare(ctx)
}

// compare reads what a switch needs of the Southbound database, and works out the difference.
func (s *survey) compare(ctx context.Context) (Diff, error) {
	if s.plan.Roll().Identity == "" {
		return Diff{}, errors.New("the switch's database has no row in Global, so the switch has not set itself up; or the Southbound database has none in SB_Global: start ovn-northd")
	}
	for {
		s.take()
		s.plan.Settle()
		s.follow()
		if s.ask(); s.complete() {
			return s.diff(), nil
		}
		select {
		case <-s.vtep.Ready():
		case <-s.sb.Ready():
		case <-ctx.Done():
			return Diff{}, fmt.Errorf("switch %s: the databases were not read in time: %w", s.cfg.Name, ctx.Err())
		}
	}
}
