package ofp

// PushVLAN adds a VLAN header with tag 0; PopVLAN removes the outermost.
type (
	PushVLAN struct{ EtherType uint16 } // 0x8100 or 0x88a8
	PopVLAN  struct{}
)

// Append implements Action.
func (a PushVLAN) Append(e *Encoder) { e.arg16(atPushVLAN, a.EtherType) }

// Append implements Action.
func (PopVLAN) Append(e *Encoder) { e.arg16(atPopVLAN, 0) }

// PushMPLS adds an MPLS label stack entry; PopMPLS removes one, after which the
// packet has the given EtherType.
type (
	PushMPLS struct{ EtherType uint16 }
	PopMPLS  struct{ EtherType uint16 }
)

// Append implements Action.
func (a PushMPLS) Append(e *Encoder) { e.arg16(atPushMPLS, a.EtherType) }

// Append implements Action.
func (a PopMPLS) Append(e *Encoder) { e.arg16(atPopMPLS, a.EtherType) }

// DecTTL decrements the IP TTL or hop limit. A packet whose TTL is 0 or 1 goes to
// the controller and the rest of the action list is skipped (ovs-actions(7)).
type DecTTL struct{}

// Append implements Action.
func (DecTTL) Append(e *Encoder) { e.arg16(atDecTTL, 0) }

// SetTTL sets the IP TTL or hop limit (mod_nw_ttl).
type SetTTL struct{ TTL uint8 }

// Append implements Action.
func (a SetTTL) Append(e *Encoder) { e.arg16(atSetTTL, uint16(a.TTL)<<8) }

// arg16 appends a standard action with one 16-bit argument, or an 8-bit one in
// the upper half.
func (e *Encoder) arg16(typ, arg uint16) {
	s := e.begin(typ)
	e.u16(arg)
	e.end(s)
}

// AppendText implements Action.
func (a PushVLAN) AppendText(b []byte) []byte {
	return appendHex(append(b, "push_vlan:"...), V(uint64(a.EtherType)))
}

// AppendText implements Action.
func (PopVLAN) AppendText(b []byte) []byte { return append(b, "pop_vlan"...) }

// AppendText implements Action.
func (a PushMPLS) AppendText(b []byte) []byte {
	return appendHexPadded(append(b, "push_mpls:0x"...), uint64(a.EtherType), 4)
}

// AppendText implements Action.
func (a PopMPLS) AppendText(b []byte) []byte {
	return appendHexPadded(append(b, "pop_mpls:0x"...), uint64(a.EtherType), 4)
}

// AppendText implements Action.
func (DecTTL) AppendText(b []byte) []byte { return append(b, "dec_ttl"...) }

// AppendText implements Action.
func (a SetTTL) AppendText(b []byte) []byte {
	return appendUint(append(b, "mod_nw_ttl:"...), uint64(a.TTL))
}
