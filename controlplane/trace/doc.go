// Package trace runs a packet through the logical network of a Southbound
// database and tells, step by step, what happens to it: what ovn-trace(8) does,
// with the same syntax of microflows and the same forms of output.
//
// It stands beside the controller, not in it: it reads a replica (controlplane/sb)
// and uses the language packages (expr, action) and the packet model of
// controlplane/ir. Only the logical network is simulated, not where ports are:
// every port that exists is taken to be on this chassis. Actions whose outcome
// depends on state that the database does not have behave as ovn-trace(8),
// "Stateful Actions", says.
//
//	Load(db) -> *Network -> Trace(datapath, microflow, Options) -> *Result
//	Result.Detailed, Summary, Minimal, JSON
//
// The rules of a controller do what a trace tells: controlplane/controller holds the two
// against each other, and tracetest the trace against ovn-trace. Where ovn-trace does not
// tell what a chassis does, a trace tells what the chassis does, with one exception: what
// connection tracking found stays with a packet that goes to another datapath, since the
// states that people give (Options.CT) are given in this order. Otherwise:
//
//   - "ct_snat;" in a gateway router is a trip through connection tracking like any
//     other; in ovn-trace the packet ends there.
//
//   - Flags live on in the egress pipeline, such as that a load balancer's connections
//     need another source.
//
//   - A port whose security has IP addresses lets nothing in but IP and ARP.
//
//   - "nd_ns" makes a neighbour solicitation, whatever the packet was.
//
//   - "tcp_reset" and "sctp_abort" go to the port that the packet came from.
//
//   - "ct_snat_to_vip" changes the source address, to hairpin_snat_ip where there is one.
package trace
