package bridging

import (
	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// The tables; see the package's comment.
const (
	classify  = 0
	decap     = 1
	learn     = 2
	stations  = 3
	forward   = 4
	replicate = 5
	output    = 6
	answer    = 7
	admit     = 8
	release   = 9
)

// The registers: attachment that the frame came from, 0 for a tunnel; attachment that it goes to, 0 for none or not known; part of a long replication; 1 for a copy
// that the access list there lets out.
var (
	from   = ofp.Reg(0)
	dest   = ofp.Reg(2)
	part   = ofp.Reg(3)
	judged = ofp.Reg(4)
)

// groupBit is the bit of an Ethernet address that tells groups from stations.
const groupBit = 0x010000000000

// The addresses 01:80:c2:00:00:00 to 0f stay on their link (IEEE 802.1Q, table 8-1): spanning tree, LACP, LLDP.
const (
	linkLocal     = 0x0180c2000000
	linkLocalMask = 0xfffffffffff0
)

// Flows are the flows that do not depend on segments.
func (c Common) Flows() ([]flowset.Flow, error) {
	b := &builder{}
	b.flow(classify, 300, b.match(test{ofp.EthDst, linkLocal, linkLocalMask}))
	// By address, as a frame may come by a tunnel port that was made just now.
	b.flow(classify, 100, b.match(test{ofp.TunDst, number(c.Local), 0}), to(decap)...)
	b.flow(classify, 0, nil)
	b.flow(decap, 0, nil)

	b.flow(learn, 200, b.match(test{ofp.EthSrc, groupBit, groupBit})) // no station has such an address
	b.flow(learn, 100, nil, append([]ofp.Action{c.learning()}, to(answer)...)...)
	b.answering()

	b.flow(forward, 300, b.match(test{ofp.EthDst, groupBit, groupBit}), to(replicate)...)
	b.flow(forward, 200, b.match(test{from, 0, 0}, test{dest, 0, 0}), to(replicate)...)
	b.flow(forward, 50, b.match(test{dest, 0, 0}), to(replicate)...)
	b.flow(forward, 0, nil, to(output)...)
	return b.flows, b.err
}

// learning makes the switch learn the frame's source. Each further frame from there renews the time of its hard timeout.
func (c Common) learning() ofp.Learn {
	return ofp.Learn{Table: stations, Priority: stationPriority, HardTimeout: c.Aging, Cookie: cookie(learnedCookie, c.Aging), Limit: c.TableSize, Specs: []ofp.LearnSpec{
		{Kind: ofp.LearnMatch, Src: ofp.All(ofp.Metadata), Dst: ofp.All(ofp.Metadata)},
		{Kind: ofp.LearnMatch, Src: ofp.All(ofp.EthSrc), Dst: ofp.All(ofp.EthDst)},
		{Kind: ofp.LearnLoad, Src: ofp.All(from), Dst: ofp.All(dest)},
	}}
}
