package ir

// clearCT makes p untracked to those who look at its fields.
func (p *Packet) clearCT() {
	for f := CTState; f <= CTTPDst; f++ {
		p.vals[f] = Value{}
	}
}

// setOriginalTuple fills the fields of the original direction (ovs-fields(7), ct_nw_src and so on).
func (p *Packet) setOriginalTuple(k connKey) {
	src, dst := CTIP4Src, CTIP4Dst
	if k.v6 {
		src, dst = CTIP6Src, CTIP6Dst
	}
	p.vals[src], p.vals[dst] = k.tuple.Src, k.tuple.Dst
	p.vals[CTProto] = V(uint64(k.proto))
	sport, dport := k.tuple.SrcPort, k.tuple.DstPort
	if k.proto == protoICMP || k.proto == protoICMPv6 {
		sport, dport = sport>>8, sport&0xff
	}
	p.vals[CTTPSrc], p.vals[CTTPDst] = V(uint64(sport)), V(uint64(dport))
}

// connKey is the key of p's direction of its connection. For an ICMP error it is
// the key of the connection that the error is about, in the direction that
// the error has. ok is false for what cannot be tracked.
func (p *Packet) connKey(zone uint16) (key connKey, related, ok bool) {
	if !p.IsIP() || p.laterFragment() {
		return connKey{}, false, false
	}
	key = connKey{zone: zone, proto: uint8(p.vals[IPProto].Lo), v6: p.vals[EthType].Lo == ethIPv6}
	src, dst := p.addressFields()
	key.tuple.Src, key.tuple.Dst = p.vals[src], p.vals[dst]
	if key.proto != protoICMP && key.proto != protoICMPv6 {
		if s, d, has := p.portFields(); has {
			key.tuple.SrcPort, key.tuple.DstPort = uint16(p.vals[s].Lo), uint16(p.vals[d].Lo)
		}
		return key, false, true
	}
	typ, code := p.vals[ICMP4Type].Lo, p.vals[ICMP4Code].Lo
	if key.v6 {
		typ, code = p.vals[ICMP6Type].Lo, p.vals[ICMP6Code].Lo
	}
	if reverse, query := icmpQuery(key.v6, uint8(typ)); query {
		key.id = p.body.icmpID()
		key.tuple.SrcPort = uint16(typ<<8 | code)
		key.tuple.DstPort = uint16(reverse)<<8 | uint16(code)
		return key, false, true
	}
	if !icmpError(key.v6, uint8(typ)) {
		return connKey{}, false, false
	}
	quoted, ok := p.quoted()
	if !ok {
		return connKey{}, false, false
	}
	key, _, ok = quoted.connKey(zone)
	return key.reverse(), true, ok
}

// quoted is the packet that an ICMP error quotes, as much of it as keys need.
func (p *Packet) quoted() (*Packet, bool) {
	b := p.body.transport
	if len(b) < 8 {
		return nil, false
	}
	q := &Packet{}
	q.vals[EthType] = p.vals[EthType]
	q.body.transport = q.readQuote(b[8:])
	q.readTransport(q.body.transport)
	if typ := q.vals[ICMP4Type].Lo | q.vals[ICMP6Type].Lo; icmpError(q.Has(ICMP6Type), uint8(typ)) && (q.Has(ICMP4Type) || q.Has(ICMP6Type)) {
		return nil, false // errors about errors are never sent (RFC 1122, 3.2.2)
	}
	return q, !q.vals[IPProto].IsZero()
}

// readQuote reads the IP header of a datagram that need not be there in full and
// returns what is behind it.
func (q *Packet) readQuote(b []byte) []byte {
	switch {
	case q.vals[EthType].Lo == ethIPv4 && len(b) >= 20 && len(b) >= 4*int(b[0]&15):
		q.vals[IPProto] = V(uint64(b[9]))
		q.vals[IP4Src], q.vals[IP4Dst] = BytesValue(b[12:16]), BytesValue(b[16:20])
		return b[4*max(int(b[0]&15), 5):]
	case q.vals[EthType].Lo == ethIPv6 && len(b) >= 40:
		q.vals[IPProto] = V(uint64(b[6]))
		q.vals[IP6Src], q.vals[IP6Dst] = BytesValue(b[8:24]), BytesValue(b[24:40])
		return b[40:]
	}
	return nil
}

// icmpQuery tells whether a type is one of a question and answer pair, and the other one's type.
func icmpQuery(v6 bool, typ uint8) (reverse uint8, ok bool) {
	pairs := [][2]uint8{{8, 0}, {13, 14}, {15, 16}, {17, 18}}
	if v6 {
		pairs = [][2]uint8{{128, 129}}
	}
	for _, q := range pairs {
		switch typ {
		case q[0]:
			return q[1], true
		case q[1]:
			return q[0], true
		}
	}
	return 0, false
}

// icmpError tells whether messages of a type quote the packet that they are about.
func icmpError(v6 bool, typ uint8) bool {
	if v6 {
		return typ >= 1 && typ <= 4
	}
	return typ == 3 || typ == 4 || typ == 5 || typ == 11 || typ == 12
}

func (p *Packet) addressFields() (src, dst Field) {
	if p.vals[EthType].Lo == ethIPv6 {
		return IP6Src, IP6Dst
	}
	return IP4Src, IP4Dst
}

func (p *Packet) portFields() (src, dst Field, ok bool) {
	switch p.vals[IPProto].Lo {
	case protoTCP:
		return TCPSrc, TCPDst, true
	case protoUDP:
		return UDPSrc, UDPDst, true
	case protoSCTP:
		return SCTPSrc, SCTPDst, true
	}
	return 0, 0, false
}

// Bits of TCPFlags.
const (
	tcpFIN = 1 << iota
	tcpSYN
	tcpRST
	tcpPSH
	tcpACK
	tcpURG
)

// saneTCP tells whether p is not TCP or has flags that occur in a connection. A
// microflow that leaves tcp.flags 0 is not sane: real trackers call it invalid too.
func (p *Packet) saneTCP() bool {
	if !p.Has(TCPFlags) {
		return true
	}
	fl := p.vals[TCPFlags].Lo
	if fl&tcpSYN != 0 {
		return fl&(tcpRST|tcpFIN) == 0
	}
	if fl&(tcpACK|tcpRST) == 0 {
		return false
	}
	return fl&tcpACK != 0 || fl&(tcpFIN|tcpPSH|tcpURG) == 0
}

// mayBegin tells whether p may be the first packet of a connection that the
// tracker sees: not a SYN+ACK, not an answer to an ICMP question.
func (p *Packet) mayBegin() bool {
	const synAck = tcpSYN | tcpACK
	switch {
	case p.Has(TCPFlags):
		return p.saneTCP() && p.vals[TCPFlags].Lo&synAck != synAck
	case p.Has(ICMP4Type):
		t := p.vals[ICMP4Type].Lo
		return t == 8 || t == 13 || t == 15 || t == 17
	case p.Has(ICMP6Type):
		return p.vals[ICMP6Type].Lo == 128
	}
	return true
}
