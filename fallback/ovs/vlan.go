package ovs

import "github.com/sluice-gw/sluice/controlplane/ir"

// Parts of VLANTCI.
const (
	vlanPCP     = 0xe000
	vlanPresent = 0x1000 // there is a header; without one all is 0
	vlanVID     = 0x0fff
)

// split are the matches that together stand for m where m asks for the VLAN priority in a
// way that OpenFlow cannot: there it is compared as a whole, and only where there is a
// header (ovs-fields(7), "VLAN PCP"). "vlan.pcp > 3" is such a match, "vlan.tci == 0" and
// "vlan.tci[15] == 0" too. It is false where m itself will do.
func split(m ir.Match) (all []ir.Match, ok bool) {
	t, ok := m.Term(ir.VLANTCI)
	value, mask := t.Value.Lo, t.Mask.Lo
	if !ok || mask&vlanPCP == 0 || mask&vlanPCP == vlanPCP && value&vlanPresent != 0 {
		return nil, false
	}
	add := func(value, mask uint64) {
		terms := []ir.Term{ir.Masked(ir.VLANTCI, value, mask)}
		for t := range m.Terms() {
			if t.Field != ir.VLANTCI {
				terms = append(terms, t)
			}
		}
		one, _ := ir.NewMatch(terms...)
		all = append(all, one)
	}
	if value == 0 { // without a header
		add(0, mask&vlanVID|vlanPresent)
	}
	if mask&vlanPresent == 0 || value&vlanPresent != 0 {
		for pcp := uint64(0); pcp <= vlanPCP; pcp += vlanPresent << 1 {
			if pcp&mask == value&vlanPCP {
				add(value&vlanVID|vlanPresent|pcp, mask&vlanVID|vlanPresent|vlanPCP)
			}
		}
	}
	return all, true
}
