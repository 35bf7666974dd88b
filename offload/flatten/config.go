package flatten

import "github.com/sluice-gw/sluice/controlplane/ir"

// Config says what a target can do that decides which paths there are, and bounds
// the work. Everything else that a target lacks is for its planner to find.
type Config struct {
	// Paths bounds the paths of one segment. What is beyond stays in the fallback with
	// the reason Bound. 0: DefaultPaths.
	Paths int
	// Copies bounds the paths of one set of packets that are copied. What has more is a
	// trap with the reason Flood. 0: DefaultCopies.
	Copies int
	// Cut ends a segment in front of a stage with so many rules for its packets, and
	// where a packet enters another logical datapath unchanged or, with Handover, the
	// same one again, or comes out of a tunnel for a port: so what follows is shared and
	// not multiplied. It needs a target with jumps. 0: never.
	Cut int
	// Handover says that the target can hand a packet over to the fallback in the
	// middle, at the beginning of a segment (see Segment.Entry). Else packets are
	// handed over only as they came, and paths behind which that may be necessary
	// though it is impossible are traps (Late).
	Handover bool
	// What the target can ask for beside a match: the length of the packet (Longer),
	// the number of VLAN headers (MoreTags), its own hash (Bucket).
	CanLength, CanTags, CanHash bool
	// Control is traffic that always stays in the fallback. Its matches must be on the
	// Ethernet type, and the IP protocol and type of ICMPv6 of incoming packets only.
	Control []ir.Match
	// Workers is how many goroutines evaluate at a time; 0: one for each processor.
	Workers int
}

// The bounds when Config has none.
const (
	DefaultPaths  = 16384
	DefaultCopies = 16
)

// Limits of one path; beyond, it is a trap with the reason Loop.
const (
	maxVisits = 1000 // stages that a packet visits in a segment, as in ir.DefaultMaxDepth
	maxJumps  = 48   // segments that a packet goes through
	maxHops   = 4    // routers that decrement the TTL: what is known of a destination ends with a segment, so routes that point at each other go on for ever
)

// NeighbourTraffic is what finds and announces neighbours: ARP, RARP, and the
// messages of RFC 4861 (router and neighbour discovery, redirects). Answers to it
// are made by software and all of it is learned from.
func NeighbourTraffic() []ir.Match {
	nd := func(typ, mask uint64) ir.Match {
		return ir.MustMatch(ir.Exact(ir.EthType, ethIPv6), ir.Exact(ir.IPProto, protoICMPv6), ir.Masked(ir.ICMP6Type, typ, mask))
	}
	return []ir.Match{
		ir.MustMatch(ir.Exact(ir.EthType, ethARP)), ir.MustMatch(ir.Exact(ir.EthType, ethRARP)),
		nd(133, 0xff), nd(134, 0xfe), nd(136, 0xfe),
	}
}
