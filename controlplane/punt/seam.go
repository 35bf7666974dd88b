package punt

import "github.com/sluice-gw/sluice/controlplane/ir"

// PacketIn is a packet that the pipeline handed to the controller with an ir.Punt.
// Whoever hands it to Handle gives the slices away.
type PacketIn struct {
	Opcode ir.Opcode
	Args   []byte // laid out as controlplane/action documents for the opcode
	// Inner are the operations of ir.Punt.Inner in the backend's own form. They are
	// not looked at, only given back in PacketOut.Inner.
	Inner []byte
	// Stage is where the packet was; NoStage when not known.
	Stage ir.Stage
	// Meta are the pipeline's fields at that time: datapath, registers, flags, pkt.mark.
	Meta   ir.Match
	Packet []byte // from the Ethernet header on
	// Paused: the pipeline waits behind the punt for Switch.Resume. A paused packet
	// that is not resumed is dropped.
	Paused bool
	// Result is where Resume writes Verdict.Result; Field is FieldNone for nowhere.
	Result ir.Sub
	// Continuation is what the backend needs to resume the packet.
	Continuation []byte
}

// PacketOut is a packet that enters the switch, from the controller's own port
// (OpenFlow's OFPP_CONTROLLER) or, when Meta has one, from ir.InPort. First the rest
// of Meta is loaded, then Inner or Ops are run.
type PacketOut struct {
	Meta   ir.Match // exact values of pipeline fields
	Packet []byte
	// Inner are operations in the backend's own form, from PacketIn.Inner; nil to use Ops.
	Inner []byte
	Ops   []ir.Op
}

// Verdict is how a paused packet goes on.
type Verdict struct {
	Packet []byte // as it goes on; never nil
	Result bool   // for PacketIn.Result
}

// Switch is where packets go. Its methods do not block and may be called from
// several goroutines; what cannot be sent, because the connection is down or its
// queue full, is dropped and counted there.
type Switch interface {
	PacketOut(PacketOut)
	Resume(PacketIn, Verdict)
}

// meta is the value of a field at the time of the punt; 0 when the packet-in did not carry it.
func (p *PacketIn) meta(f ir.Field) uint32 {
	t, _ := p.Meta.Term(f)
	return uint32(t.Value.Lo)
}

func (p *PacketIn) datapath() uint32 { return p.meta(ir.Datapath) }

func (p *PacketIn) inport() Key { return Key{p.datapath(), p.meta(ir.Inport)} }

func (p *PacketIn) outport() Key { return Key{p.datapath(), p.meta(ir.Outport)} }

// reloadable is the part of the fields that a packet sent back into the pipeline
// takes with it: datapath and registers; with mark, also pkt.mark.
func reloadable(m ir.Match, mark bool) ir.Match {
	var keep []ir.Term
	for t := range m.Terms() {
		if f := t.Field; f >= ir.Datapath && f <= ir.Outport || mark && f == ir.PktMark {
			keep = append(keep, t)
		}
	}
	return ir.MustMatch(keep...)
}
