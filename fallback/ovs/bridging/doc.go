// Package bridging says which flows make a bridge of Open vSwitch a VTEP: VLANs of its ports and VXLAN segments become Ethernet segments.
// It is a pure function of [Common] and [Segment] values; package flowset puts what it says into the switch.
//
// A segment is known by its metadata, an attachment (a VLAN of a port) by a number that fits into a register. The tables:
//
//	0 classify   port and VLAN: tag off, segment into metadata, attachment into reg0, to 2; out of a tunnel: to 1. What is bound to nothing is dropped
//	1 decap      VNI: segment into metadata, reg0 stays 0, to 3 and 4
//	2 learn      source address and attachment are learned into 3, by the switch itself; to 7
//	3 stations   learned, or held while the offload keeps frames away: destination address: its attachment into reg2
//	4 forward    known attachment: to 6; remote station: into the tunnel, if the frame did not come out of one; else to 5
//	5 replicate  to each attachment by 6, and, if the frame did not come out of a tunnel, to the remote ends
//	6 output     attachment in reg2: tag on, out; never back to the attachment that the frame came from
//	7 answer     ARP requests for the address of a remote station: the reply, by 6; all else to 3 and 4
//	8 admit      from an attachment with an access list, between 0 and 2: what it denies is dropped
//	9 release    to an attachment with one, called by 6, whose copy goes on there when reg4 says that it is judged
//
// Nothing passes from tunnel to tunnel: that is the split horizon of VXLAN with a full mesh (source node replication), and of a switch behind a service
// node. Access lists judge each copy of a flood by itself, the answers to ARP too, and frames before anything is learned from them. Everything but learned stations
// and lists goes through flows that name the segment, so that a station learned before its VLAN was bound to another segment
// leads nowhere.
//
// What the offload gets is the same segments as rules (rules.go).
package bridging
