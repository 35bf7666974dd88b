// Package lab runs a real OVN deployment on one machine, in network namespaces: a central node (ovsdb-server for the
// Northbound and Southbound databases, ovn-northd), an underlay, any number of chassis (each with its own ovsdb-server,
// ovs-vswitchd with the userspace or the kernel's datapath, and the controller under test or ovn-controller), hosts that stand for VMs
// and containers, and a physical network. The demo, the end-to-end tests and anything else that wants packets to flow
// share it, so it depends on no test framework.
//
// Every deployment has its own prefix: names of namespaces begin with it and its files live under StateRoot/PREFIX. What
// was created is written down there before it can be forgotten, so that a deployment whose program was killed is removed
// by the next one (Reap). Only processes that are in that record are ever signalled, by process id and start time.
//
// The package needs root, Linux network namespaces and Debian's OVS and OVN programs; Missing says which of these is
// absent.
package lab
