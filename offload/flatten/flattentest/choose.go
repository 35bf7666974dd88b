package flattentest

import "github.com/sluice-gw/sluice/controlplane/ir"

// Choose is an ir.Options.Choose. Without a hash of its own (hash is Config.CanHash) a
// Flattener chooses by ports and IP addresses where it may; all other choices are for bucket.
func Choose(hash bool, bucket int) func(ir.Select, []int, *ir.Packet) int {
	return func(s ir.Select, live []int, p *ir.Packet) int {
		if hash || len(s.Fields) > 0 || len(live) > 8 || tracks(s) {
			return bucket % len(live)
		}
		src, dst := p.Get(ir.IP4Src).Lo, p.Get(ir.IP4Dst).Lo
		switch p.Get(ir.EthType).Lo {
		case 0x86dd:
			src, dst = p.Get(ir.IP6Src).Lo, p.Get(ir.IP6Dst).Lo
		case 0x800:
		default:
			return len(live) - 1
		}
		from, to, ports := p.Get(ir.TCPSrc).Lo, p.Get(ir.TCPDst).Lo, true
		switch p.Get(ir.IPProto).Lo {
		case 6:
		case 17:
			from, to = p.Get(ir.UDPSrc).Lo, p.Get(ir.UDPDst).Lo
		default:
			ports = false
		}
		table := slots(s, live)
		slot := (src^dst)&1 | dst&2 | src&2<<1
		if ports {
			slot = (from^to)>>1&1 ^ dst&1 | (from^to)>>2&1<<1 | dst>>1&1<<2
		}
		return table[slot%uint64(len(table))]
	}
}

// tracks tells whether a bucket asks for connection tracking.
func tracks(s ir.Select) bool {
	for _, b := range s.Buckets {
		for _, op := range b.Ops {
			if _, is := op.(ir.CT); is {
				return true
			}
		}
	}
	return false
}

// slots are indices of live: as many as there are buckets if these are two, four or eight of one weight, else eight.
func slots(s ir.Select, live []int) (table []int) {
	weight := func(pick int) float64 { return float64(s.Buckets[live[pick]].Weight) }
	n := len(live)
	if n != 1 && n != 2 && n != 4 {
		n = 8
	}
	for pick := range live {
		if weight(pick) != weight(0) {
			n = 8
		}
	}
	got := make([]int, len(live))
	for i := range n {
		next := i
		if i >= len(live) {
			next = 0
			for pick := range live {
				if float64(got[pick])/weight(pick) < float64(got[next])/weight(next) {
					next = pick
				}
			}
		}
		got[next]++
	}
	for pick, k := range got {
		for range k {
			table = append(table, pick)
		}
	}
	return table
}
