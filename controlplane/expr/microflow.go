package expr

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// ErrAmbiguous and ErrContradictory say why an expression is no microflow.
var (
	ErrAmbiguous     = errors.New("constraints are ambiguous: more than one kind of packet matches, such as IPv4 and IPv6, or a range of values; state one")
	ErrContradictory = errors.New("constraints are contradictory: no packet can match all of them")
)

// Microflow makes the packet that e describes: each field has the value that e
// asks for, prerequisites are implied ("ip4.src == 10.0.0.1" makes an IPv4 packet),
// and what e does not mention is 0 (ovn-trace(8), inject-pkt of ovn-controller(8)).
// The error wraps
// ErrAmbiguous, ErrContradictory, or one of Compile's.
func Microflow(e Expr, env Env) (*ir.Packet, error) {
	matches, _, err := Compile(e, env)
	switch {
	case err != nil:
		return nil, fmt.Errorf("microflow: %w", err)
	case len(matches) == 0:
		return nil, fmt.Errorf("microflow: %w", ErrContradictory)
	case len(matches) > 1 || len(matches[0].Dims) > 0:
		return nil, fmt.Errorf("microflow: %w", ErrAmbiguous)
	}
	return ir.NewPacket(slices.Collect(matches[0].Base.Terms())...)
}
