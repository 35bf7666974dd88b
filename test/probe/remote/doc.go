// Package remote has hosts of other machines do what package probe does. Start starts an agent there by any command line that connects its
// standard input and output with one, such as ssh(1) with the program test/probe/agent, and is then a probe.Host; Serve is the agent's side,
// which answers with the functions of package probe. Streams, servers and watches run where the agent is, and only what is asked of them
// comes back. They end with the connection.
//
// Calls are those of net/rpc in JSON, so what is exported here besides the two is what crosses.
package remote
