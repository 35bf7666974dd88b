package flower

import (
	"encoding/binary"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Pedit rewrites bytes of headers (tc-pedit(8), extended form). It does not update checksums; a Csum after it does.
type Pedit struct {
	Keys []PeditKey // PeditSet and its like make them
}

// A PeditKey changes 32 bits: the bits of Keep stay, the others become those of Value, or have Value added. The bytes of
// Value and Keep are in the order of the packet, the first in the highest bits.
type PeditKey struct {
	Header      PeditHeader
	Add         bool
	Offset      int32 // in bytes from the start of the header, a multiple of 4
	Value, Keep uint32
}

// PeditHeader is where an offset is counted from (TCA_PEDIT_KEY_EX_HDR_TYPE_*). The kernel takes packets for what the header
// says without looking: the filter must match on it.
type PeditHeader uint16

// The headers.
const (
	PeditNetwork PeditHeader = 0 // whatever follows the Ethernet header
	PeditEth     PeditHeader = 1
	PeditIPv4    PeditHeader = 2
	PeditIPv6    PeditHeader = 3
	PeditTCP     PeditHeader = 4
	PeditUDP     PeditHeader = 5
)

var peditNames = [...]string{PeditEth: "eth", PeditIPv4: "ipv4", PeditIPv6: "ipv6", PeditTCP: "tcp", PeditUDP: "udp"}

// Attributes of the action, TCA_PEDIT_*. The structure struct tc_pedit_sel is tc_gen, the number of keys, flags, 2 bytes of
// padding, and the keys of 24 bytes each.
const (
	peditKeysEx = 5
	peditKeyEx  = 6
	peditHType  = 1
	peditCmd    = 2

	peditSelSize = genSize + 4
	peditKeySize = 24
	maxPeditKeys = 255
)

var peditFormat = opFormat{kind: "pedit", parms: 4, tm: 1, pad: 3, end: peditKeyEx + 1}

// Kind implements Op.
func (Pedit) Kind() string { return "pedit" }

func (p Pedit) encode(e *nl.Encoder, a *Action) error {
	if len(p.Keys) == 0 || len(p.Keys) > maxPeditKeys {
		return invalid("pedit", "has %d keys; it can have 1 to %d", len(p.Keys), maxPeditKeys)
	}
	for _, k := range p.Keys {
		if int(k.Header) >= len(peditNames) || k.Offset%4 != 0 {
			return invalid("pedit", "has a key for header %d and offset %d; the largest header is %d, offsets are multiples of 4",
				k.Header, k.Offset, len(peditNames)-1)
		}
	}
	b := putGen(e, peditFormat.parms, peditSelSize+len(p.Keys)*peditKeySize, a)
	b[0] = uint8(len(p.Keys))
	for i, k := range p.Keys {
		key := b[4+i*peditKeySize:]
		binary.BigEndian.PutUint32(key, k.Keep)
		binary.BigEndian.PutUint32(key[4:], k.Value)
		binary.NativeEndian.PutUint32(key[8:], uint32(k.Offset))
	}
	list := e.Begin(peditKeysEx | nl.Nested)
	for _, k := range p.Keys {
		key := e.Begin(peditKeyEx | nl.Nested)
		e.U16(peditHType, uint16(k.Header))
		add := uint16(0)
		if k.Add {
			add = 1
		}
		e.U16(peditCmd, add)
		e.End(key)
	}
	e.End(list)
	return nil
}

// decodePedit represents the extended form without variable offsets ("at"), which is all that sluice and Open vSwitch write.
func decodePedit(t *nl.Table, b []byte) Op {
	if len(b) < 4 || int(b[0]) == 0 || len(b) != 4+int(b[0])*peditKeySize || b[1] != 0 {
		return nil
	}
	keys := make([]PeditKey, b[0])
	for i := range keys {
		key := b[4+i*peditKeySize:]
		keys[i].Keep = binary.BigEndian.Uint32(key)
		keys[i].Value = binary.BigEndian.Uint32(key[4:])
		keys[i].Offset = int32(binary.NativeEndian.Uint32(key[8:]))
		if keys[i].Offset%4 != 0 || [12]byte(key[12:peditKeySize]) != [12]byte{} {
			return nil
		}
	}
	list, _ := t.Bytes(peditKeysEx)
	for i := range keys {
		a, rest, ok, err := nl.NextAttr(list)
		if err != nil || !ok || a.Kind() != peditKeyEx || !keys[i].decode(a.Data) {
			return nil
		}
		list = rest
	}
	if len(list) != 0 {
		return nil
	}
	return Pedit{Keys: keys}
}

func (k *PeditKey) decode(b []byte) bool {
	var slots [peditCmd + 1]nl.Attr
	t := nl.NewTable(slots[:])
	if t.Parse(b) != nil {
		return false
	}
	header, ok := t.U16(peditHType)
	cmd, ok2 := t.U16(peditCmd)
	k.Header, k.Add = PeditHeader(header), cmd == 1
	return ok && ok2 && cmd <= 1 && int(header) < len(peditNames) && t.IsEmpty()
}

func (p Pedit) text(w *writer, a *Action, s *ActionStatus) {
	w.printf(" pedit action %s keys %d\n \t index %d ref %d bind %d", a.Control, len(p.Keys), a.Index, s.Refs, s.Binds)
	w.times(s)
	for i, k := range p.Keys {
		w.printf("\n\t key #%d  at ", i)
		if k.Header == PeditNetwork {
			w.printf("%d", k.Offset)
		} else {
			w.printf("%s%+d", peditNames[k.Header], k.Offset)
		}
		cmd := "val"
		if k.Add {
			cmd = "add"
		}
		w.printf(": %s %08x mask %08x", cmd, k.Value, k.Keep)
	}
	w.printf("\n")
}
