package ir

import "slices"

// Packet is what a pipeline sees of one packet: the fields of its headers, the
// connection-tracking state, the registers and the stack. NewPacket makes one
// from terms, ParseFrame from bytes.
type Packet struct {
	vals  [NumFields]Value // views stay zero: their registers have the value
	stack []Value
	// Len is the length in bytes from the Ethernet header on, without the frame check sequence.
	Len int

	outer uint16 // ethertype of the outermost VLAN header
	inner []vlan // the other VLAN headers, outermost first
	queue uint32
	track tracked
	body  body

	payload []byte // of a packet made of terms
}

type vlan struct{ tpid, tci uint16 }

// Copy is an independent copy.
func (p *Packet) Copy() *Packet {
	q := *p
	q.stack = slices.Clone(p.stack)
	q.inner = slices.Clone(p.inner)
	// body is never written to once it is made.
	return &q
}

// Get is the value of f: of a view, what its registers say; 0 when the packet has no such field.
func (p *Packet) Get(f Field) Value {
	if parts := f.Parts(); parts != nil {
		var v Value
		for _, r := range parts {
			v = v.Shl(32).Or(p.vals[r])
		}
		return v
	}
	if f >= NumFields || !p.Has(f) {
		return Value{}
	}
	return p.vals[f]
}

// GetSub is the value of the bits s.
func (p *Packet) GetSub(s Sub) Value { return p.Get(s.Field).Shr(int(s.Ofs)).And(Ones(int(s.N))) }

// Set writes v to the bits s, as a program's operation does: nothing happens,
// and the answer is false, when the packet has no such header (ovs-actions(7),
// set_field) or, for transport fields, when it is a later fragment.
func (p *Packet) Set(s Sub, v Value) bool {
	if !p.Has(s.Field) || transport(s.Field) && p.laterFragment() {
		return false
	}
	mask := Ones(int(s.N)).Shl(int(s.Ofs))
	old := p.Get(s.Field)
	p.Put(s.Field, old.And(mask.Not()).Or(v.Shl(int(s.Ofs)).And(mask)))
	return true
}

// Put writes a whole field whatever headers there are, also fields that programs
// cannot write. It is for those who make packets: EthType and IPProto decide
// which other fields the packet has.
func (p *Packet) Put(f Field, v Value) {
	v = v.And(Ones(f.Width()))
	if parts := f.Parts(); parts != nil {
		for i, r := range parts {
			p.vals[r] = v.Shr(32 * (len(parts) - 1 - i)).And(Ones(32))
		}
		return
	}
	if f > FieldNone && f < NumFields {
		p.vals[f] = v
	}
}

// Matches tells whether p passes every term of m. A term on a header that p does
// not have fails, even when it asks for 0.
func (p *Packet) Matches(m Match) bool {
	for t := range m.Terms() {
		if !p.Has(t.Field) || p.vals[t.Field].And(t.Mask) != t.Value {
			return false
		}
	}
	return true
}

// Push saves v on the stack.
func (p *Packet) Push(v Value) { p.stack = append(p.stack, v) }

// Pop takes the value that was saved last; ok is false when there is none.
func (p *Packet) Pop() (v Value, ok bool) {
	n := len(p.stack)
	if n == 0 {
		return Value{}, false
	}
	v = p.stack[n-1]
	p.stack = p.stack[:n-1]
	return v, true
}

// vlanPresent is the bit of VLANTCI that says that a VLAN header is there.
const vlanPresent = 1 << 12

// PushVLAN adds an outermost VLAN header of ethertype tpid with tag 0.
func (p *Packet) PushVLAN(tpid uint16) {
	if tci := p.vals[VLANTCI].Lo; tci&vlanPresent != 0 {
		p.inner = append([]vlan{{p.outer, uint16(tci)}}, p.inner...)
	}
	p.outer = tpid
	p.vals[VLANTCI] = V(vlanPresent)
	p.Len += 4
}

// PopVLAN removes the outermost VLAN header, if there is one.
func (p *Packet) PopVLAN() {
	if p.vals[VLANTCI].Lo&vlanPresent == 0 {
		return
	}
	p.vals[VLANTCI] = Value{}
	p.Len -= 4
	if len(p.inner) > 0 {
		p.outer, p.vals[VLANTCI] = p.inner[0].tpid, V(uint64(p.inner[0].tci))
		p.inner = p.inner[1:]
	}
}
