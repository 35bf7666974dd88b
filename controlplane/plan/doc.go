// Package plan decides which paths of the flattened pipeline (offload/flatten) a
// target of the offload gets, which of them must be traps, and why the others stay
// in the fallback. It stands between the desired rules (controlplane/backend.Delta)
// and the goroutine that drives a target (offload.Target), is pure, and belongs to
// one goroutine.
//
// # Placement
//
// A path is judged by itself first: its match, operations and ports against what the
// target can do (offload.Caps) and the ports that have devices, what the target has
// said of it before, and whether there is room. Then what follows counts. A path
// that jumps to where nothing can be offloaded is of no use, and one that changes the
// packet on the way must not end where a packet can still meet a trap: the fallback
// gets packets as they came. Both depend on the segments behind only, so a change is
// settled for the segments that changed and those from which they can be reached; of
// these, only tables that differ are handed out.
//
// A trap of which the target cannot ask for everything is widened to what it can ask
// for; paths behind it that it then hides, or that it overlaps if the target refuses
// it, are not offloaded.
//
// A target that can hand a packet over where a table begins (Caps.Handover) is told
// by each table what the fallback must do first (Table.Entry); traps there hurt nobody
// then. Tables change one by one in the target, so a change is told in steps between
// which no such jump leads to a trap either (Planner.Delta).
//
// # Refusals and room
//
// What a target refuses is remembered by the content of the path, with the target's
// words, and tried again when the path or the abilities of the target change, or after
// a growing pause if the target said that it was full or only busy.
//
// A target without room for all gets the paths that had most packets lately. A path
// is displaced only by one that is clearly hotter, and few are moved at a time. Of a
// target that says nothing of a bound it is learned when it says that it is full: what
// it has taken by then is its room, until a little more is tried.
//
// # Reasons
//
// Every path that is not offloaded has a Reason: a code, the cause, the rule to blame
// (and by it the logical flow and its stage), and what can be done. Counters read
// from the target are credited to the rules that the packets went through.
package plan
