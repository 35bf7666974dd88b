// Package nl speaks netlink (RFC 3549, netlink(7)) for those that send many
// requests: an attribute codec that does not allocate per attribute, and a
// connection that keeps several requests in flight.
//
// Encoder and Table write and read attributes. Conn sends batches: up to
// Options.Window requests in one sendmsg(2), every answer matched to its request
// by sequence number, every refusal with the kernel's own words (NETLINK_EXT_ACK).
// The kernel works through a datagram before sendmsg returns and queues one
// answer for each message, so a batch is bounded by the room that the receive
// buffer has for answers. Bigger batches than 16 gain nothing (measured on
// RTM_NEWNEIGH, 1.2 to 2.2 times the rate of single requests).
//
// The socket is github.com/mdlayher/netlink's: it opens it, enters a network
// namespace and sets its options. Sending and receiving go around that package,
// through SyscallConn, because its Receive
//   - returns the first refusal as the error of the whole call, so a batch would
//     lose what follows it in the datagram,
//   - drops NLMSGERR_ATTR_MISS_TYPE and the warnings of requests that succeeded,
//   - allocates each message, and makes two system calls for each datagram.
//
// The package stands at the bottom (layer 0): it knows no netlink family. Package
// offload/tc/flower is built on it; nltest is its double for tests.
package nl
