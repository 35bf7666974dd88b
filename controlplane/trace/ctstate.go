package trace

import (
	"fmt"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// ParseCT reads names of bits of ct_state, separated by commas, blanks or "|". The
// packet is tracked in any case.
func ParseCT(text string) (uint64, error) {
	state := uint64(ir.CTTrk)
	for _, name := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t|", r) }) {
		bit := uint64(0)
		for b := uint64(ir.CTNew); b <= ir.CTDNAT; b <<= 1 {
			if ir.CTStateString(b) == name {
				bit = b
			}
		}
		if bit == 0 {
			return 0, fmt.Errorf("connection state %q: no flag %q: want some of new, est, rel, rpl, inv, trk, snat, dnat", text, name)
		}
		state |= bit
	}
	return state, nil
}
