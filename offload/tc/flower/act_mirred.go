package flower

import (
	"encoding/binary"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Mirred sends packets, or copies of them, to a device (tc-mirred(8)).
type Mirred struct {
	Ifindex int32
	// Ingress hands them to the device as if it had received them; otherwise it transmits them.
	Ingress bool
	// Mirror sends copies; otherwise the packet is gone.
	Mirror bool
}

// Redirect transmits packets on a device and ends.
func Redirect(ifindex int32) Action { return Action{Op: Mirred{Ifindex: ifindex}, Control: Stolen} }

// Mirror transmits copies on a device and goes on with the next action.
func Mirror(ifindex int32) Action {
	return Action{Op: Mirred{Ifindex: ifindex, Mirror: true}, Control: Pipe}
}

// struct tc_mirred is tc_gen and these two words: what to do (TCA_EGRESS_REDIR, TCA_EGRESS_MIRROR and the same for ingress,
// from 1 to 4), and the device.
var mirredFormat = opFormat{kind: "mirred", parms: 2, tm: 1, pad: 3, end: 4, size: genSize + 8}

// Kind implements Op.
func (Mirred) Kind() string { return "mirred" }

func (m Mirred) encode(e *nl.Encoder, a *Action) error {
	what := uint32(1)
	if m.Mirror {
		what++
	}
	if m.Ingress {
		what += 2
	}
	b := putGen(e, mirredFormat.parms, mirredFormat.size, a)
	binary.NativeEndian.PutUint32(b, what)
	binary.NativeEndian.PutUint32(b[4:], uint32(m.Ifindex))
	return nil
}

func decodeMirred(b []byte) Op {
	what := binary.NativeEndian.Uint32(b)
	if what < 1 || what > 4 {
		return nil
	}
	return Mirred{Ifindex: int32(binary.NativeEndian.Uint32(b[4:])), Mirror: what%2 == 0, Ingress: what > 2}
}

func (m Mirred) text(w *writer, a *Action, s *ActionStatus) {
	direction, what := "Egress", "Redirect"
	if m.Ingress {
		direction = "Ingress"
	}
	if m.Mirror {
		what = "Mirror"
	}
	w.printf("mirred (%s %s to device %s) %s\n", direction, what, w.style.device(m.Ifindex), a.Control)
	w.references("\t", a, s)
}
