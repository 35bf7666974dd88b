package flower

import (
	"encoding/binary"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Gact is the generic action: nothing but its control (tc-gact of tc-actions(8)).
type Gact struct {
	// Random takes another control for some of the packets.
	Random RandomControl
}

// RandomControl is the random part of a Gact; the zero value is none.
type RandomControl struct {
	// Type is 1 for a random choice, 2 for every n-th packet (PGACT_NETRAND, PGACT_DETERM).
	Type    uint16
	Every   uint16 // one of so many packets, from 1 to 10000
	Control Control
}

// DropAll, PassAll, TrapAll and GotoChain make the usual actions that are only a control.
func DropAll() Action { return Action{Op: Gact{}, Control: Drop} }

// PassAll ends classification; see DropAll.
func PassAll() Action { return Action{Op: Gact{}, Control: Pass} }

// TrapAll hands packets to the CPU; see DropAll.
func TrapAll() Action { return Action{Op: Gact{}, Control: Trap} }

// GotoChain goes on in another chain; see DropAll.
func GotoChain(chain uint32) Action { return Action{Op: Gact{}, Control: Goto(chain)} }

const gactProb = 3

var gactFormat = opFormat{kind: "gact", parms: 2, tm: 1, pad: 4, end: 5, size: genSize}

// Kind implements Op.
func (Gact) Kind() string { return "gact" }

func (g Gact) encode(e *nl.Encoder, a *Action) error {
	putGen(e, gactFormat.parms, genSize, a)
	if g.Random == (RandomControl{}) {
		return nil
	}
	if g.Random.Type < 1 || g.Random.Type > 2 || g.Random.Every < 1 || g.Random.Every > 10000 {
		return invalid("gact random", "has type %d and value %d; the kernel knows types 1 and 2 and values from 1 to 10000",
			g.Random.Type, g.Random.Every)
	}
	if isGoto(g.Random.Control) {
		return invalid("gact random", "cannot go to a chain; only the action's own control can")
	}
	b := e.Reserve(gactProb, 8) // struct tc_gact_p
	binary.NativeEndian.PutUint16(b, g.Random.Type)
	binary.NativeEndian.PutUint16(b[2:], g.Random.Every)
	binary.NativeEndian.PutUint32(b[4:], uint32(g.Random.Control))
	return nil
}

func decodeGact(t *nl.Table) Op {
	var g Gact
	if b, ok := t.Sized(gactProb, 8); ok {
		g.Random = RandomControl{
			Type: binary.NativeEndian.Uint16(b), Every: binary.NativeEndian.Uint16(b[2:]),
			Control: Control(binary.NativeEndian.Uint32(b[4:])),
		}
	}
	return g
}

func (g Gact) text(w *writer, a *Action, s *ActionStatus) {
	name := "none"
	switch g.Random.Type {
	case 1:
		name = "netrand"
	case 2:
		name = "determ"
	}
	w.printf("gact action %s\n\t random type %s %s val %d\n", a.Control, name, g.Random.Control, g.Random.Every)
	w.references("\t ", a, s)
}
