package admin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/controlplane/controller"
)

// page is a text of "heading: value" lines with lists below some of them.
type page struct{ strings.Builder }

func (p *page) line(heading, format string, args ...any) {
	fmt.Fprintf(p, "%-18s %s\n", heading+":", fmt.Sprintf(format, args...))
}

func (p *page) item(format string, args ...any) { fmt.Fprintf(p, "  "+format+"\n", args...) }

// list writes a heading with what the items amount to, and item writes each of them.
func list[T any](p *page, heading string, total int, items []T, item func(T)) {
	if total == 0 {
		p.line(heading, "none")
		return
	}
	p.line(heading, "%d", total)
	for _, x := range items {
		item(x)
	}
}

// Text is the status as one page.
func (s Status) Text() string {
	p := &page{}
	c := s.Controller
	p.line("chassis", "%s (host %s), %s", cmp.Or(c.Chassis, "without a name: set external_ids:system-id"), c.Hostname, registration(c))
	if c.Paused {
		p.line("paused", "yes: nothing is changed until debug/resume")
	}
	p.database("southbound", c.Southbound)
	p.database("local", c.Local)
	p.line("ovn-northd", "%s", cmp.Or(c.Northd, "version not known"))
	p.target(s.Switch)
	p.line("rules", "%d, of %d logical flows on %d local datapaths; %d ports, %d conntrack zones", c.Rules, c.LogicalFlows,
		c.LocalDatapaths, c.LocalPorts, c.Zones)
	p.line("revision", "%d, the switch has %d; nb_cfg %d, done %d", c.Revision, c.Acknowledged, c.NbCfg, c.NbCfgDone)
	if !c.Complete {
		p.line("complete", "no: nothing is removed before all rows have arrived")
	}
	p.line("recomputes", "%d", c.Recomputes)
	p.slowPath(s.SlowPath)
	p.metrics(s.Metrics)

	degraded, refused := 0, 0
	for _, d := range c.Degraded {
		degraded += d.Flows
	}
	for _, r := range s.Switch.Refused {
		refused += r.Rules
	}
	list(p, "degraded flows", degraded, c.Degraded, func(d controller.Degradation) { p.item("%d: %s (for example %s)", d.Flows, d.Reason, d.Example) })
	list(p, "refused rules", refused, s.Switch.Refused, func(r Refusal) { p.item("%d: %s: %s (for example of %s)", r.Rules, r.Kind, r.Detail, r.Example) })
	p.refusedRows(c.RefusedRows)
	list(p, "claim conflicts", len(c.Conflicts), c.Conflicts, func(x controller.Conflict) { p.item("%s", x.Text) })
	list(p, "unmapped networks", len(c.Unmapped), c.Unmapped, func(u controller.Unmapped) {
		p.item("%s: port %s asks for it; add it to external_ids:ovn-bridge-mappings with an existing bridge", u.Network, u.Port)
	})
	list(p, "refused settings", len(c.Problems), c.Problems, func(x string) { p.item("%s", x) })
	return p.String()
}

// rowsShown is how many refused rows the page has; there may be thousands for the
// same reason.
const rowsShown = 20

func (p *page) refusedRows(rows []controller.RefusedRow) {
	list(p, "refused rows", len(rows), rows[:min(len(rows), rowsShown)], func(r controller.RefusedRow) { p.item("%s: %s", r.Table, r.Text) })
	if n := len(rows) - rowsShown; n > 0 {
		p.item("and %d more: --output json has all", n)
	}
}

func registration(c controller.Status) string {
	switch {
	case c.Refused != "":
		return "NOT registered: " + c.Refused
	case c.Registered:
		return "registered"
	}
	return "not registered yet"
}

func (p *page) database(heading string, d controller.Database) {
	if d.Connected {
		p.line(heading, "connected to %s since %s, schema %s", d.Remote, d.Since.UTC().Format(time.RFC3339), d.Schema)
	} else {
		p.line(heading, "NOT connected to %s: %s", cmp.Or(d.Remote, "any server"), cmp.Or(d.Error, "no answer yet"))
	}
	if d.Refusal != "" {
		p.item("the last transaction failed: %s", d.Refusal)
	}
	if d.DroppedRows+d.OutOfStep > 0 {
		p.item("%d updates of rows could not be read, %d did not fit what was known", d.DroppedRows, d.OutOfStep)
	}
}

func (p *page) target(s Switch) {
	if !s.Connected {
		p.line("switch", "NOT connected: %s", cmp.Or(s.Error, "the integration bridge does not exist yet"))
		return
	}
	p.line("switch", "connected to %s, tables of %s", s.Address, s.Tables)
	p.item("%d flows, %d groups, %d meters; %d adopted, %d added, %d removed in %d connections", s.Flows, s.Groups, s.Meters,
		s.Adopted, s.Added, s.Removed, s.Connections)
	if s.DroppedOut > 0 {
		p.item("%d packets of the controller were dropped on their way to it", s.DroppedOut)
	}
}

func (p *page) metrics(l Listener) {
	switch {
	case l.Address == "":
	case l.Error != "":
		p.line("metrics", "NOT served at %s: %s; it is tried again", l.Address, l.Error)
	default:
		p.line("metrics", "served at %s", l.Address)
	}
}

func (p *page) slowPath(s SlowPath) {
	var received uint64
	for _, n := range s.Received {
		received += n
	}
	p.line("slow path", "%d packets received, %d sent, %d resumed, %d waiting for a neighbor", received, s.Sent, s.Resumed, s.Held)
	for _, action := range slices.Sorted(maps.Keys(s.Dropped)) {
		for _, reason := range slices.Sorted(maps.Keys(s.Dropped[action])) {
			p.item("%d of %s dropped: %s", s.Dropped[action][reason], action, reason)
		}
	}
}
