package admin

import (
	"cmp"
	"fmt"
)

// Text is the answer as one page.
func (a OffloadDevices) Text() string {
	p := &page{}
	p.line("kernel", "Linux %s", a.Kernel)
	list(p, "cards", len(a.Cards), a.Cards, func(c OffloadCard) {
		eswitch := "no eSwitch"
		if c.Eswitch != nil {
			eswitch = fmt.Sprintf("eSwitch in %s mode, inline mode %s, encapsulation %v", c.Eswitch, c.Inline, *c.Encap)
		}
		p.item("%s: %s, firmware %s, %d ports, %s", c.Address, cmp.Or(c.Driver, "driver not known"), cmp.Or(c.Firmware, "not known"), c.Ports, eswitch)
	})
	p.line("devices", "%d", len(a.Devices))
	p.table("NAME\tKIND\tWHAT\tADDRESS\tESWITCH\tDRIVER\tHW-TC-OFFLOAD\tSWITCH ID\tBRIDGE\tOFPORT\tLOGICAL PORT\tMODE", len(a.Devices), func(i int) string {
		d := a.Devices[i]
		ofport, mode := "", ""
		if d.Ofport != 0 {
			ofport = fmt.Sprint(d.Ofport)
		}
		if d.Mode != nil {
			mode = d.Mode.String()
		}
		row := fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", d.Name, d.Kind, dash(d.What), dash(cmp.Or(d.Function, d.Address)), dash(d.Eswitch), dash(d.Driver),
			d.HWTC, dash(d.SwitchID), dash(d.Bridge), dash(ofport), dash(d.LogicalPort))
		return row + "\t" + dash(mode)
	})
	for _, d := range a.Devices {
		if d.Interface != "" {
			p.item("%s: Open vSwitch knows it as interface %s", d.Name, d.Interface)
		}
		for _, t := range d.Tunnels {
			p.item("%s: packets to %s leave by %s", d.Name, t.Remote, t.By)
		}
		if d.Why != "" {
			p.item("%s: not in hardware: %s", d.Name, d.Why)
			p.item("    fix: %s", d.Fix)
		}
	}
	for _, m := range a.Missing {
		p.item("interface %s of %s has no network device: %s", m.Interface, m.Bridge, m.Error)
	}
	for _, u := range a.Unknown {
		p.line("not known", "%s", u)
	}
	return p.String()
}

// dash stands for what is not there, so that columns stay columns.
func dash(s string) string { return cmp.Or(s, "-") }
