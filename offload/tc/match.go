package tc

import (
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// place is where a table is put: what is known of the packets there.
type place struct {
	tunnel  string // type of the tunnels that they come out of, "" if they come in by none
	inPort  uint32 // of an ingress; 0 else
	tracked bool
	kinds   kinds // that are let in
	owner   owner

	asks, knows terms // memory of ask and act
}

// asked is what an ir.Match amounts to in flower: one match for each kind of packets. Without any, no packet comes that passes.
type asked struct {
	matches []flower.Match
	kinds   kinds    // that can pass
	wide    ir.Match // what the matches ask for, which is less where something is lacking
	lacks   []string // what flower has no key for
}

// ask translates a match.
func (p *place) ask(m ir.Match, conditions []flatten.Condition) asked {
	t := p.asks.of(m)
	a := asked{}
	lack := func(format string, args ...any) { a.lacks = append(a.lacks, fmt.Sprintf(format, args...)) }
	for _, c := range conditions {
		switch {
		case c.Kind == flatten.MoreTags && c.N > 0 && !c.Not:
			return asked{} // nothing with two VLAN headers is let in
		case c.Kind == flatten.MoreTags && c.N > 0:
		default:
			lack("flower cannot ask whether a packet is, or goes to, %s", c)
		}
	}
	types, whole := typesOf(t)
	if !whole {
		lack("flower cannot match a part of %s", ir.EthType)
		t.mask[ir.EthType] = ir.Value{}
	}
	var base flower.Match
	for _, f := range []func(*place, *terms, *flower.Match) (bool, []string){(*place).askEthernet, (*place).askIP, (*place).askTransport,
		(*place).askARP, (*place).askTunnel, (*place).askConnection, (*place).askRest} {
		never, lacks := f(p, t, &base)
		if never {
			return asked{}
		}
		a.lacks = append(a.lacks, lacks...)
	}
	a.wide = t.match()
	p.spread(t, base, types, &a)
	return a
}

// spread makes a match of each kind of packets that can pass.
func (p *place) spread(t *terms, base flower.Match, types []flower.EtherType, a *asked) {
	tag, plain, tagged, why := askTag(t)
	if why != "" {
		a.lacks = append(a.lacks, why)
		a.wide = t.match() // without what is lacking
	}
	plain, tagged = plain && p.kinds&allPlain != 0, tagged && p.kinds&allTagged != 0
	a.kinds = kindsOf(types, plain, tagged) & p.kinds
	if a.kinds == 0 {
		return
	}
	any := len(types) == len(etherTypes) && !t.asks(ir.EthType)
	if any && plain && tagged == (p.kinds&allTagged != 0) && tag == (flower.Tag{}) {
		a.matches = append(a.matches, base) // all that is let in
		return
	}
	for i, typ := range etherTypes {
		if a.kinds&(plainIPv4<<i) != 0 {
			m := base
			m.EthType = typ
			a.matches = append(a.matches, m)
		}
	}
	if any && a.kinds&allTagged != 0 {
		m := base
		m.VLAN = tag
		m.VLAN.TPID = flower.EtherVLAN
		a.matches = append(a.matches, m)
		return
	}
	for i, typ := range etherTypes {
		if a.kinds&(taggedIPv4<<i) != 0 {
			m := base
			m.EthType, m.VLAN = typ, tag
			m.VLAN.TPID = flower.EtherVLAN
			a.matches = append(a.matches, m)
		}
	}
	a.matches = slices.Clip(a.matches)
}

// vlanPresent is the bit of ir.VLANTCI that says that there is a header.
const vlanPresent = 1 << 12

// askTag says which packets pass what t asks of the VLAN header: those without, those with one, or both.
func askTag(t *terms) (tag flower.Tag, plain, tagged bool, lack string) {
	val, mask := t.val[ir.VLANTCI].Lo, t.mask[ir.VLANTCI].Lo
	plain, tagged = val == 0, mask&vlanPresent == 0 || val&vlanPresent != 0
	switch mask & 0xfff {
	case 0:
	case 0xfff:
		tag.ID = flower.Some(uint16(val & 0xfff))
	default:
		lack = fmt.Sprintf("flower cannot match a part of the VLAN ID (%s/%#x)", ir.VLANTCI, mask)
		t.mask[ir.VLANTCI].Lo &^= 0xfff
	}
	switch mask & 0xe000 {
	case 0:
	case 0xe000:
		tag.Prio = flower.Some(uint8(val >> 13))
	default:
		lack = fmt.Sprintf("flower cannot match a part of the VLAN priority (%s/%#x)", ir.VLANTCI, mask)
		t.mask[ir.VLANTCI].Lo &^= 0xe000
	}
	t.val[ir.VLANTCI] = t.val[ir.VLANTCI].And(t.mask[ir.VLANTCI])
	return tag, plain, tagged, lack
}
