package ofp

// NoMeter as Controller.Meter means none.
const NoMeter = 0

// Controller sends the packet to the controller as a packet-in. With none of
// ID, Reason, UserData, Pause and Meter set it is encoded as Open vSwitch does:
// as Output to PortController.
type Controller struct {
	MaxLen   uint16 // bytes of the packet; 65535 is all
	ID       uint16 // controller id, see NXT_SET_CONTROLLER_ID
	Reason   PacketInReason
	UserData []byte
	Pause    bool   // the pipeline waits for Resume
	Meter    uint32 // meter id that limits; NoMeter for none
}

// PacketInReason is why a packet was sent to the controller (OFPR_*).
type PacketInReason uint8

// The reasons. The zero value is not OFPR_NO_MATCH (0 on the wire) but
// OFPR_ACTION (1), which is what an action means that says nothing.
const (
	ReasonAction PacketInReason = iota
	ReasonNoMatch
	ReasonInvalidTTL
	ReasonActionSet
	ReasonGroup
	ReasonPacketOut
)

var reasonWire = [...]uint8{ReasonAction: 1, ReasonNoMatch: 0, ReasonInvalidTTL: 2, ReasonActionSet: 3, ReasonGroup: 4, ReasonPacketOut: 5}

var reasonNames = [...]string{"action", "no_match", "invalid_ttl", "action_set", "group", "packet_out"}

// String is the name that ovs-ofctl prints.
func (r PacketInReason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "?"
}

func reasonFromWire(n uint8) (PacketInReason, bool) {
	for r, w := range reasonWire {
		if w == n {
			return PacketInReason(r), true
		}
	}
	return 0, false
}

// Properties of NXAST_CONTROLLER2.
const (
	ac2MaxLen = iota
	ac2ID
	ac2Reason
	ac2UserData
	ac2Pause
	ac2Meter
)

// Append implements Action.
func (a Controller) Append(e *Encoder) {
	if a.plain() {
		Output{PortController, a.MaxLen}.Append(e)
		return
	}
	m := a.open(e)
	if len(a.UserData) > 0 {
		u := e.openProp(ac2UserData)
		e.Bytes(a.UserData)
		e.closeProp(u)
	}
	a.close(e, m)
}

// OpenUserData starts the action without its UserData, which the caller then
// appends with Raw (actions) or Bytes; CloseUserData ends it.
func (a Controller) OpenUserData(e *Encoder) (Mark, Mark) {
	m := a.open(e)
	return Mark(m), Mark(e.openProp(ac2UserData))
}

// CloseUserData ends what OpenUserData started.
func (a Controller) CloseUserData(e *Encoder, action, data Mark) {
	e.closeProp(int(data))
	a.close(e, int(action))
}

func (a Controller) open(e *Encoder) int {
	s := e.beginNX(nxController2)
	e.padTo(s, 16)
	if a.MaxLen != 0xffff {
		e.propU16(ac2MaxLen, a.MaxLen)
	}
	if a.ID != 0 {
		e.propU16(ac2ID, a.ID)
	}
	if a.Reason != ReasonAction {
		if int(a.Reason) >= len(reasonWire) {
			e.fail("controller: there is no packet-in reason %d", a.Reason)
			return s
		}
		p := e.openProp(ac2Reason)
		e.u8(reasonWire[a.Reason])
		e.closeProp(p)
	}
	return s
}

func (a Controller) close(e *Encoder, s int) {
	if a.Pause {
		e.closeProp(e.openProp(ac2Pause))
	}
	if a.Meter != NoMeter {
		p := e.openProp(ac2Meter)
		e.u32(a.Meter)
		e.closeProp(p)
	}
	e.end(s)
}

// plain tells whether Output says all that a does.
func (a Controller) plain() bool {
	return a.ID == 0 && a.Reason == ReasonAction && len(a.UserData) == 0 && !a.Pause && a.Meter == NoMeter
}

// openProp starts a property (type, length, data, padding); closeProp ends it.
// The length of a property does not count its padding.
func (e *Encoder) openProp(typ uint16) int {
	s := len(e.b)
	e.u16(typ)
	e.u16(0)
	return s
}

func (e *Encoder) closeProp(s int) {
	n := len(e.b) - s
	e.end(s)
	if n <= 0xffff {
		e.b[s+2], e.b[s+3] = byte(n>>8), byte(n)
	}
}

// propU16 appends a 16-bit property; unlike others it counts its padding.
func (e *Encoder) propU16(typ, v uint16) {
	p := e.openProp(typ)
	e.u16(v)
	e.u16(0)
	e.closeProp(p)
}

func (r *actionReader) controller() Action {
	return Controller{MaxLen: r.u16(), ID: r.u16(), Reason: r.reason()}
}

func (r *actionReader) reason() PacketInReason {
	n := r.u8()
	reason, ok := reasonFromWire(n)
	if r.err == nil && !ok {
		r.fail("%s: there is no packet-in reason %d", r.what, n)
	}
	return reason
}

func (r *actionReader) controller2() Action {
	a := Controller{MaxLen: 0xffff}
	r.skip(6)
	for len(r.b) > 0 && r.err == nil {
		typ, data := r.prop()
		v := actionReader{reader: reader{b: data, what: "controller property"}}
		switch typ {
		case ac2MaxLen:
			a.MaxLen = v.u16()
		case ac2ID:
			a.ID = v.u16()
		case ac2Reason:
			a.Reason = v.reason()
		case ac2UserData:
			a.UserData = data
		case ac2Pause:
			a.Pause = true
		case ac2Meter:
			a.Meter = v.u32()
		default:
			v.fail("property %d is not supported", typ)
		}
		if r.err == nil && v.err != nil {
			r.fail("%s: %w", r.what, v.err)
		}
	}
	return a
}

// AppendText implements Action.
func (a Controller) AppendText(b []byte) []byte {
	if a.plain() {
		return appendUint(append(b, "CONTROLLER:"...), uint64(a.MaxLen))
	}
	b = append(b, "controller("...)
	start := len(b)
	if a.Reason != ReasonAction {
		b = append(append(append(b, "reason="...), a.Reason.String()...), ',')
	}
	if a.MaxLen != 0xffff {
		b = append(appendUint(append(b, "max_len="...), uint64(a.MaxLen)), ',')
	}
	if a.ID != 0 {
		b = append(appendUint(append(b, "id="...), uint64(a.ID)), ',')
	}
	if len(a.UserData) > 0 {
		b = append(appendDotted(append(b, "userdata="...), a.UserData), ',')
	}
	if a.Pause {
		b = append(b, "pause,"...)
	}
	if a.Meter != NoMeter {
		b = append(appendUint(append(b, "meter_id="...), uint64(a.Meter)), ',')
	}
	return closeList(b, start)
}

// closeList replaces the comma behind the last item of a list that starts at
// start, if there is one, by a parenthesis.
func closeList(b []byte, start int) []byte {
	if len(b) > start && b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, ')')
}
