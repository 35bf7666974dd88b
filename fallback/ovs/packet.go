package ovs

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/ofconn"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// PacketIn is a punted packet (ir.Punt).
type PacketIn struct {
	Opcode ir.Opcode
	Args   []byte
	Inner  []byte // OpenFlow actions, to be given back in PacketOut.Inner
	// Stage is that of the punt; of a paused one the switch does not tell it.
	Stage  ir.Stage
	Cookie uint32   // of the flow by which the packet entered the tables
	Meta   ir.Match // pipeline fields
	Packet []byte
	Paused bool
	Result ir.Sub
	// Continuation identifies the paused packet for Resume.
	Continuation []byte
}

// PacketOut is a packet that enters the switch from the controller's port or, when
// Meta has one, from the port ir.InPort. The rest of Meta is loaded, then Inner is
// run or, when that is nil, Ops.
type PacketOut struct {
	Meta   ir.Match
	Packet []byte
	Inner  []byte
	Ops    []ir.Op
}

func (b *Backend) packetIns(conn *ofconn.Conn) {
	for p := range conn.PacketIns() {
		in, err := decodePacketIn(p, b.tables())
		if err != nil {
			b.cfg.Log.Debug("packet-in: " + err.Error())
			continue
		}
		b.cfg.PacketIn(in)
	}
}

// events ends with the connection. Errors about packet-outs are all that is
// expected here.
func (b *Backend) events(conn *ofconn.Conn) {
	for e := range conn.Events() {
		if err, ok := e.Message.(*ofp.Error); ok {
			b.cfg.Log.Warn("OpenFlow error: " + err.Error())
		}
	}
}

// tables is the profile in use.
func (b *Backend) tables() *Profile {
	if p := b.profile.Load(); p != nil {
		return p
	}
	return ProfileFor("")
}

func decodePacketIn(p *ofp.PacketIn, tables *Profile) (PacketIn, error) {
	u := p.UserData
	if len(u) < puntHeader {
		return PacketIn{}, fmt.Errorf("user data of %d bytes is too short", len(u))
	}
	in := PacketIn{Opcode: ir.Opcode(binary.BigEndian.Uint32(u)), Packet: p.Packet, Cookie: uint32(p.Cookie),
		Stage: tables.Stage(p.Table), Paused: p.Continuation != nil, Meta: metaMatch(p.Metadata)}
	nargs, flags := int(binary.BigEndian.Uint16(u[4:])), binary.BigEndian.Uint16(u[6:])
	u = u[puntHeader:]
	if flags&flagResult != 0 {
		if len(u) < resultHeader {
			return PacketIn{}, fmt.Errorf("user data lacks the result field")
		}
		f := ir.Field(binary.BigEndian.Uint32(u))
		ofs, n := binary.BigEndian.Uint16(u[4:]), binary.BigEndian.Uint16(u[6:])
		if binary.BigEndian.Uint32(u) >= uint32(ir.NumFields) || n == 0 || int(ofs)+int(n) > f.Width() {
			return PacketIn{}, fmt.Errorf("user data names no field for the result")
		}
		in.Result = ir.Bits(f, int(ofs), int(n))
		u = u[resultHeader:]
	}
	if len(u) < nargs {
		return PacketIn{}, fmt.Errorf("user data has %d bytes of arguments instead of %d", len(u), nargs)
	}
	in.Args, in.Inner = u[:nargs], u[nargs:]
	if in.Paused {
		in.Continuation = encodeContinuation(p)
	}
	return in, nil
}

var wideRegs = [8]ofp.Field{ofp.XReg(0), ofp.XReg(1), ofp.XReg(2), ofp.XReg(3), ofp.XReg(4), ofp.XReg(5), ofp.XReg(6), ofp.XReg(7)}

// metaMatch translates the pipeline fields of a packet-in. Fields that ir does not
// know are left out.
func metaMatch(m ofp.Match) ir.Match {
	var terms []ir.Term
	for t, err := range m.Terms() {
		if err != nil {
			break
		}
		if n := slices.Index(wideRegs[:], t.Field); n >= 0 { // the switch writes registers in pairs
			for i, reg := range []ofp.Field{ofp.Reg(2 * n), ofp.Reg(2*n + 1)} {
				if f, ok := irField(reg); ok {
					sh := 32 * (1 - i)
					terms = append(terms, ir.Term{Field: f, Value: ir.V(t.Value.Lo >> sh & 0xffffffff), Mask: ir.V(t.Mask.Lo >> sh & 0xffffffff)})
				}
			}
			continue
		}
		if f, ok := irField(t.Field); ok {
			terms = append(terms, ir.Term{Field: f, Value: ir.Value{Hi: t.Value.Hi, Lo: t.Value.Lo}, Mask: ir.Value{Hi: t.Mask.Hi, Lo: t.Mask.Lo}})
		}
	}
	out, _ := ir.NewMatch(terms...)
	return out
}

// A continuation as the slow path carries it about: the metadata's length, the
// metadata, the switch's own continuation.
func encodeContinuation(p *ofp.PacketIn) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(p.Metadata)))
	b = append(b, p.Metadata...)
	return append(b, p.Continuation...)
}

// Resume lets a paused packet go on as packet, with the bit (or field) in.Result
// set to result. It never blocks.
func (b *Backend) Resume(in PacketIn, packet []byte, result bool) {
	c := in.Continuation
	if len(c) < 4 || len(c)-4 < int(binary.BigEndian.Uint32(c)) {
		return
	}
	n := int(binary.BigEndian.Uint32(c))
	p := ofp.PacketIn{Packet: packet, Metadata: ofp.Match(c[4 : 4+n]), Continuation: c[4+n:]}
	if in.Result.Field != ir.FieldNone {
		var v uint64
		if result {
			v = 1
		}
		l := lowerer{}
		s, err := l.sub(in.Result)
		if err == nil {
			p.Metadata, err = p.Metadata.With(s, ofp.V(v))
		}
		if err != nil {
			b.cfg.Log.Warn("resuming a packet: " + err.Error())
			return
		}
	}
	b.send(ofp.ResumeOf(&p))
}

// PacketOut sends a packet into the switch. It never blocks: what finds no room or
// no connection is dropped and counted.
func (b *Backend) PacketOut(o PacketOut) {
	var mb ofp.MatchBuilder
	in := uint64(ofp.PortController)
	if t, ok := o.Meta.Term(ir.InPort); ok { // not loaded: that the switch forgets in conntrack
		in = t.Value.Lo
	}
	mb.Set(ofp.InPort, in)
	l := lowerer{profile: b.tables(), groups: newGroups(), meters: newMeters()}
	var e ofp.Encoder
	for t := range o.Meta.Terms() {
		s, err := l.sub(ir.All(t.Field))
		if err != nil || t.Field == ir.InPort || t.Field.Info().Read {
			continue
		}
		ofp.Load(s, value(t.Value)).Append(&e)
	}
	if o.Inner != nil {
		e.Raw(ofp.Actions(o.Inner))
	} else if err := l.ops(&e, o.Ops); err != nil {
		b.cfg.Log.Warn("packet-out: " + err.Error())
		return
	}
	m, err := mb.Append(nil)
	if err != nil {
		return
	}
	a, err := e.Actions()
	if err != nil {
		b.cfg.Log.Warn("packet-out: " + err.Error())
		return
	}
	b.send(&ofp.PacketOut{Metadata: m, Actions: a, Packet: o.Packet})
}

func (b *Backend) send(m ofp.Message) {
	select {
	case b.out <- m:
	default:
		b.set(func(s *Status) { s.DroppedOut++ })
	}
}

func (b *Backend) packetOuts(ctx context.Context, conn *ofconn.Conn) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-b.out:
			if _, err := conn.Send(m); err != nil {
				b.cfg.Log.Debug("packet-out: " + err.Error())
			}
		}
	}
}
