package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/offload"
)

// OffloadCaps is the answer of offload/caps to who asked for JSON.
type OffloadCaps struct {
	OffloadState
	Caps *offload.Caps `json:"caps,omitempty"` // what was probed; nil when there is an obstacle
}

func (t *table) offloadCaps(ctx context.Context) (a OffloadCaps, err error) {
	a.OffloadState, err = t.look(ctx, nil, func(v reconcile.View) {
		a.Caps = capsOf(v)
	})
	return a, err
}

// capsOf are the target's, of devices those that ports have.
func capsOf(v reconcile.View) *offload.Caps {
	caps := v.Planner.Caps()
	all := caps.Devices
	caps.Devices = map[string]offload.Lack{}
	for _, p := range v.Setting.Ports {
		if lack, has := all[p.Device]; has {
			caps.Devices[p.Device] = lack
		}
	}
	return &caps
}

// Text is the answer as one page.
func (a OffloadCaps) Text() string {
	p := &page{}
	a.text(p)
	c := a.Caps
	if c == nil {
		return p.String()
	}
	p.line("probed", "%s", c.Target)
	p.fields("matches", c.Match)
	p.fields("rewrites", c.Set)
	p.line("amounts", "for one packet")
	for _, x := range []struct {
		what string
		is   offload.Amount
	}{{"decrements of the TTL", c.DecTTL}, {"VLAN headers taken off", c.PopVLAN}, {"VLAN headers put on", c.Push}, {"ports that it is put out by", c.Outputs}} {
		p.item("%s: %d%s", x.what, x.is.Max, lack(x.is.Lack))
	}
	all, can := 0, 0
	for _, is := range c.Abilities() {
		all++
		if is.Can {
			can++
		}
	}
	p.line("abilities", "%d of %d", can, all)
	for name, is := range c.Abilities() {
		p.item("%s: %s", name, able(is))
	}
	p.line("tunnels", "%d", len(c.Tunnels))
	for _, name := range slices.Sorted(maps.Keys(c.Tunnels)) {
		p.item("%s: %s", name, able(c.Tunnels[name]))
	}
	p.line("room", "%s entries, %s tables", bound(c.Entries), bound(c.Tables))
	devices := slices.Sorted(maps.Keys(c.Devices))
	list(p, "not in hardware", len(devices), devices, func(name string) { p.item("%s%s", name, lack(c.Devices[name])) })
	return p.String()
}

func (p *page) fields(heading string, fs offload.Fields) {
	p.line(heading, "%d fields", len(fs))
	for _, f := range slices.Sorted(maps.Keys(fs)) {
		a := fs[f]
		mask := ""
		if a.Mask != ir.Ones(f.Width()) {
			mask = " of " + a.Mask.String()
		}
		p.item("%s: %s%s%s", f, forms[a.Form], mask, lack(a.Lack))
	}
}

var forms = map[offload.Form]string{offload.Whole: "all bits at once", offload.Prefix: "prefixes", offload.Ternary: "any bits"}

func able(a offload.Ability) string {
	if a.Can {
		return "yes" + lack(a.Lack)
	}
	return "no" + lack(a.Lack)
}

func lack(l offload.Lack) string {
	switch {
	case l.Why == "" && l.Fix == "":
		return ""
	case l.Fix == "":
		return fmt.Sprintf(" (%s)", l.Why)
	}
	return fmt.Sprintf(" (%s; fix: %s)", l.Why, l.Fix)
}

func bound(n int) string {
	if n == 0 {
		return "any number of"
	}
	return fmt.Sprint(n)
}
