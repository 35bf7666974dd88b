package tc

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// sim does to packets what the filters of one hook say, on the bytes of frames. It knows nothing of tables.
type sim struct {
	filters []flower.Installed
	tracker ir.Tracker
	// slow is a packet that the kernel changes its filters under.
	slow   *slow
	portOf func(out flower.Mirred, set *flower.TunnelSet) (uint32, error)
}

// slow is where a packet is when filters change: behind those of priorities up to prio of the chain that it came to by the hop-th jump.
type slow struct {
	hop  int
	prio uint16
	now  []flower.Installed
}

func (x *slow) String() string {
	if x == nil {
		return "no"
	}
	return fmt.Sprintf("at the %dth jump behind priority %d, then\n%s", x.hop, x.prio, flower.List(x.now, flower.Style{}))
}

// at are the filters that a packet meets in a chain.
func (s *sim) at(where flower.Flags, chain uint32, hop int) []flower.Installed {
	switch x := s.slow; {
	case x == nil || where != flower.SkipHW || hop < x.hop:
		return s.filters
	case hop > x.hop:
		return x.now
	default:
		var met []flower.Installed
		for _, f := range s.filters {
			if f.Chain == chain && f.Prio <= x.prio {
				met = append(met, f)
			}
		}
		for _, f := range x.now {
			if f.Chain == chain && f.Prio > x.prio {
				met = append(met, f)
			}
		}
		return met
	}
}

// outcome is what became of a packet: copies that left, and the packet that goes on to the fallback, if any.
type outcome struct {
	out  []ir.Delivery
	pass *ir.Packet
}

// run has the device at it first, whose filters the kernel skips, and then the kernel.
func (s *sim) run(p *ir.Packet) (o outcome, err error) {
	if o, err = s.runIn(flower.SkipSW, p); err != nil || o.pass == nil {
		return o, err
	}
	if len(o.out) > 0 {
		return o, fmt.Errorf("the device hands over a packet that it has sent copies of")
	}
	return s.runIn(flower.SkipHW, p)
}

func (s *sim) runIn(where flower.Flags, p *ir.Packet) (o outcome, err error) {
	p = p.Copy()
	var set *flower.TunnelSet
	chain := uint32(0)
	for hop := range maxJumps + 2 {
		f, err := find(s.at(where, chain, hop), where, chain, p)
		if err != nil {
			return o, err
		}
		if f == nil {
			o.pass = p
			return o, nil
		}
		end := flower.Pipe
		for i := range f.Actions {
			a := &f.Actions[i]
			if p, err = s.act(a, p, &set, &o); err != nil {
				return o, err
			}
			if end = a.Control; end != flower.Pipe {
				break
			}
		}
		next, jump := end.Chain()
		switch {
		case jump:
			chain = next
		case end == flower.Pass, where == flower.SkipSW && end == flower.Trap:
			o.pass = p
			return o, nil
		case end == flower.Drop, end == flower.Stolen:
			return o, nil
		default:
			return o, fmt.Errorf("%s ends with %s", f.Key, end)
		}
	}
	return o, fmt.Errorf("the packet jumps too often")
}

// find is the filter that counts. Filters of one priority are looked up in any order, so if two match they must do the same.
func find(filters []flower.Installed, where flower.Flags, chain uint32, p *ir.Packet) (best *flower.Installed, err error) {
	for i := range filters {
		f := &filters[i]
		if f.Flags != where || f.Chain != chain || best != nil && f.Prio > best.Prio || !matches(&f.Match, f.Protocol, p) {
			continue
		}
		if best != nil && best.Prio == f.Prio && roleOf(best) != roleOf(f) {
			return nil, fmt.Errorf("%s and %s match the same packet %s", best.Text(flower.Style{}), f.Text(flower.Style{}), p)
		}
		if best == nil || f.Prio < best.Prio {
			best = f
		}
	}
	return best, nil
}

// roleOf is roleTrap for all traps, else the cookie.
func roleOf(f *flower.Installed) any {
	if m, _ := markOf(f.Cookie()); m.role == roleTrap {
		return roleTrap
	}
	return f.Cookie()
}

func matches(m *flower.Match, protocol flower.EtherType, p *ir.Packet) bool {
	get := func(f ir.Field) uint64 { return p.Get(f).Lo }
	tci, typ := get(ir.VLANTCI), flower.EtherType(get(ir.EthType))
	frame := p.Frame()
	outer := flower.EtherType(binary.BigEndian.Uint16(frame[12:]))
	if protocol != flower.EtherAll && protocol != outer {
		return false
	}
	if m.VLAN.TPID != 0 {
		second := flower.EtherType(binary.BigEndian.Uint16(frame[16:]))
		if outer != m.VLAN.TPID || m.EthType != 0 && second != m.EthType ||
			m.VLAN.ID.Set && uint64(m.VLAN.ID.Value) != tci&0xfff || m.VLAN.Prio.Set && uint64(m.VLAN.Prio.Value) != tci>>13 {
			return false
		}
	} else if m.EthType != 0 && m.EthType != outer {
		return false
	}
	ok := func(f ir.Field, v, mask uint64) bool { return (get(f)^v)&mask == 0 }
	ports := [2]ir.Field{}
	switch m.IPProto.Value {
	case protoTCP:
		ports = [2]ir.Field{ir.TCPSrc, ir.TCPDst}
	case protoUDP:
		ports = [2]ir.Field{ir.UDPSrc, ir.UDPDst}
	case protoSCTP:
		ports = [2]ir.Field{ir.SCTPSrc, ir.SCTPDst}
	}
	icmp := [2]ir.Field{ir.ICMP4Type, ir.ICMP4Code}
	src, dst := ir.IP4Src, ir.IP4Dst
	if typ == flower.EtherIPv6 {
		icmp, src, dst = [2]ir.Field{ir.ICMP6Type, ir.ICMP6Code}, ir.IP6Src, ir.IP6Dst
	}
	tos := get(ir.IPDSCP)<<2 | get(ir.IPECN)
	frag := uint64(0)
	if get(ir.IPFrag)&1 != 0 {
		frag = uint64(flower.Fragment)
	}
	state := uint64(0)
	for _, x := range states {
		if get(ir.CTState)&x.ir != 0 {
			state |= uint64(x.tc)
		}
	}
	l := label(p.Get(ir.CTLabel))
	labels := true
	for i := range l {
		labels = labels && (l[i]^m.CT.Label.Value[i])&m.CT.Label.Mask[i] == 0
	}
	return mac6(p, ir.EthSrc, m.EthSrc) && mac6(p, ir.EthDst, m.EthDst) &&
		(!m.IPProto.Set || ok(ir.IPProto, uint64(m.IPProto.Value), 0xff)) &&
		(tos^uint64(m.TOS.Value))&uint64(m.TOS.Mask) == 0 && ok(ir.IPTTL, uint64(m.TTL.Value), uint64(m.TTL.Mask)) &&
		addr(p, src, m.IPSrc) && addr(p, dst, m.IPDst) && (frag^uint64(m.IPFlags.Value))&uint64(m.IPFlags.Mask) == 0 &&
		(ports[0] == 0 || ok(ports[0], uint64(m.SrcPort.Value), uint64(m.SrcPort.Mask)) && ok(ports[1], uint64(m.DstPort.Value), uint64(m.DstPort.Mask))) &&
		ok(ir.TCPFlags, uint64(m.TCPFlags.Value), uint64(m.TCPFlags.Mask)) &&
		ok(icmp[0], uint64(m.ICMPType.Value), uint64(m.ICMPType.Mask)) && ok(icmp[1], uint64(m.ICMPCode.Value), uint64(m.ICMPCode.Mask)) &&
		ok(ir.ARPOp, uint64(m.ARP.Op.Value), uint64(m.ARP.Op.Mask)) && addr(p, ir.ARPSPA, m.ARP.SPA) && addr(p, ir.ARPTPA, m.ARP.TPA) &&
		(state^uint64(m.CT.State.Value))&uint64(m.CT.State.Mask) == 0 && ok(ir.CTMark, uint64(m.CT.Mark.Value), uint64(m.CT.Mark.Mask)) && labels &&
		(!m.Tunnel.KeyID.Set || ok(ir.TunID, uint64(m.Tunnel.KeyID.Value), 0xffffff)) && addr(p, ir.TunSrc, m.Tunnel.Src) &&
		addr(p, ir.TunDst, m.Tunnel.Dst) && option(p, m.Tunnel.Geneve)
}

func mac6(p *ir.Packet, f ir.Field, m flower.Masked[flower.MAC]) bool {
	is := mac(p.Get(f))
	for i := range is {
		if (is[i]^m.Value[i])&m.Mask[i] != 0 {
			return false
		}
	}
	return true
}

func addr(p *ir.Packet, f ir.Field, m flower.Masked[netip.Addr]) bool {
	if !m.IsSet() {
		return true
	}
	is, v, mask := p.Get(f).AppendBytes(nil, f.Width()/8), m.Value.AsSlice(), m.Mask.AsSlice()
	for i := range is {
		if len(v) != len(is) || (is[i]^v[i])&mask[i] != 0 {
			return false
		}
	}
	return true
}

// option compares OVN's option, which all packets out of a tunnel have here, as the only one.
func option(p *ir.Packet, g []flower.GeneveMatch) bool {
	if len(g) == 0 {
		return true
	}
	v, mask := binary.BigEndian.Uint32(g[0].Data), binary.BigEndian.Uint32(g[0].Mask)
	return len(g) == 1 && !p.Get(ir.TunSrc).IsZero() && (uint32(p.Get(ir.TunOpt).Lo)^v)&mask == 0
}

func (s *sim) act(a *flower.Action, p *ir.Packet, set **flower.TunnelSet, o *outcome) (*ir.Packet, error) {
	switch op := a.Op.(type) {
	case flower.Gact, flower.Csum:
	case flower.Skbedit:
		p.Put(ir.PktMark, ir.V(p.Get(ir.PktMark).Lo&^uint64(op.Mark.Mask)|uint64(op.Mark.Value&op.Mark.Mask)))
	case flower.TunnelUnset:
		*set = nil
		for f := ir.TunID; f <= ir.TunDst6; f++ {
			p.Put(f, ir.Value{})
		}
	case flower.TunnelSet:
		*set = &op
	case flower.VLAN:
		switch op.What {
		case flower.VLANPop:
			p.PopVLAN()
			return p, nil
		case flower.VLANPush:
			p.PushVLAN(uint16(op.TPID))
		}
		prio := op.Prio
		if !prio.Set {
			prio.Value = uint8(p.Get(ir.VLANTCI).Lo >> 13)
		}
		p.Put(ir.VLANTCI, ir.V(uint64(prio.Value)<<13|vlanPresent|uint64(op.ID)))
	case flower.Pedit:
		return pedit(op, p)
	case flower.CT:
		s.track(op, p)
	case flower.Mirred:
		port, err := s.portOf(op, *set)
		if err != nil {
			return p, err
		}
		q := p.Copy()
		if *set != nil {
			q.Put(ir.TunID, ir.V(uint64((*set).ID.Value)))
			q.Put(ir.TunOpt, ir.V(uint64(binary.BigEndian.Uint32((*set).Geneve[0].Data))))
		}
		o.out = append(o.out, ir.Delivery{Port: port, Packet: q})
	default:
		return p, fmt.Errorf("action %s", a.Op.Kind())
	}
	return p, nil
}

// pedit edits the frame, and takes over what is in the fields then.
func pedit(op flower.Pedit, p *ir.Packet) (*ir.Packet, error) {
	b := slices.Clone(p.Frame())
	network := 14
	for t := b[12:]; binary.BigEndian.Uint16(t) == 0x8100 || binary.BigEndian.Uint16(t) == 0x88a8; t = t[4:] {
		network += 4
	}
	for _, k := range op.Keys {
		at := network
		switch k.Header {
		case flower.PeditEth:
			at = 0
		case flower.PeditTCP, flower.PeditUDP:
			if at += 20; b[network]>>4 == 6 {
				at += 20
			}
		case flower.PeditIPv4, flower.PeditIPv6:
			if want := map[flower.PeditHeader]byte{flower.PeditIPv4: 4, flower.PeditIPv6: 6}[k.Header]; b[network]>>4 != want {
				return nil, fmt.Errorf("pedit of IPv%d in %s", want, p)
			}
		}
		word := b[at+int(k.Offset):][:4]
		old := binary.BigEndian.Uint32(word)
		now := old&k.Keep | k.Value&^k.Keep
		if k.Add { // of one byte
			now = old
			for i := range 4 {
				if byte(k.Keep>>(24-8*i)) == 0 {
					now = old&k.Keep | uint32(byte(old>>(24-8*i))+byte(k.Value>>(24-8*i)))<<(24-8*i)
				}
			}
		}
		binary.BigEndian.PutUint32(word, now)
	}
	q, err := ir.ParseFrame(b)
	if err != nil {
		return nil, err
	}
	for f := ir.EthSrc; f < ir.NumFields; f++ {
		if v := q.Get(f); f != ir.VLANTCI && v != p.Get(f) {
			p.Put(f, v)
		}
	}
	return p, nil
}

func (s *sim) track(op flower.CT, p *ir.Packet) {
	if op.Clear {
		for f := ir.CTState; f <= ir.CTTPDst; f++ {
			p.Put(f, ir.Value{})
		}
		return
	}
	ct := ir.CT{Commit: op.Commit, Force: op.Force, Next: ir.NoStage}
	for i := range 32 {
		if op.Mark.Mask>>i&1 != 0 {
			ct.Exec = append(ct.Exec, ir.Set{Dst: ir.Bits(ir.CTMark, i, 1), Value: ir.V(uint64(op.Mark.Value >> i & 1))})
		}
	}
	for i := range 128 {
		if op.Label.Mask[i/8]>>(i%8)&1 != 0 {
			ct.Exec = append(ct.Exec, ir.Set{Dst: ir.Bits(ir.CTLabel, i, 1), Value: ir.V(uint64(op.Label.Value[i/8] >> (i % 8) & 1))})
		}
	}
	if n := op.NAT; n.Kind != flower.NATNone {
		ct.NAT = &ir.NAT{SNAT: n.Kind == flower.NATSrc, DNAT: n.Kind == flower.NATDst, AddrMin: n.MinAddr, PortMin: n.MinPort}
	}
	s.tracker.Track(p, op.Zone, ct)
}
