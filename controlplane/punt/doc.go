// Package punt is the slow path: it answers the packets that the pipeline hands
// to the controller (ir.Punt) and sends those that the controller originates.
//
// It resolves neighbors (ARP, ND) and holds the packets that wait for an answer,
// learns MAC addresses, serves DHCPv4 and DHCPv6, advertises routers, makes ICMP
// errors, TCP resets and SCTP aborts, writes ACL log lines, and announces NAT
// addresses and ports on physical networks. Semantics are those of the actions in
// ovn-sb(5) and of ovn-controller's packet-in thread.
//
// # Who gives what
//
//   - The backend (fallback/ovs) decodes packet-ins to PacketIn, calls
//     SlowPath.Handle, and implements Switch.
//   - The engine goroutine describes what the slow path needs to know: SlowPath.Update
//     with a View (announcements, router advertisements, redirect ports: a node that
//     watches Port_Binding builds it, with Announcements and ParseRAConfig), and
//     SlowPath.UpdateNeighbors with every change of MAC_Binding and
//     Static_MAC_Binding of local datapaths.
//   - Effects on the Southbound database go to a Store by tunnel keys. Mailbox is the
//     Store that the engine goroutine empties; it maps keys to rows and writes them.
//
// # Inside
//
// Packet-ins are spread over shards by datapath; in a shard, datapaths take turns, so
// that a storm on one does not starve the others. A handler is a pure function from a
// packet-in to Effects; a shard applies them. One more goroutine runs what is due at
// some time: announcements, advertisements and delayed learning. Nothing here waits
// for the switch or the database.
package punt
