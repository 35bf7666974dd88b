// Package ovsdbtest runs real ovsdb-server processes for tests: one alone
// (Start), a raft cluster (StartCluster), and a Proxy that cuts connections.
// It needs Debian's openvswitch-common.
package ovsdbtest
