// Package tc programs the kernel's traffic control, and through it network cards, with the paths of offload/flatten: a Target makes
// the filters of flower (package flower) agree with the tables that the planner places. The fallback is Open vSwitch with the
// kernel's datapath on the same devices; tc sees packets before it does.
//
// It stands in layer 4, beside the fallback, and knows of the control plane only what the seam (package offload) says.
//
// # Form
//
// Filters hang at the clsact qdisc of each device by which packets come in. Chain 0 is the switchboard: by the end of the tunnel and
// the kind of packet it sends each ingress to a chain of its own, which has the ingress's table. Segments that tables jump to have
// chains on every device from which they can be reached. Fragments, packets with more than one VLAN header or of other types than
// IPv4, IPv6 and ARP, and IPv6 with an authentication header are not let in: flower and Open vSwitch read them differently.
//
// An entry is one filter for each kind of packets that it can meet. Entries with packets in common have priorities in their order (see
// level); others share them. In the kernel those that many packets meet come first, as far as that order leaves it open. A trap ends
// classification with "pass", so that Open vSwitch gets the packet as it came; where packets have a connection it is forgotten first
// ("ct clear"), or, if Open vSwitch can take over where the table begins (offload.Table.Entry), kept, and the packet marked. Every chain
// ends with such a filter. For a device that takes filters over (skip_sw) there is a second, complete set of filters, with "trap" in
// place of "pass".
//
// # Refusals
//
// What flower has no form for, and what the kernel or a driver refuses, becomes a trap, with as much of the match as there is
// a form for; it is reported as an offload.Failure with the other side's words. If the trap is refused too, the paths behind it
// that overlap become traps. A path that changes, commits or copies a packet and then jumps becomes a trap if anything was
// refused where the packet can come to: there it could not be handed over as it came any more.
//
// # Limits
//
// A packet follows 15 jumps (the kernel drops it after 16). Queues, samples, the choice of a port or by hash, and rules that need
// a value copied stay in the fallback. A packet that is related to a connection and begins one itself (FTP's data) is +new+rel for Open vSwitch
// and +rel for flower: connection tracking helpers must be off. The rewriting of addresses without NAT has not been tested
// with packets that the kernel merges or segments (GRO, GSO).
//
// # Changes
//
// What is there is read once (adopted) and known by cookies, which name the path; after that only differences are sent. No packet
// sees half a change, for one of three reasons:
//
//   - The ingress's packets meet at most one chain that changes, and no packet matches two of the filters that change in it. Then each
//     request changes what becomes of its packets at once (the kernel replaces a filter at once, and adds or deletes one at
//     once), and every packet finds the table either as it was or as it will be. A filter that moves to another priority is added
//     before it is deleted; both do the same.
//   - Filters only move to other priorities. They are added there in their order, and taken away where they were in the opposite one.
//   - Else the ingress is paused: its filters on the switchboard are replaced by "pass" first, everything is changed, and then they
//     are put back. Meanwhile its packets take the fallback, which is complete.
//
// A packet can be on its way through a chain while that happens: between what comes and what goes of a move, between a pause and what it is for, and before a
// chain is emptied, the kernel is waited for until those that had begun are through (Links.Drain).
//
// New chains are filled before anything goes to them, and emptied after nothing does. If the process dies anywhere in between, what
// it leaves is one of these states; the next one finds it by the cookies and goes on.
//
// # Others
//
// Cookies name the chassis too: filters of other chassis and of other programs are left alone. A device where another program offloads,
// which is seen by a flower filter with a cookie of 16 bytes or by an ingress qdisc, is left to it. Filters that are gone or too much show when
// counters are read, changed ones when all are compared (Audit); then the device is adopted anew. A qdisc that is gone is made again,
// also when a change finds that out. A device that has no filter of sluice's or of anybody any more loses it.
package tc
