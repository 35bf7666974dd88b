// Package flatten turns the rules of a chassis into paths: for each port of the
// integration bridge by which packets come in, a list of matches on incoming
// packets, each with all that becomes of such packets. Hardware that knows no
// pipeline, no registers and no subroutines can be programmed with it.
//
// It stands between the desired rules (controlplane/backend.Delta) and the planner
// of an offload target. It evaluates the pipeline symbolically, does no I/O, and
// agrees with the evaluator of controlplane/ir on every packet (package
// flattentest says in code what that means).
//
// # Packets, states and paths
//
// A set of incoming packets is a cube: the bits of its fields that are fixed. A
// state is a cube on its way through the pipeline, with what has become of each
// field: a constant, a copy of bits of an incoming header, or itself. At a stage the
// rules are tried by priority. A rule that some of the packets match splits them; it
// is followed with those, and the rest goes on to the next rule. So paths come out
// in lexicographic order of the priorities met, and of a list of paths the first
// that matches a packet is right; no path needs to say what it does not match.
// Rules that no packet can match, or that rules before have all packets of, are
// left out. The same holds for all else that splits packets: headers that an
// operation needs, a TTL that reaches 0, a VLAN header that may be there or not.
//
// Registers exist during the evaluation only. A path says what the packet is like
// where it leaves: constants and copies that are written to its headers (Rewrite).
//
// # Segments
//
// What connection tracking says cannot be known in advance. There a path ends in a
// jump to another segment, which begins with packets of any headers and of any
// connection, and with what they carry: the zone, registers and rewrites that are
// still to be done (the environment). Headers are not rewritten in front of a jump,
// unless connection tracking must see it, so that up to then a packet can still be
// handed to the fallback as it came. An evaluation notes each bit of its environment
// that it looks at; environments that agree in those bits share the segment. Where
// many rules would follow many, a segment can end without connection tracking, for
// the same sharing (Config.Cut): then the number of paths is a sum, not a product. So it
// does where a priority tag is taken off: few packets come with one.
//
// # Traps
//
// A path that cannot be offloaded, for whatever Reason, stays in its list as a trap:
// its packets must go to the fallback and not to what follows in the list. Of the
// traps only those need to be programmed behind which there is an overlapping path
// (Traps): what matches nothing goes to the fallback anyway. A path that changes a
// packet, or copies or commits it, and then jumps to where a trap can be met is a
// trap itself (Late): there the packet would not be as it came. A target that can have the
// fallback take over where a segment begins (Config.Handover, Segment.Entry) needs that less:
// such a segment depends on all headers, and on what the rest of the pipeline may look at of
// the registers and of what is known of the connection (liveness).
// Packets of some ports stay in the fallback in any case (SetGuard). Rules that packets
// teach the switch are not known here, so packets that may match one are trapped;
// the choice by hash, lengths and inner VLAN headers are conditions of a path if the
// target has them (Config), and reasons if not.
//
// # Changes
//
// For each segment it is kept which rules its packets followed and in which stages,
// with which ports, they were. A rule that is removed concerns the segments that
// followed it, one that is added those whose packets it could match; they are
// evaluated again, and the difference is handed out. Work for one segment is
// bounded (Config.Paths); what is beyond is a trap at the end, which names the
// rules that multiply.
package flatten
