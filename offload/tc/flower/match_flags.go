package flower

import "github.com/sluice-gw/sluice/internal/nl"

// PacketFlags are properties of a packet that are no field (TCA_FLOWER_KEY_FLAGS_*).
type PacketFlags uint32

// The first two are for Match.IPFlags, the others for Tunnel.Flags.
const (
	Fragment           PacketFlags = 1 << 0 // any fragment
	FirstFragment      PacketFlags = 1 << 1
	TunnelChecksum     PacketFlags = 1 << 2
	TunnelDontFragment PacketFlags = 1 << 3
	TunnelOAM          PacketFlags = 1 << 4
	TunnelCritical     PacketFlags = 1 << 5 // Geneve: critical options present

	ipFlags     = Fragment | FirstFragment
	tunnelFlags = TunnelChecksum | TunnelDontFragment | TunnelOAM | TunnelCritical
)

// Not a fragment, and a fragment other than the first, as OVN asks for them.
var (
	NotFragment   = Masked[PacketFlags]{0, Fragment}
	LaterFragment = Masked[PacketFlags]{Fragment, Fragment | FirstFragment}
)

var flagNames = [...]string{"frag", "firstfrag", "tuncsum", "tundf", "tunoam", "tuncrit"}

func (m *Match) encodeFlags(e *nl.Encoder) error {
	if (m.IPFlags.Value|m.IPFlags.Mask)&^ipFlags != 0 {
		return invalid("ip_flags", "can be Fragment and FirstFragment, not %#x/%#x", uint32(m.IPFlags.Value), uint32(m.IPFlags.Mask))
	}
	putFlags(e, keyIPFlags, keyIPFlagsMask, m.IPFlags)
	return nil
}

func (m *Match) decodeFlags(t *nl.Table) {
	m.IPFlags = takeFlags(t, keyIPFlags, keyIPFlagsMask, ipFlags)
}

func (m *Match) textFlags(w *writer) {
	w.flags("ip_flags", m.IPFlags)
	w.flags("enc_flags", m.Tunnel.Flags)
	if m.L2Miss.Set {
		miss := 0
		if m.L2Miss.Value {
			miss = 1
		}
		w.key("l2_miss", "%d", miss)
	}
}

func putFlags(e *nl.Encoder, value, mask uint16, m Masked[PacketFlags]) {
	if m.Mask != 0 {
		e.BE32(value, uint32(m.Value))
		e.BE32(mask, uint32(m.Mask))
	}
}

// takeFlags leaves flags alone that are not known, and those without a mask, which the kernel does not accept.
func takeFlags(t *nl.Table, value, mask uint16, known PacketFlags) Masked[PacketFlags] {
	for _, key := range [...]uint16{value, mask} {
		b := t.Peek(key)
		if len(b) != 4 || b[0]|b[1]|b[2] != 0 || PacketFlags(b[3])&^known != 0 {
			return Masked[PacketFlags]{}
		}
	}
	v, _ := t.BE32(value)
	m, _ := t.BE32(mask)
	if m == 0 {
		return Masked[PacketFlags]{}
	}
	return Masked[PacketFlags]{PacketFlags(v), PacketFlags(m)}
}

// flags writes the flags that are matched on, those that must not be set with "no" before them.
func (w *writer) flags(name string, m Masked[PacketFlags]) {
	separator := "\n  " + name + " "
	for i, flag := range flagNames {
		bit := PacketFlags(1) << i
		if m.Mask&bit == 0 {
			continue
		}
		if m.Value&bit == 0 {
			flag = "no" + flag
		}
		w.printf("%s%s", separator, flag)
		separator = "/"
	}
}
