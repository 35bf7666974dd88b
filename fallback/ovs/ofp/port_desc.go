package ofp

import (
	"bytes"
	"fmt"
	"net"
)

// PortDesc describes a port of the bridge.
type PortDesc struct {
	Port   Port
	Name   string // as in OpenFlow: 15 bytes at most
	HWAddr net.HardwareAddr
	Config uint32 // OFPPC_*; bit 0: the port is down by configuration
	State  uint32 // OFPPS_*; bit 0: no link, bit 1: blocked, bit 2: live
}

// PortStatus says that a port was added, removed or changed.
type PortStatus struct {
	Reason PortReason
	Desc   PortDesc
}

// PortReason is what happened to the port (OFPPR_*).
type PortReason uint8

// The reasons.
const (
	PortAdded PortReason = iota
	PortDeleted
	PortModified
)

const portNameLen = 16

// portDesc reads one ofp_port with its properties.
func (r *reader) portDesc() PortDesc {
	start := len(r.b)
	d := PortDesc{Port: Port(r.u32())}
	n := int(r.u16())
	r.skip(2)
	d.HWAddr = net.HardwareAddr(bytes.Clone(r.take(6)))
	r.skip(2)
	name, _, _ := bytes.Cut(r.take(portNameLen), []byte{0})
	d.Name = string(name)
	d.Config, d.State = r.u32(), r.u32()
	if used := start - len(r.b); r.err == nil && n < used {
		r.fail("%s: port %s says its length is %d, must be %d at least", r.what, d.Port, n, used)
	} else {
		r.skip(n - used)
	}
	return d
}

func decodePortStatus(b []byte) (*PortStatus, error) {
	r := reader{b: b, what: "port status"}
	s := &PortStatus{Reason: PortReason(r.u8())}
	r.skip(7)
	s.Desc = r.portDesc()
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	return s, nil
}

// DecodePortDescs reads the body of a port description reply.
func DecodePortDescs(body []byte) ([]PortDesc, error) {
	r := reader{b: body, what: "port description"}
	var ports []PortDesc
	for len(r.b) > 0 && r.err == nil {
		ports = append(ports, r.portDesc())
	}
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	return ports, nil
}
