package devlink

import (
	"fmt"

	"github.com/mdlayher/netlink"
)

// Port is one port of a device.
type Port struct {
	Handle  Handle
	Index   uint32
	Flavour Flavour
	// Number is that of a physical port.
	Number uint32
	// PF, VF and SF number what is at the other side of the port; Controller and External tell whether that is another host, for
	// example the one that a DPU is plugged into.
	Controller uint32
	External   bool
	PF, VF     uint16
	SF         uint32
	// Ifindex and Netdev are the port's network device in this namespace, 0 and "" for none.
	Ifindex int32
	Netdev  string
}

// Flavour is what a port leads to.
type Flavour uint16

// The flavours (enum devlink_port_flavour) that matter here.
const (
	Physical  Flavour = 0      // the network
	PCIPF     Flavour = 3      // a physical function; this and the next are ports of the eSwitch: the network device is a representor
	PCIVF     Flavour = 4      // a virtual function
	Virtual   Flavour = 5      // no port of an eSwitch: the network device of a function itself
	PCISF     Flavour = 7      // a subfunction
	NoFlavour Flavour = 0xffff // a kernel before 4.18 does not say
)

// String is the flavour as devlink(8) has it.
func (f Flavour) String() string {
	return nameOf([]string{"physical", "cpu", "dsa", "pcipf", "pcivf", "virtual", "unused", "pcisf"}, f)
}

// MarshalText is String.
func (f Flavour) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// Function is what is at the other side of a port of the eSwitch, in words: "VF 3 of PF 0".
func (p *Port) Function() string {
	text := ""
	switch p.Flavour {
	case PCIPF:
		text = fmt.Sprintf("PF %d", p.PF)
	case PCIVF:
		text = fmt.Sprintf("VF %d of PF %d", p.VF, p.PF)
	case PCISF:
		text = fmt.Sprintf("SF %d of PF %d", p.SF, p.PF)
	default:
		return ""
	}
	if p.External {
		text += fmt.Sprintf(" of controller %d", p.Controller)
	}
	return text
}

// decodePort reads an answer to cmdPortGet.
func decodePort(d *netlink.AttributeDecoder) (p Port, err error) {
	p.Flavour = NoFlavour
	for d.Next() {
		switch d.Type() {
		case attrPortIndex:
			p.Index = d.Uint32()
		case attrPortIfindex:
			p.Ifindex = int32(d.Uint32())
		case attrPortNetdev:
			p.Netdev = d.String()
		case attrPortFlavour:
			p.Flavour = Flavour(d.Uint16())
		case attrPortNumber:
			p.Number = d.Uint32()
		case attrPortPFNumber:
			p.PF = d.Uint16()
		case attrPortVFNumber:
			p.VF = d.Uint16()
		case attrPortSFNumber:
			p.SF = d.Uint32()
		case attrPortController:
			p.Controller = d.Uint32()
		case attrPortExternal:
			p.External = d.Uint8() != 0
		default:
			p.Handle.take(d)
		}
	}
	return p, p.Handle.check()
}
