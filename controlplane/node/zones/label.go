package zones

import (
	"maps"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Since OVN 23.09 the zones of a datapath are known outside, in the integration
// bridge's memory and to people, by its name instead of its row's UUID, so that
// they outlive a Southbound database that is made anew. Inside they are always
// known by the UUID: names need not be unique.

const dnat, snat = "_dnat", "_snat"

// namesSince is the release that began with it.
var namesSince = struct{ major, minor int }{23, 9}

// Named are all assignments by the names that they have outside.
func (z *Zones) Named() map[string]uint16 {
	out := maps.Clone(z.byName)
	for dp, label := range z.labels {
		for _, suffix := range []string{dnat, snat} {
			id := dp.String() + suffix
			if n, ok := z.byName[id]; ok {
				delete(out, id)
				out[label+suffix] = n
			}
		}
	}
	return out
}

// adopt lets a datapath take over the zones that are remembered by its name, or
// were those of a datapath of this name that is not local any more.
func (z *Zones) adopt(dp ovsdb.UUID) {
	row := z.w.SB.DatapathBinding.Get(dp)
	if row == nil || row.ExternalIDs["name"] == "" {
		return
	}
	name := row.ExternalIDs["name"]
	for _, suffix := range []string{dnat, snat} {
		id := dp.String() + suffix
		if _, has := z.byName[id]; has {
			continue
		}
		if other, ok := z.labelled[name]; ok {
			if _, local := z.local.Key(other); !local {
				z.rename(other.String()+suffix, id)
			}
		} else if z.w.SB.PortBindingByLogicalPort.One(name+suffix) == nil {
			z.rename(name+suffix, id)
		}
	}
}

// rename keeps a zone for a new name of its owner.
func (z *Zones) rename(from, to string) {
	n, ok := z.byName[from]
	if !ok {
		return
	}
	delete(z.byName, from)
	z.byName[to] = n
	if z.fixed[from] {
		delete(z.fixed, from)
		z.fixed[to] = true
	} else {
		z.auto[n] = to
	}
	z.Changed[from], z.Changed[to], z.dirty = true, true, true
}

// label decides what a local datapath is called outside. Of several with one name
// the first has it.
func (z *Zones) label(dp ovsdb.UUID) {
	want := ""
	if row := z.w.SB.DatapathBinding.Get(dp); row != nil && z.named {
		want = row.ExternalIDs["name"]
	}
	if other, taken := z.labelled[want]; taken && other != dp {
		if _, local := z.local.Key(other); local {
			want = ""
		} else {
			delete(z.labels, other)
		}
	}
	if z.labels[dp] == want {
		return
	}
	z.unlabel(dp)
	if want != "" {
		z.labels[dp], z.labelled[want] = want, dp
	}
	z.dirty = true
}

func (z *Zones) unlabel(dp ovsdb.UUID) {
	if label, ok := z.labels[dp]; ok {
		delete(z.labels, dp)
		if z.labelled[label] == dp {
			delete(z.labelled, label)
		}
	}
}
