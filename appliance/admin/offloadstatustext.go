package admin

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// Text is the status as one page.
func (a OffloadStatus) Text() string {
	p := &page{}
	a.text(p)
	if a.Obstacle != "" {
		return p.String()
	}
	p.line("paths", "%s", a.Total)
	p.traffic(a.Traffic)
	p.audit(a.Audit)
	if n := len(a.Degraded); n > 0 {
		list(p, "degraded", n, a.Degraded, func(text string) { p.item("%s", text) })
	}
	p.line("ports", "%d", len(a.Ports))
	p.table("OFPORT\tNAME\tDEVICE\tMODE\tPATHS\tHARDWARE PACKETS\tKERNEL PACKETS\tTRAPPED PACKETS", len(a.Ports), func(i int) string {
		x := a.Ports[i]
		return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s", x.Ofport, x.Name, x.Device, x.Mode, x.OffloadPaths, x.Received.packets())
	})
	for _, x := range a.Ports {
		if x.Note != "" {
			p.item("%s: %s", x.Name, x.Note)
		}
		if x.Barred != nil {
			p.item("%s is off: %s; fix: %s", x.Name, x.Barred.Why, x.Barred.Fix)
		}
	}
	p.line("devices", "%d", len(a.Devices))
	p.table("DEVICE\tPORTS\tRECEIVED PACKETS\tRECEIVED BYTES\tOFFLOADED PACKETS\tOFFLOADED BYTES\tSHARE OF BYTES", len(a.Devices), func(i int) string {
		x, share := a.Devices[i], "-"
		if x.Share != nil {
			share = fmt.Sprintf("%d%%", int(100**x.Share))
		}
		return fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d\t%s", x.Device, len(x.Ports), x.Received.Packets, x.Received.Bytes, x.Offloaded.Packets, x.Offloaded.Bytes, share)
	})
	p.line("datapaths", "%d", len(a.Datapaths))
	p.table("NAME\tTUNNEL KEY\tPATHS\tHARDWARE PACKETS\tKERNEL PACKETS\tTRAPPED PACKETS", len(a.Datapaths), func(i int) string {
		x := a.Datapaths[i]
		return fmt.Sprintf("%s\t%d\t%s\t%s", x.Name, x.Key, x.OffloadPaths, x.Traffic.packets())
	})
	p.line("in the fallback", "%d paths", a.Total.Fallback)
	for _, r := range a.Reasons {
		where := ""
		if r.Stage != "" {
			where = " in " + r.Stage
		}
		p.item("%d: %s%s", r.Paths, r.Code, where)
		p.item("    cause, for example: %s", r.Cause)
		p.item("    fix: %s", r.Fix)
		if r.Origin != nil {
			p.item("    because of: %s", r.Origin)
		}
	}
	p.unnamed(a.NamesError)
	return p.String()
}

func (p *page) unnamed(why string) {
	if why != "" {
		p.line("names", "numbers of stages are in place of some names: %s", why)
	}
}

func (p *page) traffic(t OffloadTraffic) {
	p.line("in hardware", "%s", t.Hardware)
	p.line("kernel for it", "%s", t.Kernel)
	p.line("trapped", "%s", t.Trapped)
}

func (p *page) audit(a OffloadAudit) {
	if a.Last == nil {
		return
	}
	repaired := ""
	if a.Repaired != nil {
		repaired = ", put right last at " + a.Repaired.Format(time.RFC3339)
	}
	p.line("changed by others", "%d gone, %d changed, %d too much%s; all was looked at last at %s", a.Missing, a.Changed, a.Extra, repaired, a.Last.Format(time.RFC3339))
	for _, f := range a.Foreign {
		why := "; those in front of ours decide first"
		if f.Why != "" {
			why = ": nothing is offloaded there: " + f.Why
		}
		p.item("%s: %d entries of others%s", f.Device, f.Entries, why)
	}
}

// table writes rows below a heading, columns separated by tabs.
func (p *page) table(heading string, n int, row func(i int) string) {
	if n == 0 {
		return
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, heading)
	for i := range n {
		fmt.Fprintln(w, row(i))
	}
	w.Flush()
	for line := range strings.Lines(b.String()) {
		p.item("%s", strings.TrimRight(line, " \n"))
	}
}

// packets are three columns of a table.
func (t OffloadTraffic) packets() string {
	return fmt.Sprintf("%d\t%d\t%d", t.Hardware.Packets, t.Kernel.Packets, t.Trapped.Packets)
}
