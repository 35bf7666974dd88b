package ir

// fiveTuple is what a Select without fields hashes.
var fiveTuple = []Field{IPProto, IP4Src, IP4Dst, IP6Src, IP6Dst, TCPSrc, TCPDst, UDPSrc, UDPDst, SCTPSrc, SCTPDst}

// chooseByHash gives each live bucket its share, by weight, of all hashes. It is
// the same for the same packet in every process, but not the bucket that a
// target with its own hash picks.
func chooseByHash(s Select, live []int, p *Packet) int {
	fields := s.Fields
	if len(fields) == 0 {
		fields = fiveTuple
	}
	h := hashSeed
	for _, f := range fields {
		v := p.Get(f)
		h = hashUint(hashUint(h, v.Hi), v.Lo)
	}
	total := uint64(0)
	for _, i := range live {
		total += uint64(s.Buckets[i].Weight)
	}
	n := fold(h, hashSeed) % total
	for pick, i := range live {
		w := uint64(s.Buckets[i].Weight)
		if n < w {
			return pick
		}
		n -= w
	}
	return len(live) - 1
}
