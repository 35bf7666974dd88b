// Package ovsdbtest runs real ovsdb-server processes for tests: one alone
// (Start), a raft cluster (StartCluster), and a Proxy that cuts connections; and
// a Script, which says what no real server says.
// It needs Debian's openvswitch-common.
package ovsdbtest
