// Package preview tells what a change of the Northbound or the Southbound database would make of the offload, before
// anybody makes it: which packets would leave the hardware and why, which would come to it, and how many entries that takes.
//
// Everything is done on private copies. The databases that run are read once, with "ovsdb-client backup", and served again by
// servers of our own on unix sockets in a temporary directory. The change is made there; for one of the Northbound database
// an ovn-northd of our own carries it on. A Controller in memory (controlplane/controller) with a planner
// (controlplane/plan) then does on the copies what it would do on the chassis, before and after the change, and the two
// results are compared packet by packet, so to speak: see comparison. Nothing else is written to, nothing is sent to a switch.
package preview
