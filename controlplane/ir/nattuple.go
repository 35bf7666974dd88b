package ir

import "net/netip"

// translate rewrites p as its connection says.
func (p *Packet) translate(ref connRef, related bool) {
	src, dst := p.addressFields()
	sport, dport, ports := p.portFields()
	ports = ports && !related // of an error only the outer address changes
	// What is wanted of p: the tuple of its direction behind the translation.
	want := ref.Reply.reverse()
	source := ref.snat // the source changes, else the destination
	if ref.reply {
		want = ref.Orig.reverse()
		source = ref.dnat
	}
	switch {
	case !ref.snat && !ref.dnat:
		return
	case source:
		p.vals[src] = want.Src
		p.track.nat = CTSNAT
	default:
		p.vals[dst] = want.Dst
		p.track.nat = CTDNAT
	}
	if ports {
		p.vals[sport], p.vals[dport] = V(uint64(want.SrcPort)), V(uint64(want.DstPort))
	}
}

// firstEphemeral is where the search for a free source port begins.
const firstEphemeral = 1024

// freeTuple is the key that replies shall have: the reverse of key with the
// address and port of nat put in, changed until no other connection has it.
func (c *Conntrack) freeTuple(key connKey, nat *NAT) (connKey, bool) {
	h := hashUint(hashUint(hashSeed, key.tuple.Src.Lo^key.tuple.Src.Hi), key.tuple.Dst.Lo^key.tuple.Dst.Hi)
	h = fold(hashUint(h, uint64(key.tuple.SrcPort)<<16|uint64(key.tuple.DstPort)), hashSeed)
	reply := key.reverse()
	free := func() bool { _, taken := c.byKey[reply]; return !taken }
	addr := nat.address(h)
	hasPorts := key.proto == protoTCP || key.proto == protoUDP || key.proto == protoSCTP
	minPort, nPorts := nat.ports()
	if nat.DNAT {
		reply.tuple.Src = addr
		if hasPorts && nPorts > 0 {
			for i := range nPorts {
				reply.tuple.SrcPort = minPort + uint16((h+i)%nPorts)
				if free() {
					return reply, true
				}
			}
		}
		// With the destination fixed, only another source port makes it unique.
		nPorts = 0
	} else if !addr.IsZero() {
		// nat(src=0.0.0.0) keeps the address and only resolves collisions.
		reply.tuple.Dst = addr
	}
	if nPorts == 0 && free() {
		return reply, true
	}
	if !hasPorts {
		return reply, free()
	}
	if nPorts == 0 {
		minPort, nPorts = firstEphemeral, 65536-firstEphemeral
	}
	for i := range nPorts {
		reply.tuple.DstPort = minPort + uint16((h+i)%nPorts)
		if free() {
			return reply, true
		}
	}
	return reply, false
}

// address picks an address of the range by hash.
func (n *NAT) address(h uint64) Value {
	lo, hi := addrValue(n.AddrMin), addrValue(n.AddrMax)
	if !n.AddrMax.IsValid() || hi.Cmp(lo) <= 0 {
		return lo
	}
	size := hi.Sub(lo).Add(V(1))
	if size.Hi != 0 || size.Lo == 0 {
		return lo.Add(V(h))
	}
	return lo.Add(V(h % size.Lo))
}

// ports is the range of ports, n 0 for none given.
func (n *NAT) ports() (first uint16, count uint64) {
	switch {
	case n.PortMin == 0:
		return 0, 0
	case n.PortMax < n.PortMin:
		return n.PortMin, 1
	}
	return n.PortMin, uint64(n.PortMax-n.PortMin) + 1
}

func addrValue(a netip.Addr) Value {
	if !a.IsValid() {
		return Value{}
	}
	return BytesValue(a.AsSlice())
}
