package admin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
)

// dumps are the commands that show what the nodes of the engine hold.
func (t *table) dumps() {
	t.show("debug/dump-local-bindings", func(c *controller.Controller) string { return bindingsText(c.LocalBindings()) })
	t.show("debug/dump-related-ports", func(c *controller.Controller) string { return lines(c.RelatedPorts()) })
	t.show("debug/dump-local-datapaths", func(c *controller.Controller) string { return datapathsText(c.LocalDatapaths()) })
	t.show("debug/dump-peer-ports", func(c *controller.Controller) string { return peersText(c.LocalDatapaths()) })
	t.show("debug/dump-mac-bindings", func(c *controller.Controller) string { return neighborsText(c.MACBindings()) })
	t.show("debug/dump-local-template-vars", func(c *controller.Controller) string { return templatesText(c.TemplateVars()) })
}

func bindingsText(list []controller.LocalBinding) string {
	var b strings.Builder
	b.WriteString("Local bindings:\n")
	for _, lb := range list {
		n := len(lb.Children)
		if lb.Primary.Name != "" {
			n++
		}
		fmt.Fprintf(&b, "name: [%s], OVS interface name : [%s], num binding lports : [%d]\n", lb.Name, cmp.Or(lb.Iface, "NULL"), n)
		switch {
		case n == 0:
		case lb.Primary.Name == "":
			b.WriteString("no primary lport\n")
		case lb.Primary.Kind == binding.Localport:
			fmt.Fprintf(&b, "localport lport : [%s]\n", lb.Primary.Name)
		default:
			fmt.Fprintf(&b, "primary lport : [%s]\n", lb.Primary.Name)
		}
		for i, p := range lb.Children {
			fmt.Fprintf(&b, "child lport[%d] : [%s], type : [%s]\n", i+1, p.Name, p.Kind)
		}
		b.WriteString(strings.Repeat("-", 40) + "\n")
	}
	return b.String()
}

func datapathsText(list []controller.LocalDatapath) string {
	var b strings.Builder
	b.WriteString("Local datapaths:\n")
	for _, d := range list {
		kind := "router"
		if d.Switch {
			kind = "switch"
		}
		fmt.Fprintf(&b, "Datapath: %s, type: %s\n", d.Name, kind)
	}
	return b.String()
}

func peersText(list []controller.LocalDatapath) string {
	var b strings.Builder
	for _, d := range list {
		for _, p := range d.Peers {
			fmt.Fprintf(&b, "dp %s : local = %s, remote = %s\n", cmp.Or(d.Name, "unknown"), p.Local, p.Remote)
		}
	}
	return b.String()
}

// neighborsText has port-key 0 in each line as the C program has it, whose cache
// does not tell ports apart. That program lists only what may age; this is all.
func neighborsText(list []controller.MACBinding) string {
	var b strings.Builder
	b.WriteString("Local MAC bindings:\n")
	for _, m := range list {
		fmt.Fprintf(&b, "cookie: 0x%08x, datapath-key: %d, port-key: 0, ip: %s, mac: %s\n", m.Cookie, m.Datapath, m.IP, m.MAC)
	}
	return b.String()
}

func templatesText(vars map[string]string) string {
	var b strings.Builder
	b.WriteString("Local template vars:\n")
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		fmt.Fprintf(&b, "name: '%s' value: '%s'\n", name, vars[name])
	}
	return b.String()
}
