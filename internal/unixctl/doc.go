// Package unixctl is the run-time control channel of Open vSwitch's and OVN's programs, both ends: JSON-RPC over a Unix domain
// socket, as ovs-appctl(8) and ovn-appctl(8) speak it. A request is a command name with string arguments; the answer is a
// text, or an error text.
//
//	{"id":0,"method":"vlog/set","params":["dbg"]}  ->  {"id":0,"result":"","error":null}
//
// [Server] answers for this program with the commands of a [Commands] table; [Call] talks to another one. Texts that the server
// makes itself (unknown command, wrong number of arguments, list-commands) are those of the C programs.
package unixctl
