// Package flower speaks to the kernel's classifier cls_flower and its actions: the part of Linux traffic control (tc-flower(8))
// that network cards take over into hardware.
//
// A Filter is a plain value: where it hangs (Hook, chain, priority), what it matches (Match) and what it does (Action). Requests
// (Add, Replace, Delete, ...) carry it to the kernel over a Conn, many at a time; a dump gives Installed, which is the filter
// with what the kernel knows of it: whether it is in hardware, counters, when it was last used. Installed.Text is what Debian 12's
// "tc filter show" (iproute2 6.1) prints.
//
// The numbers and structures are those of linux/pkt_cls.h and linux/tc_act/*.h. Three rules hold for the codec:
//
//   - What is written is what iproute2 writes for the same rule, attribute by attribute (testdata/requests.txt).
//   - A filter that the kernel would take but read differently is refused here with an *InvalidError, such as a match on a port
//     without the protocol: the kernel ignores the port, and the filter matches too much.
//   - Nothing that a dump has is dropped: attributes that are not understood are in Match.Other, actions in Raw, and both are
//     written back as they were.
//
// cls_flower has no keys for neighbour discovery (target and link-layer addresses; only the ICMPv6 type and code), none for
// registers or metadata other than those of conntrack and tunnels, and a filter has no cookie of its own: Filter.Cookie is the
// cookie of its first action, as Open vSwitch keeps it.
//
// The package stands in layer 4, on internal/nl. Package offload/tc makes filters of the pipeline's rules with it. Qdiscs,
// links and neighbours are not its business.
package flower
