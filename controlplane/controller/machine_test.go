package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/iface"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/trace"
	"github.com/sluice-gw/sluice/controlplane/trace/tracetest"
)

// machine is a chassis as a packet meets it: the rules of its controller, in the
// project's evaluator, and the slow path. What depends on state is taken as
// trace.Network.Trace does: connection tracking finds what was told, and DHCP and
// router discovery succeed.
type machine struct {
	t     *testing.T
	rules *ir.Pipeline
	wires []plug
	shown strings.Builder // how the last packet went

	state  uint64 // that connection tracking finds
	choice int    // of every Select
	out    []string
}

// plug is where a logical port meets the integration bridge.
type plug struct {
	lport  string
	ofport uint32
	vlan   uint64
}

func newMachine(t *testing.T, c *hypervisor) *machine {
	m := &machine{t: t, rules: ir.NewPipeline()}
	for _, r := range c.rules {
		m.rules.Add(keepState(r))
	}
	for pb := range c.w.SB.PortBinding.All() {
		w := plug{lport: pb.LogicalPort, vlan: uint64(pb.Tag.V)}
		switch binding.KindOf(pb) {
		case binding.VIF:
			w.ofport = c.ofport(pb.LogicalPort)
		case binding.Container:
			w.ofport = c.ofport(binding.Parent(pb))
		case binding.Localnet:
			w.ofport = iface.Ofport(c.w.VSW.InterfaceByName.One("patch-br-int-to-" + pb.LogicalPort))
		default:
			continue
		}
		if w.ofport == 0 {
			t.Fatalf("port %s has no interface", pb.LogicalPort)
		}
		m.wires = append(m.wires, w)
	}
	return m
}

// keepState is a rule between datapaths without the end of connection tracking, which in
// a trace goes on there.
func keepState(r ir.Rule) ir.Rule {
	if r.Stage != ir.LogToPhy {
		return r
	}
	ops := slices.Clone(r.Program.Ops)
	for i, op := range ops {
		if c, ok := op.(ir.Clone); ok {
			ops[i] = ir.Clone{Ops: slices.DeleteFunc(slices.Clone(c.Ops), func(op ir.Op) bool { _, clear := op.(ir.CTClear); return clear })}
		}
	}
	return ir.NewRule(r.Stage, r.Priority, r.Datapath, r.Match, r.Product, ir.NewProgram(ops...), r.Owner)
}

// choices bounds the buckets of a Select: trace has its own hash, so that all are tried.
const choices = 3

// answers is what the machine puts out for q, in the form of told: want, if some choice
// of buckets makes it so.
func (m *machine) answers(q tracetest.Question, want string) string {
	m.state = ir.CTTrk | ir.CTEst
	if o := q.Options(m.t); len(o.CT) > 0 {
		m.state = o.CT[0]
	}
	p := m.packet(q.Microflow)
	var got string
	for m.choice = range choices {
		m.out = nil
		m.shown.Reset()
		m.run(p, ir.PhyToLog, 0)
		slices.Sort(m.out)
		if got = strings.Join(m.out, "\n"); got == want {
			break
		}
	}
	return got
}

// packet is a microflow as it comes in by the wire of its inport.
func (m *machine) packet(microflow string) *ir.Packet {
	m.t.Helper()
	e, err := expr.NewSymtab().Parse(microflow)
	if err != nil {
		m.t.Fatal(err)
	}
	p, err := expr.Microflow(e, wires{m})
	if err != nil {
		m.t.Fatal(err)
	}
	w := m.wires[p.Get(ir.Inport).Lo-1]
	p.Put(ir.Inport, ir.Value{})
	p.Put(ir.InPort, ir.V(uint64(w.ofport)))
	if w.vlan != 0 {
		p.PushVLAN(0x8100)
		p.Set(ir.Bits(ir.VLANTCI, 0, 12), ir.V(w.vlan))
	}
	return p
}

// run sends p through the rules and what the slow path makes of it after it.
func (m *machine) run(p *ir.Packet, start ir.Stage, depth int) {
	m.t.Helper()
	if depth > 10 {
		m.t.Fatalf("the slow path answers its own packets:\n%s", &m.shown)
	}
	r, err := m.rules.Evaluate(p, start, ir.Options{CT: m, Choose: m.choose, Answer: answer, Trace: true})
	fmt.Fprintf(&m.shown, "%s\n%s", p, r.Trace)
	if err != nil {
		m.t.Fatalf("%v\n%s", err, &m.shown)
	}
	for _, d := range r.Outputs {
		tag := d.Packet.Get(ir.VLANTCI).Lo & 0xfff
		i := slices.IndexFunc(m.wires, func(w plug) bool { return w.ofport == d.Port && w.vlan == tag })
		if i < 0 {
			m.t.Fatalf("output to port %d with tag %d, where nobody is\n%s", d.Port, tag, &m.shown)
		}
		m.out = append(m.out, m.wires[i].lport+headers(d.Packet))
	}
	for _, d := range r.Punts {
		if len(d.Punt.Inner) > 0 {
			m.respond(d, depth)
		}
	}
}

// respond runs the operations of d on the packet that the slow path makes.
func (m *machine) respond(d ir.Punted, depth int) {
	in := punt.PacketIn{Opcode: d.Punt.Opcode, Args: d.Punt.Args, Packet: d.Packet.Frame(), Paused: d.Punt.Pause}
	for _, e := range punt.Respond(in) {
		send, ok := e.(punt.Send)
		if !ok {
			continue
		}
		p, err := ir.ParseFrame(send.Packet)
		if err != nil {
			m.t.Fatal(err)
		}
		for f := ir.Datapath; f <= ir.Outport; f++ {
			p.Put(f, d.Packet.Get(f))
		}
		spare := ir.Egress(63 - depth) // ovn-northd has no tables of these numbers
		inner := ir.NewRule(spare, 0, 0, ir.Match{}, nil, ir.NewProgram(d.Punt.Inner...), ir.Owner{})
		m.rules.Add(inner)
		m.run(p, spare, depth+1)
		m.rules.Remove(inner)
	}
}

func (m *machine) choose(_ ir.Select, live []int, _ *ir.Packet) int { return m.choice % len(live) }

// answer lets all packets go on that wait for the controller, as if it had answered what
// it knows.
func answer(_ *ir.Packet, p ir.Punt) (success, resume bool) {
	return p.Opcode != ir.OpDNSLookup, p.Opcode != ir.OpARP && p.Opcode != ir.OpNDNS
}

// Track implements ir.Tracker as ovn-trace(8), "Stateful Actions", has it.
func (m *machine) Track(p *ir.Packet, _ uint16, op ir.CT) {
	before, state := p.Copy(), p.Get(ir.CTState).Lo
	n := op.NAT
	switch {
	case n == nil && op.Commit:
		return
	case n == nil:
		state = m.state
	case state&ir.CTTrk == 0:
		state |= m.state
	}
	if n != nil && n.AddrMin.IsValid() {
		fields := []ir.Field{ir.IP4Dst, ir.IP6Dst, ir.TCPDst, ir.UDPDst, ir.SCTPDst}
		bit := uint64(ir.CTDNAT)
		if n.SNAT {
			fields, bit = []ir.Field{ir.IP4Src, ir.IP6Src, ir.TCPSrc, ir.UDPSrc, ir.SCTPSrc}, ir.CTSNAT
		}
		for i, f := range fields {
			switch {
			case i < 2 && n.AddrMin.Is4() == (f == ir.IP4Dst || f == ir.IP4Src):
				p.Set(ir.All(f), ir.BytesValue(n.AddrMin.AsSlice()))
			case i >= 2 && n.PortMin != 0:
				p.Set(ir.All(f), ir.V(uint64(n.PortMin)))
			}
		}
		state |= bit
	}
	trace.Tracked(p, before, state)
	for _, x := range op.Exec {
		switch o := x.(type) {
		case ir.Set:
			p.Set(o.Dst, o.Value)
		case ir.Copy:
			p.Set(o.Dst, before.GetSub(o.Src))
		}
	}
}

// wires are the ports of a microflow: those of machine.wires, from 1 on.
type wires struct{ *machine }

// AddressSet implements expr.Env.
func (wires) AddressSet(string) (*expr.Set, bool) { return nil, false }

// PortGroup implements expr.Env.
func (wires) PortGroup(string) ([]string, bool) { return nil, false }

// Resident implements expr.Env.
func (wires) Resident(string) bool { return true }

// Port implements expr.Env.
func (w wires) Port(name string) (uint32, bool) {
	i := slices.IndexFunc(w.wires, func(x plug) bool { return x.lport == name })
	return uint32(i + 1), i >= 0
}

// headers is the text of what is on the wire of p, without VLAN tags. Of refusals only
// addresses count: ovn-trace does not care for ports, flags and TTL of those.
func headers(p *ir.Packet) string {
	var b strings.Builder
	refusal := p.Get(ir.TCPFlags).Lo&4 != 0 || p.Get(ir.ICMP4Type) == ir.V(3) || p.Get(ir.ICMP6Type) == ir.V(1)
	for _, term := range p.Terms() {
		if f := term.Field; f < ir.EthSrc || f == ir.VLANTCI || refusal && (f >= ir.ICMP4Type || f == ir.IPTTL) {
			continue
		}
		fmt.Fprintf(&b, " %s", term)
	}
	return b.String()
}
