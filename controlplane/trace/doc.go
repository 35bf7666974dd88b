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
package trace
