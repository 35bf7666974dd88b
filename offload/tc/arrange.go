package tc

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// takePorts takes over which ports there are, and tells whether anything that actions depend on has changed.
func (t *Target) takePorts(delta *offload.Delta) (changed bool) {
	for _, n := range delta.DelPorts {
		changed = changed || t.ports[n] != nil
		delete(t.ports, n)
	}
	for _, p := range delta.Ports {
		o := &outlet{Port: p}
		if link, err := t.link(&p); err == nil {
			o.Ifindex, o.lack = link.Ifindex, t.lack(link.Ifindex)
		} else {
			o.Ifindex = 0
		}
		if p.Tunnel != nil && p.Tunnel.DF && !t.probed.noFrag {
			u := *p.Tunnel // before Linux 6.4 tc cannot set the bit, and does not say so
			u.DF = false
			o.Tunnel = &u
		}
		old := t.ports[p.Ofport]
		changed = changed || old == nil || !old.equal(o)
		t.ports[p.Ofport] = o
	}
	return changed
}

// link is the device of a port: the one with its number if it has one, else that with its name.
func (t *Target) link(p *offload.Port) (Link, error) {
	if p.Ifindex != 0 {
		return t.cfg.Links.ByIndex(p.Ifindex)
	}
	return t.cfg.Links.ByName(p.Device)
}

func (o *outlet) equal(x *outlet) bool {
	a, b := o.Port, x.Port
	a.Tunnel, b.Tunnel = nil, nil
	a.Bridge, b.Bridge = nil, nil // its addresses are in the paths
	sameBridge := (o.Bridge == nil) == (x.Bridge == nil) && (o.Bridge == nil || o.Bridge.VLAN == x.Bridge.VLAN)
	return o.lack == x.lack && a == b && sameBridge &&
		(o.Tunnel == nil) == (x.Tunnel == nil) && (o.Tunnel == nil || *o.Tunnel == *x.Tunnel)
}

// arrange finds out which devices there are. The failures are of ports that have none.
func (t *Target) arrange(changed bool) (failures []offload.Failure) {
	for _, d := range t.devices {
		d.ports, d.shut = nil, nil
		if changed {
			d.renew()
		}
	}
	for _, p := range t.sortedPorts() {
		if p.Mode == offload.Off {
			continue
		}
		why := ""
		switch {
		case !p.usable():
			why = ErrNoLink.Error()
		case len(p.programs()) == 0:
			why = p.lack.Why
		}
		if why != "" {
			failures = append(failures, offload.Failure{
				Segment: flatten.IngressID(p.Ofport), Kind: backend.Transient, Detail: fmt.Sprintf("device %q: %s", p.Device, why),
			})
			continue
		}
		d := t.devices[p.hook()]
		if d == nil {
			d = newDevice(p.hook(), p.Device)
			t.devices[d.hook] = d
		}
		d.ports = append(d.ports, p)
	}
	return failures
}

// sortedPorts are the ports by number.
func (t *Target) sortedPorts() []*outlet {
	return slices.SortedFunc(maps.Values(t.ports), func(a, b *outlet) int { return cmp.Compare(a.Ofport, b.Ofport) })
}
