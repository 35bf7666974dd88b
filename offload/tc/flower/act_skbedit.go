package flower

import (
	"encoding/binary"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Skbedit sets what the kernel keeps with a packet beside its bytes (tc-skbedit(8)).
type Skbedit struct {
	Queue    Opt[uint16]    // transmit queue
	Priority Opt[uint32]    // skb->priority, which can be a class of a qdisc
	Mark     Masked[uint32] // firewall mark
	Type     Opt[uint16]    // PACKET_HOST and so on, linux/if_packet.h
	// InheritDSField takes the priority from the packet's DSCP.
	InheritDSField bool
}

// Attributes of the action, TCA_SKBEDIT_*. The last queue of a range (Linux 5.19) is not known: such an action is Raw.
const (
	skbPriority = 3
	skbQueue    = 4
	skbMark     = 5
	skbType     = 7
	skbMask     = 8
	skbFlags    = 9

	skbInheritDSField = 0x20 // of skbFlags
)

var skbeditFormat = opFormat{kind: "skbedit", parms: 2, tm: 1, pad: 6, end: skbFlags + 1, size: genSize}

var packetTypes = [...]string{"host", "broadcast", "multicast", "otherhost"}

// Kind implements Op.
func (Skbedit) Kind() string { return "skbedit" }

func (k Skbedit) encode(e *nl.Encoder, a *Action) error {
	if k == (Skbedit{}) && a.Index == 0 {
		return invalid("skbedit", "changes nothing")
	}
	if int(k.Type.Value) >= len(packetTypes) {
		return invalid("skbedit", "has packet type %d; the largest is %d, for another host", k.Type.Value, len(packetTypes)-1)
	}
	putGen(e, skbeditFormat.parms, skbeditFormat.size, a)
	if k.Queue.Set {
		e.U16(skbQueue, k.Queue.Value)
	}
	if k.Priority.Set {
		e.U32(skbPriority, k.Priority.Value)
	}
	if k.Mark.Mask != 0 {
		e.U32(skbMark, k.Mark.Value)
		if k.Mark.Mask != 0xffffffff {
			e.U32(skbMask, k.Mark.Mask)
		}
	}
	if k.Type.Set {
		e.U16(skbType, k.Type.Value)
	}
	if k.InheritDSField {
		e.U64(skbFlags, skbInheritDSField)
	}
	return nil
}

func decodeSkbedit(t *nl.Table) Op {
	var k Skbedit
	k.Queue.Value, k.Queue.Set = t.U16(skbQueue)
	k.Priority.Value, k.Priority.Set = t.U32(skbPriority)
	if b := t.Peek(skbMask); len(b) == 4 && binary.NativeEndian.Uint32(b) == 0 {
		return nil // a mark of which no bit is set
	}
	k.Mark = take32(t, skbMark, skbMask)
	k.Type.Value, k.Type.Set = t.U16(skbType)
	if int(k.Type.Value) >= len(packetTypes) {
		return nil
	}
	if flags, ok := t.U64(skbFlags); ok {
		if flags != skbInheritDSField {
			return nil
		}
		k.InheritDSField = true
	}
	return k
}

func (k Skbedit) text(w *writer, a *Action, s *ActionStatus) {
	w.printf("skbedit ")
	if k.Queue.Set {
		w.printf("queue_mapping %d", k.Queue.Value)
	}
	if k.Priority.Set {
		w.printf(" priority %s", classText(k.Priority.Value))
	}
	if k.Mark.IsSet() {
		w.printf(" mark %d", k.Mark.Value)
		if k.Mark.Mask != 0xffffffff {
			w.printf("/%#x", k.Mark.Mask)
		}
	}
	if k.Type.Set {
		w.printf(" ptype %s", packetTypes[k.Type.Value])
	}
	if k.InheritDSField {
		w.printf(" inheritdsfield")
	}
	w.printf(" %s\n", a.Control)
	w.references("\t ", a, s)
}
