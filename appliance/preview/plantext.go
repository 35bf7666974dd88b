package preview

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/sluice-gw/sluice/appliance/admin"
)

// shown is how many paths of each list the text has.
const shown = 20

// Text is the plan as one page.
func (p *Plan) Text() string {
	var b strings.Builder
	line := func(heading, format string, args ...any) {
		fmt.Fprintf(&b, "%-18s %s\n", heading+":", fmt.Sprintf(format, args...))
	}
	line("change", "%s", p.Change)
	line("target", "%s, mode %s", p.Target, p.Mode)
	line("paths before", "%s", p.Before.OffloadPaths)
	line("paths after", "%s", p.After.OffloadPaths)
	line("leave hardware", "%d paths", p.LeavingPaths)
	line("come to hardware", "%d paths", p.JoiningPaths)
	line("needed", "%s before, %s after; there is room for %s", p.Before.Needed, p.After.Needed, p.Room.bound())
	for _, w := range p.Warnings {
		line("warning", "%s", w)
	}
	for _, t := range []struct {
		name string
		rows []Row
	}{{"ports", p.Ports}, {"datapaths", p.Datapaths}} {
		line(t.name, "%d", len(t.rows))
		table(&b, "NAME\tBEFORE\tAFTER\tDIFFERENCE", len(t.rows), func(i int) string {
			r := t.rows[i]
			return fmt.Sprintf("%s\t%s\t%s\t%s", r.Name, r.Before, r.After, difference(r.Before, r.After))
		})
	}
	line("in the fallback", "%d paths before, %d after", p.Before.Fallback, p.After.Fallback)
	table(&b, "REASON\tSTAGE\tBEFORE\tAFTER\tDIFFERENCE", len(p.Reasons), func(i int) string {
		r := p.Reasons[i]
		return fmt.Sprintf("%s\t%s\t%d\t%d\t%s", r.Code, r.Stage, r.Before, r.After, signed(r.After-r.Before))
	})
	moves(&b, "leaves", p.Leaving, p.LeavingPaths)
	moves(&b, "comes", p.Joining, p.JoiningPaths)
	return b.String()
}

// moves writes the first of a list of paths.
func moves(b *strings.Builder, what string, list []Move, all int) {
	item := func(heading, format string, args ...any) {
		fmt.Fprintf(b, "  %-11s %s\n", heading, fmt.Sprintf(format, args...))
	}
	for i, m := range list[:min(len(list), shown)] {
		fmt.Fprintf(b, "%s %d of %d: packets that come in by %s, at %s\n", what, i+1, all, m.Port, m.After.Stage)
		item("packets", "%s", m.Packets)
		if len(m.After.If) > 0 {
			item("if", "%s", strings.Join(m.After.If, ", "))
		}
		item("before", "%s", m.Before.Actions)
		reason(item, m.Before.Reason)
		item("after", "%s", m.After.Actions)
		reason(item, m.After.Reason)
	}
	if all > shown {
		fmt.Fprintf(b, "and %d more; --output json has the first %d\n", all-shown, listed)
	}
}

func reason(item func(heading, format string, args ...any), r *admin.OffloadReason) {
	if r == nil {
		return
	}
	item("reason", "%s: %s", r.Code, r.Cause)
	item("fix", "%s", r.Fix)
	if o := r.Origin; o != nil {
		item("because of", "%s", o)
		if o.Match != "" {
			item("", "match %s; actions %s", o.Match, o.Actions)
		}
	}
}

// table writes rows below a heading, columns separated by tabs.
func table(b *strings.Builder, heading string, n int, row func(i int) string) {
	if n == 0 {
		return
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, heading)
	for i := range n {
		fmt.Fprintln(w, row(i))
	}
	w.Flush()
	for line := range strings.Lines(text.String()) {
		fmt.Fprintf(b, "  %s\n", strings.TrimRight(line, " \n"))
	}
}

// difference is how many paths more are offloaded, and how many more are not.
func difference(before, after admin.OffloadPaths) string {
	if before == after {
		return ""
	}
	return fmt.Sprintf("%s offloaded, %s not", signed(after.Offloaded-before.Offloaded), signed(after.Fallback-before.Fallback))
}

func signed(n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%+d", n)
}

// String has the units.
func (r Room) String() string { return fmt.Sprintf("%d entries in %d tables", r.Entries, r.Tables) }

// bound is r as the bounds of a target.
func (r Room) bound() string {
	of := func(n int) string {
		if n == 0 {
			return "any number of"
		}
		return fmt.Sprint(n)
	}
	return of(r.Entries) + " entries in " + of(r.Tables) + " tables"
}
