package devlink

import (
	"fmt"

	"github.com/mdlayher/netlink"
)

// Eswitch is the switch in a network card.
type Eswitch struct {
	Mode   Mode
	Inline Inline // which headers the card needs in front of it to send a packet of a VF
	Encap  bool   // it can encapsulate packets
}

// Mode is what an eSwitch does with packets.
type Mode uint16

// The modes (enum devlink_eswitch_mode).
const (
	Legacy    Mode = iota // it forwards by MAC address and VLAN, unseen by the kernel
	Switchdev             // the kernel programs it, and has a representor for each of its ports
)

// String is the mode as devlink(8) has it.
func (m Mode) String() string { return nameOf([]string{"legacy", "switchdev"}, m) }

// MarshalText is String.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// Inline is how many headers go in front (enum devlink_eswitch_inline_mode).
type Inline uint8

// String is the inline mode as devlink(8) has it.
func (i Inline) String() string { return nameOf([]string{"none", "link", "network", "transport"}, i) }

// MarshalText is String.
func (i Inline) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// nameOf is the name of a number, which kernels may have more of than names are known.
func nameOf[N ~uint8 | ~uint16](names []string, n N) string {
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprintf("unknown (%d)", n)
}

// decodeEswitch reads an answer to cmdEswitchGet. has is false for a device without a mode.
func decodeEswitch(d *netlink.AttributeDecoder) (e Eswitch, has bool, err error) {
	var h Handle
	for d.Next() {
		switch d.Type() {
		case attrEswitchMode:
			e.Mode, has = Mode(d.Uint16()), true
		case attrEswitchInlineMode:
			e.Inline = Inline(d.Uint8())
		case attrEswitchEncapMode:
			e.Encap = d.Uint8() != 0
		default:
			h.take(d)
		}
	}
	return e, has, h.check()
}
