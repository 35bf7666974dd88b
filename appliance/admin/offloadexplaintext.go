package admin

import "strings"

// shown is how many paths the page of an explanation has.
const shown = 50

// Text is the explanation as one page.
func (a OffloadExplanation) Text() string {
	p := &page{}
	a.text(p)
	if a.Obstacle != "" {
		return p.String()
	}
	p.line("what", "%s", a.What)
	if a.Outcome != "" {
		p.line("outcome", "%s", a.Outcome)
	}
	p.line("paths", "%s", a.OffloadPaths)
	if a.Unreached > 0 {
		p.item("%d more could be, but no packets get to them in the target", a.Unreached)
	}
	p.traffic(a.Traffic)
	for i, x := range a.Paths[:min(len(a.Paths), shown)] {
		p.line("path", "%d of %s, at %s: %s", i+1, x.From, x.Stage, x.State)
		p.path(x)
	}
	if all := a.Offloaded + a.Fallback + a.Unreached; all > shown {
		p.line("and more", "%d paths; --output json has the first %d", all-shown, listed)
	}
	p.unnamed(a.NamesError)
	return p.String()
}

func (p *page) path(x OffloadPath) {
	p.item("match       %s", x.Match)
	if len(x.If) > 0 {
		p.item("if          %s", strings.Join(x.If, ", "))
	}
	p.item("actions     %s", x.Actions)
	if r := x.Reason; r != nil {
		p.item("reason      %s: %s", r.Code, r.Cause)
		p.item("fix         %s", r.Fix)
		if o := r.Origin; o != nil {
			p.item("because of  %s", o)
			if o.Match != "" {
				p.item("            match %s; actions %s", o.Match, o.Actions)
			}
		}
	}
	for _, c := range []struct {
		by string
		n  Traffic
	}{{"hardware", x.Traffic.Hardware}, {"kernel", x.Traffic.Kernel}, {"trapped", x.Traffic.Trapped}} {
		if c.n.Packets > 0 || c.by == "hardware" && x.State == "offloaded" {
			p.item("%-10s  %s", c.by, c.n)
		}
	}
}
