package ir

import "github.com/sluice-gw/sluice/internal/wire"

// SetPayload gives a packet that was made of terms the data that Frame writes
// behind its transport header: for a TCP segment without SYN, FIN or RST, a UDP
// datagram, an ICMP or ICMPv6 echo. All other packets carry none, and the answer
// is false.
func (p *Packet) SetPayload(data []byte) bool {
	if p.body.network != nil || p.laterFragment() || !p.carries() {
		return false
	}
	p.payload = data
	return true
}

// carries tells whether a packet of this kind carries data of users.
func (p *Packet) carries() bool {
	const control = 1<<0 | 1<<1 | 1<<2 // FIN, SYN, RST
	switch {
	case p.Has(TCPSrc):
		return p.vals[TCPFlags].Lo&control == 0
	case p.Has(ICMP4Type):
		t := p.vals[ICMP4Type].Lo
		return (t == wire.ICMP4EchoRequest || t == wire.ICMP4EchoReply) && p.vals[ICMP4Code].IsZero()
	case p.Has(ICMP6Type):
		t := p.vals[ICMP6Type].Lo
		return (t == wire.ICMP6EchoRequest || t == wire.ICMP6EchoReply) && p.vals[ICMP6Code].IsZero()
	}
	return p.Has(UDPSrc)
}
