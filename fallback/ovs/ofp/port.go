package ofp

import "strconv"

// Port is an OpenFlow port number, 32 bits as in OpenFlow 1.1 and later. Port
// numbers of a bridge are below PortMax.
type Port uint32

// The reserved ports (OpenFlow 1.5, 7.2.1; ovs-actions(7)).
const (
	PortMax        Port = 0xffffff00 // first number that is not a port of a bridge
	PortUnset      Port = 0xfffffff7 // ActsetOutput only
	PortIn         Port = 0xfffffff8 // where the packet came in
	PortTable      Port = 0xfffffff9 // packet-out: start in table 0
	PortNormal     Port = 0xfffffffa
	PortFlood      Port = 0xfffffffb
	PortAll        Port = 0xfffffffc
	PortController Port = 0xfffffffd
	PortLocal      Port = 0xfffffffe
	PortAny        Port = 0xffffffff // requests: no restriction
)

var reservedPorts = map[Port]string{
	PortIn: "IN_PORT", PortTable: "TABLE", PortNormal: "NORMAL", PortFlood: "FLOOD", PortAll: "ALL",
	PortController: "CONTROLLER", PortLocal: "LOCAL", PortAny: "ANY", PortUnset: "UNSET",
}

// PortFrom16 is the port that a 16-bit number of OpenFlow 1.0 or of a Nicira
// action means: 0xff00 to 0xffff are the reserved ports.
func PortFrom16(n uint16) Port {
	if n >= 0xff00 {
		return Port(n) | 0xffff0000
	}
	return Port(n)
}

// to16 is the 16-bit form; ok is false when there is none.
func (p Port) to16() (n uint16, ok bool) {
	if p >= PortMax {
		return uint16(p), true
	}
	return uint16(p), p < 0xff00
}

// String is as ovs-ofctl prints it: a number, or the name of a reserved port.
func (p Port) String() string {
	if s, ok := reservedPorts[p]; ok {
		return s
	}
	if p >= PortMax {
		p &= 0xffff
	}
	return strconv.FormatUint(uint64(p), 10)
}
