package devlink

import (
	"errors"

	"github.com/mdlayher/netlink"
)

// Handle names a devlink device: pci and 0000:03:00.0, for example.
type Handle struct {
	Bus, Name string
}

// String is the name as devlink(8) takes it: pci/0000:03:00.0.
func (h Handle) String() string { return h.Bus + "/" + h.Name }

// errNoHandle says that a message names no device.
var errNoHandle = errors.New("it names no device")

// take reads the attribute of d that is a part of the name, and tells whether it was one.
func (h *Handle) take(d *netlink.AttributeDecoder) bool {
	switch d.Type() {
	case attrBusName:
		h.Bus = d.String()
	case attrDevName:
		h.Name = d.String()
	default:
		return false
	}
	return true
}

func (h *Handle) check() error {
	if h.Bus == "" || h.Name == "" {
		return errNoHandle
	}
	return nil
}

// ask is the name in a request.
func (h *Handle) ask(e *netlink.AttributeEncoder) {
	e.String(attrBusName, h.Bus)
	e.String(attrDevName, h.Name)
}

// decodeHandle reads an answer to cmdGet.
func decodeHandle(d *netlink.AttributeDecoder) (h Handle, err error) {
	for d.Next() {
		h.take(d)
	}
	return h, h.check()
}
